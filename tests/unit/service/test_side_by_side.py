"""A batch on several threads: order, failures, and that it really is side by side."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from service.side_by_side import SideBySide


@pytest.fixture
def pool() -> Iterator[SideBySide]:
    """Two threads."""
    made = SideBySide(2)
    yield made
    made.close()


@pytest.mark.parametrize("count", [0, 1, 7, 8, 9, 101])
def test_every_item_once_and_in_order(pool: SideBySide, count: int) -> None:
    assert pool(lambda item: item * 2, range(count)) == [item * 2 for item in range(count)]


def test_two_are_under_way_at_the_same_time(pool: SideBySide) -> None:
    both = threading.Barrier(2, timeout=10)

    def act(item: int) -> str:
        if item in (0, 4):
            both.wait()
        return threading.current_thread().name

    names = pool(act, range(8))
    assert len(set(names)) == 2
    assert names[:4] == [names[0]] * 4


def test_few_stay_on_the_thread_that_asks(pool: SideBySide) -> None:
    here = threading.current_thread().name
    assert pool(lambda _: threading.current_thread().name, range(7)) == [here] * 7


def test_the_first_failure_leaves_as_it_came(pool: SideBySide) -> None:
    def act(item: int) -> int:
        if item in (3, 6):
            raise KeyError(item)
        return item

    with pytest.raises(KeyError) as raised:
        pool(act, range(8))
    assert raised.value.args == (3,)
    assert pool(act, [0] * 8) == [0] * 8
