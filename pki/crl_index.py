"""Where each entry of a list begins, in four octets an entry, found a megabyte at a time.

A million entries read one by one would take five seconds and 200 MB. Nearly all have the same few forms,
which one pattern knows completely; whatever it does not match is read by hand: it refuses nothing by itself.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from operator import itemgetter, lt
from typing import Final

from pki import asn1
from pki.crl_entry import read_entry, serial_element
from pki.errors import MalformedInput

_AT_ONCE: Final = 1 << 20
_RUN: Final = 1 << 14
_SERIAL_SIZES: Final = (16, 17, 20, 19, 18, *range(1, 16))
"""The likely ones first: the pattern tries them in this order."""


def _integer(size: int) -> bytes:
    """A positive INTEGER of so many octets, in its one DER form."""
    any_octets = rb"(?s:.{%d})"
    forms = [rb"[\x01-\x7f]" + any_octets % (size - 1)]
    if size > 1:
        forms.append(rb"\x00[\x80-\xff]" + any_octets % (size - 2))
    return re.escape(bytes((size,))) + rb"(?:" + rb"|".join(forms) + rb")"


# 29 February is read by hand: whether the year has one is no matter for a pattern.
_DAY: Final = (
    rb"(?:(?:0[13578]|1[02])(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)(?:0[1-9]|[12][0-9]|30)"
    rb"|02(?:0[1-9]|1[0-9]|2[0-8]))"
)
_TIME: Final = rb"\x17\x0d[0-9]{2}" + _DAY + rb"(?:[01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]Z"
_REASON: Final = rb"(?:\x30\x0c\x30\x0a\x06\x03\x55\x1d\x15\x04\x03\x0a\x01[\x00-\x06\x08-\x0a])?"
_SERIALS: Final = rb"\x02(?:" + rb"|".join(_integer(size) for size in _SERIAL_SIZES) + rb")"
_ENTRY: Final = re.compile(rb"\x30[\x12-\x7f]" + _SERIALS + _TIME + _REASON)
_LESS_HEADER: Final = bytes((size - 2) % 256 for size in range(256))


@dataclass(frozen=True, slots=True)
class EntryIndex:
    """The entries of one list: how many, where, and which is a serial's."""

    der: bytes = field(repr=False)
    offsets: array[int] = field(repr=False)
    """Where entries begin, ordered by serial."""
    start: int
    end: int
    in_order: bool
    """Whether that is the order in which they stand in the list."""

    @classmethod
    def of(cls, der: bytes, start: int, end: int) -> EntryIndex:
        """Every entry between two offsets, read; MalformedInput for a bad one, and a serial that is twice."""
        offsets: array[int] = array("I")
        ascending, last, at = True, b"", start
        while at < end:
            serials, after = _matched(der, at, end, offsets) or _by_hand(der, at, end, offsets)
            ascending = ascending and last < serials[0] and all(map(lt, serials, serials[1:]))
            last, at = serials[-1], after
        return cls(der, offsets if ascending else _sorted(der, offsets), start, end, ascending)

    def __len__(self) -> int:
        return len(self.offsets)

    def find(self, serial: int) -> int | None:
        """Where a serial's entry begins."""
        wanted = asn1.integer(serial)
        place = bisect_left(self.offsets, wanted, key=self._serial_at)
        found = place < len(self.offsets) and self._serial_at(self.offsets[place]) == wanted
        return self.offsets[place] if found else None

    def runs(self) -> Iterator[list[bytes]]:
        """All serials, as encoded INTEGERs, ascending, some thousands at a time."""
        for at in range(0, len(self.offsets), _RUN):
            yield self._serials(at, at + _RUN)

    def between(self, first: bytes, last: bytes) -> set[bytes]:
        """The encoded serials from one to another."""
        low = bisect_left(self.offsets, first, key=self._serial_at)
        high = bisect_right(self.offsets, last, key=self._serial_at)
        return set(self._serials(low, high))

    def missing_from(self, other: EntryIndex) -> Iterator[int]:
        """Serials that stand here and not there, ascending; never more than a run of them in memory."""
        if self._stands_in(other):
            return
        for run in self.runs():
            for serial in sorted(set(run) - other.between(run[0], run[-1])):
                yield int.from_bytes(serial[2:], "big")

    def _stands_in(self, other: EntryIndex) -> bool:
        """Whether the other list is this one with entries put in at one place, or the same: none is lost.

        The usual revocation adds one entry, and this compares without a look at any. False is no answer.
        """
        old, new = self._octets, other._octets
        if not (self.in_order and other.in_order) or len(new) < len(old):
            return False
        same, differs = 0, len(old) + 1
        while differs - same > 1:
            middle = (same + differs) // 2
            same, differs = (middle, differs) if old[:middle] == new[:middle] else (same, middle)
        # Only whole entries count: back to where one begins, and the rest must begin with one too.
        begins = (
            other.offsets[bisect_right(other.offsets, other.start + same) - 1] if len(other) else other.end
        )
        same = min(same, begins - other.start) if same < len(new) else same
        rest = len(old) - same
        place = bisect_left(other.offsets, other.end - rest)
        whole = not rest or (place < len(other) and other.offsets[place] == other.end - rest)
        return whole and old[same:] == new[len(new) - rest :]

    @property
    def _octets(self) -> memoryview:
        return memoryview(self.der)[self.start : self.end]

    def _serials(self, low: int, high: int) -> list[bytes]:
        # serial_element without a call each: a comparison of two lists is mostly this.
        der = self.der
        return [
            der[at + 2 : at + 4 + der[at + 3]] if der[at + 1] < 0x80 else serial_element(der, at)
            for at in self.offsets[low:high]
        ]

    def _serial_at(self, offset: int) -> bytes:
        return serial_element(self.der, offset)


