"""Which signed answers the registry's later commits put in doubt, until the presigner has followed them."""

from __future__ import annotations

from typing import Final

from pki.ocsp_template import serial_octets
from registry.status import Changes

_MOST: Final = 50_000


class Overlay:
    """Changes that were heard of and are not yet in the records. Belongs to one thread."""

    def __init__(self) -> None:
        self._changed: dict[bytes, int] = {}
        self._all_until = 0

    def note(self, changes: Changes) -> None:
        """Commits up to `changes.log_size`."""
        if changes.serials is None or len(self._changed) + len(changes.serials) > _MOST:
            self.doubt_all(changes.log_size)
            return
        self._changed |= {serial_octets(serial): changes.log_size for serial in changes.serials if serial > 0}

    def doubt_all(self, until: int) -> None:
        """Any certificate may have changed in commits up to that size of the log."""
        self._changed.clear()
        self._all_until = max(self._all_until, until)

    def settle(self, synced: int) -> None:
        """The records know every commit up to that size of the log now."""
        if self._all_until and self._all_until <= synced:
            self._all_until = 0
        if self._changed:
            self._changed = {serial: at for serial, at in self._changed.items() if at > synced}

    def doubts(self, serial: bytes) -> bool:
        """Whether the record of a serial (the INTEGER's content) may be untrue."""
        return self._all_until > 0 or serial in self._changed
