"""What every use case is handed: where to write, what time it is, where randomness comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from registry.store.unit_of_work import Store

Entropy = Callable[[int], bytes]
"""n -> n random octets."""


@dataclass(frozen=True, slots=True)
class Ports:
    """One walk has one `now`: a use case reads it once."""

    store: Store
    clock: Callable[[], datetime]
    entropy: Entropy
