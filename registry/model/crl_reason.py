"""Revocation reasons: the names that the store keeps, and the standard's codes (RFC 5280 5.3.1)."""

from __future__ import annotations

from typing import Final

from pki.crl_entry import CrlReason

_REASON: Final = {
    "": CrlReason.UNSPECIFIED,
    "unspecified": CrlReason.UNSPECIFIED,
    "keyCompromise": CrlReason.KEY_COMPROMISE,
    "cACompromise": CrlReason.CA_COMPROMISE,
    "affiliationChanged": CrlReason.AFFILIATION_CHANGED,
    "superseded": CrlReason.SUPERSEDED,
    "cessationOfOperation": CrlReason.CESSATION_OF_OPERATION,
    "certificateHold": CrlReason.CERTIFICATE_HOLD,
    "privilegeWithdrawn": CrlReason.PRIVILEGE_WITHDRAWN,
    "aACompromise": CrlReason.AA_COMPROMISE,
}


def crl_reason(name: str) -> CrlReason:
    """A stored reason's CRLReason."""
    return _REASON[name]


def reason_name(reason: CrlReason) -> str:
    """The name under which the store keeps a CRLReason."""
    return next(name for name, known in _REASON.items() if known is reason and name)
