"""Durable issuance on both cores against OpenBao's, which stores what it signs too, in the same run.

Ours: two processes on one SQLite store (WAL, synchronous=FULL), batches of 50, each certificate with its
intention, its two log leaves and its key's claim. Theirs: PKI engine, a storing role, integrated storage.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Final

from bench.figures import Figure, Goal, Report
from bench.house import House, house
from bench.issuing_process import FORMS, issuers
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
        figures = [figure for case in _CASES for figure in _case(home, *case, durable, volatile)]
    return Report(figures)


def _case(
    home: House, form: str, bits: int, goal: Goal, durable: OpenBao, volatile: OpenBao
) -> Iterator[Figure]:
    with issuers(home, 2, form) as ours:
        rounds = [
            (ours(), durable.rate(bits, _SECONDS), volatile.rate(bits, _SECONDS)) for _ in range(_ROUNDS)
        ]
    for peer, place, aim in (("raft, which is on disk", 1, goal), ("in memory", 2, None)):
        yield Figure(
            f"{FORMS[form]} certificates, two processes",
            statistics.median(each[0] for each in rounds),
            "/s",
            f"OpenBao, P-{bits}, {peer}",
            statistics.median(each[place] for each in rounds),
            paired_ratio=statistics.median(each[0] / each[place] for each in rounds),
            goal=aim,
        )
