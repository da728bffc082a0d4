"""The one base error of this package: names the field and the next step; an edge translates `kind`."""

from __future__ import annotations

from typing import ClassVar, Literal

Kind = Literal["failed", "usage", "refused", "not_found", "conflict", "dependency"]


class ServiceError(Exception):
    """The process could not do what was asked."""

    kind: ClassVar[Kind] = "failed"

    def __init__(self, problem: str, *, next_step: str = "", field: str = "") -> None:
        self.problem = problem
        self.next_step = next_step
        self.field = field
        super().__init__(f"{problem} {next_step}".strip())


class BadSetting(ServiceError):
    """A setting or a file that cannot be used as it is."""

    kind = "usage"


class TooOpen(ServiceError):
    """A secret that others could read."""

    kind = "refused"


class NotInitialised(ServiceError):
    """The home holds no CA yet."""

    kind = "not_found"


class AlreadyInitialised(ServiceError):
    """The home holds a CA already."""

    kind = "conflict"


class PortTaken(ServiceError):
    """Something else listens there."""

    kind = "conflict"


class AlreadyRunning(ServiceError):
    """Another process serves this home."""

    kind = "conflict"
