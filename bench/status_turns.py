"""Load on several servers by turns (A B C A B C): medians, and ratios taken within a turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from bench.figures import Figure, Goal
from bench.load import Load, median

Measure = Literal["rate", "p99_ms", "cpu_us"]
_UNITS: Final[dict[Measure, str]] = {"rate": "/s", "p99_ms": "ms", "cpu_us": "us"}
_TBS_OCTETS: Final = 200
"""About what is signed of an answer."""


@dataclass(frozen=True, slots=True)
class Rounds:
    """Runs by the server's name, turn by turn."""

    turns: Sequence[Mapping[str, Load]]

    @classmethod
    def of(cls, runs: Mapping[str, Callable[[], Load]], turns: int) -> Rounds:
        """Each once without counting, then by turns."""
        for run in runs.values():
            run()
        return cls([{name: run() for name, run in runs.items()} for _ in range(turns)])

    def of_server(self, name: str) -> Load:
        """Medians."""
        return median([turn[name] for turn in self.turns])

    def figure(
        self, what: str, measure: Measure, name: str, *, peer: str, said: str = "", goal: Goal | None = None
    ) -> Figure:
        """One server's beside its peer's; `said`: the peer in the table's words, else its name."""

        def value(load: Load) -> float:
            return float(getattr(load, measure))

        return Figure(
            what,
            value(self.of_server(name)),
            _UNITS[measure],
            said or peer,
            value(self.of_server(peer)),
            paired_ratio=statistics.median(value(turn[name]) / value(turn[peer]) for turn in self.turns),
            goal=goal,
        )


def bare_signing(count: int) -> Load:
    """P-256 signatures by the library and nothing else, one thread; its p99 is not taken."""
    key, message = ec.generate_private_key(ec.SECP256R1()), bytes(_TBS_OCTETS)
    how = ec.ECDSA(hashes.SHA256())
    wall, cpu = time.perf_counter(), time.thread_time()
    for _ in range(count):
        key.sign(message, how)
    wall, cpu = time.perf_counter() - wall, time.thread_time() - cpu
    return Load(count / wall, 0.0, cpu / count * 1e6)
