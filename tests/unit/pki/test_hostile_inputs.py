"""Fifteen thousand hostile inputs, always the same ones: each parser answers with a typed error or a value.

`make fuzz` looks for new ones, guided by coverage; what it found is kept in tests/fuzz/cases.
"""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.fuzz.mutate import mutated
from tests.fuzz.targets import TARGETS

EACH = 15_000 // len(TARGETS) + 1
CASES = Path(__file__).parents[2] / "fuzz" / "cases"


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_are_taken(name: str) -> None:
    assert all(TARGETS[name].survives(seed) for seed in TARGETS[name].seeds())


@pytest.mark.parametrize("name", TARGETS)
def test_hostile_neighbours_are_refused_or_taken(name: str) -> None:
    target, random = TARGETS[name], Random(f"medtrust {name}")
    seeds = list(target.seeds())
    taken = sum(target.survives(mutated(random.choice(seeds), random)) for _ in range(EACH))
    assert taken < EACH, "nothing was refused: the mutations do nothing"


@pytest.mark.parametrize(
    "case", sorted(CASES.glob("*/*")), ids=lambda path: f"{path.parent.name}-{path.name}"
)
def test_what_the_fuzzer_found(case: Path) -> None:
    assert TARGETS[case.parent.name].survives(case.read_bytes()) in (True, False)
