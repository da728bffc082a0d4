"""What the registry itself knows of a device, judged at every sweep: one small function per criterion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from registry.trust.cases import RegistryCase, Verdict


def not_revoked(case: RegistryCase) -> Verdict:
    """A revoked certificate ends trust at once."""
    passed = case.evidence.certificate_status != "revoked"
    message = "The certificate is not revoked." if passed else "The certificate is revoked."
    return Verdict(passed, case.evidence.certificate_status, "not revoked", message)


def not_held(case: RegistryCase) -> Verdict:
    """A hold is a person's or an action's doubt: it lasts until it is released."""
    passed = case.evidence.certificate_status != "held"
    message = "The certificate is not on hold." if passed else "The certificate is on hold."
    return Verdict(passed, case.evidence.certificate_status, "not held", message)


def in_force(case: RegistryCase) -> Verdict:
    """Only a confirmed certificate carries trust; a pending one proves nothing yet."""
    passed = case.evidence.certificate_status == "active"
    message = "The certificate is in force." if passed else "There is no certificate in force."
    return Verdict(passed, case.evidence.certificate_status, "active", message)


def not_expired(case: RegistryCase) -> Verdict:
    """not_after is the last moment of validity (RFC 5280 4.1.2.5), whatever the stored status says."""
    end = case.evidence.certificate_not_after
    if end is None and case.evidence.certificate_status != "expired":
        return Verdict(None, "none", "not_after in the future", "No certificate has an end to judge.")
    passed = case.evidence.certificate_status != "expired" and end is not None and case.now <= end
    message = "The certificate has not expired." if passed else "The certificate has expired."
    return Verdict(passed, "unknown" if end is None else end.isoformat(), "not_after in the future", message)


def without_conflict(case: RegistryCase) -> Verdict:
    """Open contradictions about who this is."""
    passed = not case.evidence.identity_conflict
    message = "Nothing contradicts who it is." if passed else "Records contradict each other on who it is."
    return Verdict(passed, "none" if passed else "open conflict", "no open conflict", message)


REGISTRY_RULES: Final[dict[str, Callable[[RegistryCase], Verdict]]] = {
    "certificate.not_revoked": not_revoked,
    "certificate.not_held": not_held,
    "certificate.in_force": in_force,
    "certificate.not_expired": not_expired,
    "identity.without_conflict": without_conflict,
}
