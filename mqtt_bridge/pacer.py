"""How often one sender may ask: a token bucket a name, in bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

_MOST_NAMES: Final = 10_000


class Pacer:
    """`rate` requests a second on average, `burst` at once, for each name."""

    def __init__(self, rate: float, burst: int) -> None:
        self._rate, self._burst = rate, float(burst)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def allows(self, name: str, now: float) -> bool:
        """Takes one request of `name` at monotonic `now`; False where its bucket is empty."""
        with self._lock:
            left, at = self._buckets.pop(name, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._rate)
            allowed = left >= 1.0
            self._buckets[name] = (left - 1.0 if allowed else left, now)
            # The longest silent go first: their buckets are full again anyway.
            while len(self._buckets) > _MOST_NAMES:
                self._buckets.popitem(last=False)
        return allowed
