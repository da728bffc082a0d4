"""Signed answers and known statuses in memory: bounded, and dropped certificate by certificate."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from registry.status import Changes, Status
from service.status.answers import HttpAnswer

MAX_ANSWERS: Final = 100_000
MAX_STATUSES: Final = 200_000
Key = tuple[bool, bytes | str]
"""(asked on the post-quantum path, the octets of a POST or the path of a GET: types keep them apart)."""


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """A signed answer and until when it is given out: half its life, so that nobody gets an old one."""

    answer: HttpAnswer
    give_until: datetime
    serials: tuple[int, ...]


class OcspCache:
    """Belongs to one thread. The oldest answer makes room for a new one."""

    def __init__(self) -> None:
        self._answers: dict[Key, CachedAnswer] = {}
        self._keys: dict[int, tuple[Key, ...]] = {}
        self._statuses: dict[int, Status] = {}

    def get(self, key: Key, now: datetime) -> HttpAnswer | None:
        """The answer, unless half its life is over."""
        found = self._answers.get(key)
        return found.answer if found is not None and now < found.give_until else None

    def put(self, key: Key, cached: CachedAnswer) -> None:
        """Keep an answer under its request."""
        self._forget(key)
        if len(self._answers) >= MAX_ANSWERS:
            self._forget(next(iter(self._answers)))
        self._answers[key] = cached
        for serial in set(cached.serials):
            self._keys[serial] = (*self._keys.get(serial, ()), key)

    def status(self, serial: int) -> Status | None:
        """A status that was read and has not changed since."""
        return self._statuses.get(serial)

    def learn(self, statuses: dict[int, Status]) -> None:
        """Keep what was read."""
        if len(self._statuses) + len(statuses) > MAX_STATUSES:
            self._statuses.clear()
        self._statuses.update(statuses)

    def drop(self, changes: Changes) -> None:
        """Forget whatever these commits may have made untrue."""
        if changes.serials is None:
            self._answers.clear()
            self._keys.clear()
            self._statuses.clear()
            return
        for serial in changes.serials:
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
