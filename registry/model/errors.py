"""The one base error of this package: names the field and the next step; an edge translates `kind`."""

from __future__ import annotations

from typing import ClassVar, Literal

Kind = Literal["failed", "usage", "refused", "not_found", "conflict", "dependency"]


class RegistryError(Exception):
    """A use case could not be done."""

    kind: ClassVar[Kind] = "failed"

    def __init__(self, problem: str, *, next_step: str = "", field: str = "") -> None:
        self.problem = problem
        self.next_step = next_step
        self.field = field
        super().__init__(f"{problem} {next_step}".strip())


class BadInput(RegistryError):
    """A field that is not well formed."""

    kind = "usage"


class NotFound(RegistryError):
    """No such device, certificate or token."""

    kind = "not_found"


class Conflict(RegistryError):
    """The store already says otherwise: a second registration, a spent token, an illegal move."""

    kind = "conflict"


class Refused(RegistryError):
    """Policy says no."""

    kind = "refused"


class DependencyDown(RegistryError):
    """The store, the clock or another part is not there."""

    kind = "dependency"


class Unprocessable(BadInput):
    """Well formed, but what it asks for cannot be granted: a CSR with another name, a missing key."""


class Unauthenticated(Refused):
    """A proof or a token does not hold."""


class NonceExpired(Refused):
    """The challenge is over, was used, or was never given: say hello again."""


class AwaitingApproval(Refused):
    """A person must say yes first; ask again later."""

    retry_after = 30
    """Seconds."""


class PatientAtTheEnd(Refused):
    """Rule 7: an automatic path must not cut this device off."""
