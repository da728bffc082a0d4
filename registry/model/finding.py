"""Judgements about devices are values: a rule's name, how bad it is, and the input it rests on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """FATAL: the rule itself crashed (never a pass). ERROR refuses. WARNING and NOTICE are told."""

    FATAL = "fatal"
    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class Finding:
    """One judgement, named `domain.rule_in_words`."""

    rule: str
    severity: Severity
    message: str
    subject: str = ""
    """The input the judgement rests on, printable."""

    @property
    def refuses(self) -> bool:
        """Whether this finding alone is enough to say no."""
        return self.severity in (Severity.FATAL, Severity.ERROR)


def error(rule: str, message: str, subject: str = "") -> Finding:
    """A finding that refuses."""
    return Finding(rule, Severity.ERROR, message, subject)
