"""Lists cut by serial: which part of an issuer's list is a certificate's, and under which URL.

A certificate's slot is its serial's last octet; N parts (1, 16, 64 or 256) share the 256 slots evenly. A part
is called `N-K`, so that a CA may change N and older certificates still find theirs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pki.errors import RequestRefused
from pki.profiles import StatusUrls

COUNTS: Final = (1, 16, 64, 256)
"""Into how many parts a list may be cut; 1 is the whole list."""
SLOTS: Final = 256
"""The values of an octet."""


@dataclass(frozen=True, slots=True, order=True)
class Shard:
    """Part `index` of `count`."""

    count: int
    index: int

    def __post_init__(self) -> None:
        """Only parts that there are."""
        if self.count not in COUNTS[1:] or not 0 <= self.index < self.count:
            raise RequestRefused(
                f"There is no part {self.index} of {self.count} of a list.",
                next_step=f"A list is cut into {', '.join(map(str, COUNTS[1:]))} parts, counted from 0.",
                field="shard",
            )

    @property
    def slots(self) -> range:
        """The last octets of the serials that stand in it."""
        width = SLOTS // self.count
        return range(self.index * width, (self.index + 1) * width)

    def holds(self, serial: int) -> bool:
        """Whether a certificate of this serial belongs to it."""
        return slot_of(serial) in self.slots

    def __str__(self) -> str:
        return f"{self.count}-{self.index}"

    @classmethod
    def read(cls, text: str) -> Shard:
        """From `N-K`; RequestRefused for anything else."""
        count, _, index = text.partition("-")
        if not (count + index).isascii() or not count.isdigit() or not index.isdigit() or len(text) > 7:
            raise RequestRefused(
                f"{text[:20]!r} is not a part of a list.", next_step="For example 16-3.", field="shard"
            )
        return cls(int(count), int(index))


def slot_of(serial: int) -> int:
    """The last octet: random in our serials, and evenly spread in a foreign CA's that counts up."""
    return serial & 0xFF


def shard_of(serial: int, count: int) -> Shard | None:
    """The part that a serial belongs to; None where the list is whole."""
    return None if count == 1 else Shard(count, slot_of(serial) * count // SLOTS)


def all_shards(count: int) -> tuple[Shard, ...]:
    """Every part; none where the list is whole."""
    return () if count == 1 else tuple(Shard(count, index) for index in range(count))


def shard_url(urls: StatusUrls, serial: int) -> str:
    """Where a certificate of this serial says its list is: `.../issuing.crl` or `.../issuing/16-3.crl`."""
    shard = shard_of(serial, urls.crl_shards)
    return urls.crl if shard is None or not urls.crl else url_of(shard, urls.crl)


def url_of(shard: Shard, whole: str) -> str:
    """A part's URL beside the whole list's."""
    return f"{whole.removesuffix('.crl')}/{shard}.crl"


def delta_url(whole: str) -> str:
    """The URL of the changes since a whole list."""
    return f"{whole.removesuffix('.crl')}/delta.crl"
