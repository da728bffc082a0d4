"""Signed answers and known statuses in memory: bounded, and dropped certificate by certificate.

For what is not signed ahead: requests about several certificates, other digests, post-quantum answers.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pki.ocsp_template import serial_octets
from registry.status import Changes
from service.status.answers import HttpAnswer, Quick

MAX_ANSWERS: Final = 20_000
MAX_STATUSES: Final = 100_000
Key = tuple[bool, bytes]
"""(signed by the post-quantum delegate, the request)."""


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """A signed answer and until when it is given out: half its life, so that nobody gets an old one."""

    answer: HttpAnswer
    quick: Quick
    give_until: float
    """Seconds since 1970."""
    serials: tuple[bytes, ...]
    """INTEGER contents."""


class OcspCache:
    """One CA's. Belongs to one thread. The oldest answer makes room for a new one."""

    def __init__(self) -> None:
        self._answers: dict[Key, CachedAnswer] = {}
        self._keys: dict[bytes, tuple[Key, ...]] = {}
        self._statuses: dict[bytes, bytes] = {}

    def get(self, key: Key, now: float) -> CachedAnswer | None:
        """The answer, unless half its life is over."""
        found = self._answers.get(key)
        return found if found is not None and now < found.give_until else None

    def put(self, key: Key, cached: CachedAnswer) -> None:
        """Keep an answer under its request."""
        self._forget(key)
        if len(self._answers) >= MAX_ANSWERS:
            self._forget(next(iter(self._answers)))
        self._answers[key] = cached
        for serial in set(cached.serials):
            self._keys[serial] = (*self._keys.get(serial, ()), key)

    def status(self, serial: bytes) -> bytes | None:
        """A CertStatus, DER, that was read and has not changed since."""
        return self._statuses.get(serial)

    def learn(self, statuses: Iterable[tuple[bytes, bytes]]) -> None:
        """Keep what was read."""
        self._statuses.update(statuses)
        while len(self._statuses) > MAX_STATUSES:
            del self._statuses[next(iter(self._statuses))]

    def drop(self, changes: Changes) -> None:
        """Forget whatever these commits may have made untrue."""
        if changes.serials is None:
            self._answers.clear()
            self._keys.clear()
            self._statuses.clear()
            return
        for serial in map(serial_octets, changes.serials):
            self._statuses.pop(serial, None)
            for key in self._keys.get(serial, ()):
                self._forget(key)

    def _forget(self, key: Key) -> None:
        found = self._answers.pop(key, None)
        for serial in set(found.serials) if found else ():
            rest = tuple(other for other in self._keys[serial] if other != key)
            if rest:
                self._keys[serial] = rest
            else:
                del self._keys[serial]
