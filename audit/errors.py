"""The one base error of this package: names the field and the next step; an edge translates `kind`."""

from __future__ import annotations

from typing import ClassVar, Literal

Kind = Literal["failed", "usage", "refused", "not_found", "conflict", "dependency"]


class AuditError(Exception):
    """The log could not do what was asked."""

    kind: ClassVar[Kind] = "failed"

    def __init__(self, problem: str, *, next_step: str = "", field: str = "") -> None:
        self.problem = problem
        self.next_step = next_step
        self.field = field
        super().__init__(f"{problem} {next_step}".strip())


class LeafRefused(AuditError):
    """A leaf would carry what may not stand in the log."""

    kind: ClassVar[Kind] = "refused"


class Malformed(AuditError):
    """Bytes or text are not in the form that their specification gives them."""

    kind: ClassVar[Kind] = "usage"


class NotVerified(AuditError):
    """A signature or a proof does not say what it should."""

    kind: ClassVar[Kind] = "refused"


class NotInLog(AuditError):
    """An index, a node or a file that the log does not hold."""

    kind: ClassVar[Kind] = "not_found"


class LogDamaged(AuditError):
    """What is stored contradicts itself or a checkpoint that was already signed."""


class AlgorithmUnavailable(AuditError):
    """The installed cryptography has no ML-DSA-44."""

    kind: ClassVar[Kind] = "dependency"
