"""What every use case is handed: where to write, what time it is, where randomness comes from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol, TypeVar

from registry.store.unit_of_work import Store

Entropy = Callable[[int], bytes]
"""n -> n random octets."""
BACKWARD_JUMP: Final = timedelta(minutes=5)
"""A clock that is further behind what was seen before is told, and issues nothing."""


_A = TypeVar("_A")
_B = TypeVar("_B")


class Each(Protocol):
    """Does one thing to each of several that do not depend on one another; results in order."""

    def __call__(self, act: Callable[[_A], _B], items: Sequence[_A]) -> list[_B]:
        """The first failure leaves as it came; what was begun beside it is finished and forgotten."""
        ...


def in_turn(act: Callable[[_A], _B], items: Sequence[_A]) -> list[_B]:
    """One after the other."""
    return [act(item) for item in items]


@dataclass(frozen=True, slots=True)
class Ports:
    """One walk has one `now`: a use case reads it once."""

    store: Store
    clock: Callable[[], datetime]
    entropy: Entropy
    each: Each = in_turn
    """How a batch is signed: in turn, or on several threads, for signing lets go of the interpreter."""
