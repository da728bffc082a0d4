"""The one place where the time and randomness come from; everything else is handed them."""

from __future__ import annotations

import os
from datetime import UTC, datetime


def now() -> datetime:
    """The wall clock, aware UTC."""
    return datetime.now(UTC)


def entropy(octets: int) -> bytes:
    """Random octets from the operating system."""
    return os.urandom(octets)
