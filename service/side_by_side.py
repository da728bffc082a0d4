"""A batch on several threads: signing and verifying let go of the interpreter while they reckon."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

_A = TypeVar("_A")
_B = TypeVar("_B")
_FEW: Final = 8
"""Fewer than this are done where they are asked for: a thread costs more than it brings."""
_MOST_THREADS: Final = 8


class SideBySide:
    """registry.ports.Each over a pool that is made with the first batch. Safe to share among threads."""

    def __init__(self, threads: int = 0) -> None:
        self._threads = threads or min(os.cpu_count() or 1, _MOST_THREADS)
        self._pool: ThreadPoolExecutor | None = None
        self._making = threading.Lock()

    def __call__(self, act: Callable[[_A], _B], items: Sequence[_A]) -> list[_B]:
        """Each thread takes one stretch of the batch."""
        if len(items) < _FEW or self._threads < 2:
            return [act(item) for item in items]
        size = -(-len(items) // self._threads)
        stretches = [items[start : start + size] for start in range(0, len(items), size)]

        def walk(stretch: Sequence[_A]) -> list[_B]:
            return [act(item) for item in stretch]

        return [done for part in self._open().map(walk, stretches) for done in part]

    def close(self) -> None:
        """Ends the threads after what they have in hand."""
        if self._pool is not None:
            self._pool.shutdown()

    def _open(self) -> ThreadPoolExecutor:
        with self._making:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._threads, "batch")
            return self._pool
