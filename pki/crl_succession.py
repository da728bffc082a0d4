"""What a list left out of the one before it, found without a look at the entries that stand in both.

The earlier list was read entry by entry when it was published. Where the later one has the same octets it has
the same entries; the others are read strictly. Of a million entries a revocation changes one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from pki import asn1
from pki.crl_entry import serial_element
from pki.crl_index import read_next

_MOST: Final = 512
"""Differences that are looked at one by one; where there are more, an index over all is faster."""
_PIECE: Final = 1 << 16
_ROW: Final = 1 << 8


@dataclass(frozen=True, slots=True)
class EntryOctets:
    """Where the entries of one list stand."""

    der: bytes = field(repr=False)
    start: int
    end: int


def left_out(old: EntryOctets, new: EntryOctets) -> list[int] | None:
    """Serials of `old` that `new` lacks; None where they differ in too much, or are out of order, to tell so.

    MalformedInput for a bad entry of `new`. A serial that is not told here stands in `new` for certain.
    """
    at, place, last = old.start, new.start, b""
    missing: list[int] = []
    for _ in range(_MOST):
        kept, before = _kept(old, at, _same(old, at, new, place))
        place += kept - at
        at = kept
        if before is not None:
            last = serial_element(old.der, before)
        if at == old.end and place == new.end:
            return missing
        here = serial_element(old.der, at) if at < old.end else None
        if place == new.end:
            there, after = None, place
        else:
            there, after = read_next(new.der, place, new.end)
            if not last < there:
                return None
        if there is not None and (here is None or there <= here):
            place, last = after, there  # it is new, or says now something else
        if here is not None and (there is None or here <= there):
            at = _end(old, at)
            if here != there:
                missing.append(int.from_bytes(here[2:], "big"))
        if at > old.end:
            return None
    return None


def _same(old: EntryOctets, at: int, new: EntryOctets, place: int) -> int:
    """How many octets are the same from there on."""
    # Pieces are copied to be compared: views of octets are compared one by one.
    one, other, done, most = old.der, new.der, 0, min(old.end - at, new.end - place)
    size = min(_PIECE, most)
    while one[at + done : at + done + size] == other[place + done : place + done + size]:
        done += size
        size = min(_PIECE, most - done)
        if not size:
            return done
    same = 0
    while size - same > 1:
        middle = (same + size) // 2
        start, stop = done + same, done + middle
        if one[at + start : at + stop] == other[place + start : place + stop]:
            same = middle
        else:
            size = middle
    return done + same


def _kept(old: EntryOctets, at: int, same: int) -> tuple[int, int | None]:
    """(where the whole entries within so many octets end, where the last of them begins)."""
    der, stop, before = old.der, at + same, None
    while at < stop:
        said = der[at + 1]
        size = 2 + said if said < 0x80 else _end(old, at) - at
        if at + size > stop:
            break
        # Entries in a row are mostly of one size: where each says so, the next one begins that much further.
        says = der[at + 1 : min(stop, at + _ROW * size) : size]
        row = len(says) - len(says.lstrip(says[:1])) if said < 0x80 else 1
        at += min(row, (stop - at) // size) * size
        before = at - size
    return at, before


def _end(old: EntryOctets, at: int) -> int:
    return asn1.read(old.der, at, old.end).end
