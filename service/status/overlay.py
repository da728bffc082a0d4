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
        self._astray = False

    def note(self, changes: Changes) -> None:
        """Commits up to `changes.log_size`."""
        if changes.serials is None or len(self._changed) + len(changes.serials) > _MOST:
            self._changed.clear()
            self._all_until = max(self._all_until, changes.log_size)
            return
        self._changed |= {serial_octets(serial): changes.log_size for serial in changes.serials if serial > 0}

    def settle(self, synced: int, log_size: int) -> None:
        """The records know every commit up to `synced`, and the store has `log_size` of them.

        Records that know more were signed from a newer store: this one is an older copy of it.
        """
        self._astray = synced > log_size
        if self._all_until and self._all_until <= synced:
            self._all_until = 0
        if self._changed:
            self._changed = {serial: at for serial, at in self._changed.items() if at > synced}

    def doubts(self, serial: bytes) -> bool:
        """Whether the record of a serial (the INTEGER's content) may be untrue."""
        return self._astray or self._all_until > 0 or serial in self._changed
