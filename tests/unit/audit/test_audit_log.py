from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint
from audit.errors import LeafRefused, LogDamaged
from audit.leaf import Leaf, encode
from audit.log import LogStore, append, checkpoint_from_read_back
from audit.merkle import Frontier, leaf_hash
from tests.unit.audit import rfc9162
from tests.unit.audit.memory_log import NOW, MemoryLog, leaf_number

ORIGIN = "hospital.example/medtrust"


def filled(size: int) -> MemoryLog:
    log = MemoryLog()
    append(log, [leaf_number(each) for each in range(size)])
    return log


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 40), max_size=6))
def test_batches_of_any_size_give_the_same_log(batches: list[int]) -> None:
    log, indexes = MemoryLog(), list[int]()
    store: LogStore = log
    for width in batches:
        indexes += append(store, [leaf_number(len(indexes) + each) for each in range(width)])
    total = sum(batches)
    assert indexes == list(range(total))
    assert log.leaves == [encode(leaf_number(each)) for each in range(total)]
    assert log.frontier.root() == rfc9162.mth(log.leaves)
    # A tree of n leaves has n - popcount(n) complete nodes above its leaves.
    assert len(log.nodes) == 2 * total - total.bit_count()


def test_a_refused_leaf_leaves_nothing_behind() -> None:
    log = filled(3)
    before = (log.frontier, list(log.leaves), dict(log.nodes))
    bad = Leaf("device.enrolled", NOW, "job:x", "device-1", {"serial_number": "SN1"})
    with pytest.raises(LeafRefused):
        append(log, [leaf_number(3), bad])
    assert (log.frontier, log.leaves, log.nodes) == before


@pytest.mark.parametrize(("old", "new"), [(0, 0), (0, 1), (5, 5), (5, 13), (8, 3000), (1024, 2048)])
def test_the_checkpoint_read_back_extends_the_last_one(old: int, new: int) -> None:
    log = filled(new)
    previous = Checkpoint(ORIGIN, old, rfc9162.mth(log.leaves[:old]))
    made = checkpoint_from_read_back(log, origin=ORIGIN, previous=previous)
    assert made == Checkpoint(ORIGIN, new, rfc9162.mth(log.leaves))
    assert checkpoint_from_read_back(log, origin=ORIGIN) == made


def damaged(log: MemoryLog, *, old: int = 0, origin: str = ORIGIN) -> LogDamaged:
    previous = Checkpoint(origin, old, rfc9162.mth([encode(leaf_number(each)) for each in range(old)]))
    with pytest.raises(LogDamaged) as caught:
        checkpoint_from_read_back(log, origin=ORIGIN, previous=previous)
    return caught.value


def test_nothing_is_signed_over_an_entry_that_changed_on_disk() -> None:
    log = filled(20)
    log.leaves[13] = encode(leaf_number(999))
    assert damaged(log, old=8).field == "frontier"


def test_nothing_is_signed_over_an_entry_that_is_missing() -> None:
    log = filled(20)
    del log.leaves[19]
    assert damaged(log, old=8).field == "frontier"


def test_nothing_is_signed_over_a_frontier_that_is_not_the_entries() -> None:
    log = filled(20)
    log.frontier = Frontier().append_all(leaf_hash(bytes([each])) for each in range(20)).frontier
    assert damaged(log).field == "frontier"


def test_an_old_copy_restored_is_refused_with_what_to_do() -> None:
    error = damaged(filled(19), old=20)
    assert (error.field, error.kind) == ("size", "failed")
    assert "old copy" in error.next_step


def test_history_rewritten_below_the_last_checkpoint_is_refused() -> None:
    log = MemoryLog()
    append(log, [leaf_number(each) for each in (1, 0, 2, 3, 4)])
    assert damaged(log, old=4).field == "root"


def test_a_checkpoint_of_another_log_is_no_history() -> None:
    assert damaged(filled(4), origin="other").field == "origin"
