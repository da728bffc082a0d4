"""What `medtrust doctor` says of one thing: how bad it is, in words, and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Level(IntEnum):
    """How bad; the value is the exit code."""

    OK = 0
    NOTE = 2
    WARNING = 3
    CRITICAL = 4


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    level: Level
    message: str
    next_step: str = ""
