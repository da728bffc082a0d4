"""Durable issuance on both cores against OpenBao's, which stores what it signs too, in the same run.

Ours: two processes on one SQLite store (WAL, synchronous=FULL), batches of 50, each certificate with its
intention, its two log leaves and its key's claim. Theirs: PKI engine, a storing role, integrated storage.
"""

from __future__ import annotations

import statistics
from typing import Final

from bench.figures import Figure, Goal, Report
from bench.house import House, house
from bench.issuing_process import FORMS, processes
from bench.openbao import DURABLE, IN_MEMORY, OpenBao, openbao

_ROUNDS: Final = 3
_SECONDS: Final = 3
_CASES: Final = (
    ("ec-p256", 256, Goal(least=2.5, on_ratio=True)),
    ("ec-p384", 384, Goal(least=3.5, on_ratio=True)),
    ("catalyst", 384, Goal(least=1.3, on_ratio=True)),
)


def measure() -> Report:
    """Both by turns."""
    with (
        house() as home,
        openbao(home.folder / "openbao", DURABLE) as durable,
        openbao(home.folder / "openbao-memory", IN_MEMORY) as volatile,
    ):
        for server in (durable, volatile):
            server.ca(256)
            server.ca(384)
        figures = [_figure(home, f, bits, durable, "OpenBao, raft", goal=goal) for f, bits, goal in _CASES]
        figures += [_figure(home, f, bits, volatile, "OpenBao, in memory") for f, bits, _ in _CASES]
    return Report(figures)


def _figure(
    home: House, form: str, bits: int, server: OpenBao, peer: str, *, goal: Goal | None = None
) -> Figure:
    rounds = [(processes(home, 2, form), server.rate(bits, _SECONDS)) for _ in range(_ROUNDS)]
    return Figure(
        f"{FORMS[form]} certificates, two processes",
        statistics.median(ours for ours, _ in rounds),
        "/s",
        f"{peer}, P-{bits}",
        statistics.median(theirs for _, theirs in rounds),
        paired_ratio=statistics.median(ours / theirs for ours, theirs in rounds),
        goal=goal,
    )
