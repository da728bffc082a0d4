"""The one base error of this package: names the field and the next step; an edge translates `kind`."""

from __future__ import annotations

from typing import ClassVar, Literal

Kind = Literal["failed", "usage", "refused", "not_found", "conflict", "dependency"]


class PkiError(Exception):
    """Something about bytes, keys or certificates could not be done."""

    kind: ClassVar[Kind] = "failed"

    def __init__(self, problem: str, *, next_step: str = "", field: str = "") -> None:
        self.problem = problem
        self.next_step = next_step
        self.field = field
        super().__init__(f"{problem} {next_step}".strip())


class MalformedInput(PkiError):
    """Bytes that are not what they claim to be: DER, PEM, JSON."""

    kind = "usage"


class AlgorithmUnavailable(PkiError):
    """No provider here has the algorithm; names the algorithm, the provider and the remedy."""

    kind = "dependency"


class RequestRefused(PkiError):
    """A certificate request that the profile or the proof of possession does not allow."""

    kind = "refused"


class LintRefused(PkiError):
    """What would have been signed breaks a rule; nothing was signed."""

    kind = "refused"


class WrongPassphrase(PkiError):
    """An envelope did not open."""

    kind = "refused"
