"""Measuring by turns: A B A B, medians, and ratios taken within a turn, for the machine is shared."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turns:
    """Seconds for one unit of work, turn by turn, of the thing measured and of its limit."""

    wall: Sequence[float]
    limit_wall: Sequence[float]
    cpu: Sequence[float]
    limit_cpu: Sequence[float]

    @property
    def rate(self) -> float:
        """Units a second."""
        return 1 / statistics.median(self.wall)

    @property
    def limit_rate(self) -> float:
        """Units a second at the limit."""
        return 1 / statistics.median(self.limit_wall)

    @property
    def ratio(self) -> float:
        """The share of the limit that was reached: the median over the turns."""
        return statistics.median(b / a for a, b in zip(self.wall, self.limit_wall, strict=True))

    @property
    def cpu_ratio(self) -> float:
        """The same by CPU time: what neighbours and the disk cannot disturb."""
        return statistics.median(b / a for a, b in zip(self.cpu, self.limit_cpu, strict=True))


def by_turns(measured: Callable[[], int], limit: Callable[[], int], *, turns: int = 7) -> Turns:
    """Both by turns, after one turn that is not counted; each does its work and says how many units."""
    measured()
    limit()
    taken = [(_timed(measured), _timed(limit)) for _ in range(turns)]
    return Turns(
        wall=[a[0] for a, _ in taken],
        limit_wall=[b[0] for _, b in taken],
        cpu=[a[1] for a, _ in taken],
        limit_cpu=[b[1] for _, b in taken],
    )


def _timed(work: Callable[[], int]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    units = work()
    return (time.perf_counter() - wall) / units, (time.process_time() - cpu) / units


def on_threads(works: Sequence[Callable[[], int]]) -> Callable[[], int]:
    """Each work on a thread of its own, all at once; the units of all."""

    def together() -> int:
        done: list[int] = []
        workers = [threading.Thread(target=lambda work=work: done.append(work())) for work in works]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return sum(done)

    return together


def cpu_microseconds(work: Callable[[], object], times: int) -> float:
    """The mean CPU time of a call on this thread, us: a mean, for ML-DSA needs a random number of tries."""
    began = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - began) / times * 1e6


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of all lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]