def _matched(der: bytes, at: int, end: int, offsets: array[int]) -> tuple[list[bytes], int] | None:
    """(serials, where the next entry begins) of entries in a row that have the usual form; None for none."""
    entries: list[bytes] = _ENTRY.findall(der, at, min(at + _AT_ONCE, end))
    if not entries:
        return None
    sizes = bytes(map(len, entries))
    # The pattern leaves two things open: that nothing was skipped, and that the header says the true size.
    # The last entry may have been cut where the piece ends: it is looked at again with the next one.
    whole = _prefix(der, at, entries, sizes)
    if not whole:
        return None
    starts = list(accumulate(sizes[:whole], initial=at))
    after = starts.pop()
    offsets.extend(starts)
    return [entry[2 : 4 + entry[3]] for entry in entries[:whole]], after


def _prefix(der: bytes, at: int, entries: list[bytes], sizes: bytes) -> int:
    """How many of the matches stand in a row from `at` and are as long as their headers say."""
    said = bytes(map(itemgetter(1), entries))
    true = sizes.translate(_LESS_HEADER)
    if b"".join(entries) == der[at : at + sum(sizes)]:
        if said == true:
            return len(entries)
        if said[:-1] == true[:-1]:
            return len(entries) - 1
    good = 0
    for entry, size in zip(entries, sizes, strict=True):
        if entry[1] != size - 2 or not der.startswith(entry, at):
            break
        good, at = good + 1, at + size
    return good


def _by_hand(der: bytes, at: int, end: int, offsets: array[int]) -> tuple[list[bytes], int]:
    serial, after = read_next(der, at, end)
    offsets.append(at)
    return [serial], after


def read_next(der: bytes, at: int, end: int) -> tuple[bytes, int]:
    """(its serial's INTEGER, where the next one begins) of the entry that begins there; MalformedInput."""
    entry = asn1.read(der, at, end)
    if entry.tag != asn1.SEQUENCE or entry.content == entry.end:
        raise MalformedInput("An entry is not a SEQUENCE that holds something.", field=f"offset {at}")
    serial = asn1.read(der, entry.content, entry.end)
    if asn1.int_value(der, serial) < 0 or serial.end - serial.content > 127:
        raise MalformedInput("An entry's serial is no certificate's.", field=f"offset {at}")
    read_entry(der, at)
    return asn1.encoded(der, serial), entry.end


def _sorted(der: bytes, offsets: array[int]) -> array[int]:
    """By serial; other CAs list in the order of revocation."""
    ordered = array("I", sorted(offsets, key=lambda offset: serial_element(der, offset)))
    last = b""
    for offset in ordered:
        serial = serial_element(der, offset)
        if serial == last:
            raise MalformedInput("A serial is listed twice.", field=f"offset {offset}")
        last = serial
    return ordered
