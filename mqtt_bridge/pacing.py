"""How long to wait before the next attempt: doubled, scattered, small again after a good connection."""

from __future__ import annotations

import random
import threading
import time

_SETTLED = 5.0
"""Seconds a connection must last to count as good: two holders of one id throw each other out at once."""


class Pacing:
    """Delays in seconds from `first` to `most`, each drawn from its upper half so a fleet spreads out."""

    def __init__(self, first: float, most: float) -> None:
        self._first = first
        self._most = most
        self._next = first
        self._began = 0.0

    def begin(self) -> None:
        """An attempt starts."""
        self._began = time.monotonic()

    def wait(self, stopping: threading.Event) -> None:
        """After it ended; returns early when `stopping` is set."""
        if time.monotonic() - self._began > _SETTLED:
            self._next = self._first
        stopping.wait(self._next * random.uniform(0.5, 1.0))  # noqa: S311  # scatter, not a secret
        self._next = min(self._next * 2, self._most)
