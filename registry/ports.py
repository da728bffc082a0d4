"""What every use case is handed: where to write, what time it is, where randomness comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from registry.store.unit_of_work import Store

Entropy = Callable[[int], bytes]
"""n -> n random octets."""
BACKWARD_JUMP: Final = timedelta(minutes=5)
"""A clock that is further behind what was seen before is told, and issues nothing."""


@dataclass(frozen=True, slots=True)
class Ports:
    """One walk has one `now`: a use case reads it once."""

    store: Store
    clock: Callable[[], datetime]
    entropy: Entropy
