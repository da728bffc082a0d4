"""Envelopes at a cost for tests, which open hundreds of them; what production accepts stays as it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from pki.envelope import FLOOR, KdfParameters, Opener, Sealer

CHEAP = KdfParameters(2**10)
"""Below what production opens: only for tests in which one process, under `seals_at`, does everything."""


@contextmanager
def seals_at(cost: KdfParameters) -> Iterator[None]:
    """The home's keys and its quorum are sealed at this cost, and opened from it on."""
    floor = FLOOR if cost.at_least(FLOOR) else cost
    with pytest.MonkeyPatch.context() as patched:
        for module in ("keystore", "quorum"):
            patched.setattr(f"service.{module}.Sealer", partial(Sealer, parameters=cost, floor=floor))
            patched.setattr(f"service.{module}.Opener", partial(Opener, floor=floor))
        yield


@pytest.fixture(scope="module", autouse=True)
def quick_seals() -> Iterator[None]:
    """For a module that imports it: the least that production itself accepts."""
    with seals_at(FLOOR):
        yield
