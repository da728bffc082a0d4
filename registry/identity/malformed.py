"""How a parser of this package stops: one private exception, turned into an ill-formed Udi."""

from __future__ import annotations

from registry.identity.masking import masked
from registry.model.finding import error
from registry.model.udi import IssuingAgency, Udi


class Malformed(Exception):
    """A place in a carrier that its grammar does not allow. Never leaves registry.identity."""

    def __init__(self, rule: str, message: str, subject: str = "") -> None:
        # The subject may be a serial number: it is masked before anybody can log it.
        self.finding = error(f"udi.{rule}", message, masked(subject))
        super().__init__(message)


def refused(
    carrier: str, agency: IssuingAgency | None, problem: Malformed, *, check_ok: bool | None = None
) -> Udi:
    """An ill-formed carrier: no components are given, so that nothing wrong can be taken for right."""
    return Udi(
        carrier=carrier, agency=agency, well_formed=False, check_ok=check_ok, findings=(problem.finding,)
    )
