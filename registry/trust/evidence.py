"""What one judgement rests on: what the device said, and what the registry itself knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from registry.model.criticality import Criticality
from registry.trust.claims import Claims
from registry.trust.policy import ReferenceValues

CertificateStatus = Literal["active", "pending", "held", "revoked", "expired", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """claims None is a sweep: time has passed and nothing new was said."""

    claims: Claims | None
    evidence_id: str
    """`claims.evidence_id(payload)`; the same id again is a redelivery. Free for a sweep."""
    received_at: datetime
    """By our clock; the device's is only told about."""
    certificate_status: CertificateStatus
    certificate_not_after: datetime | None
    reference: ReferenceValues | None
    """None: nobody recorded what this product may run, so firmware cannot be judged."""
    criticality: Criticality
    identity_conflict: bool
    certificate_fingerprint: str | None = None
    """SHA-256 hex of the certificate that we know it by; None leaves `cert_fp` unjudged."""
    in_maintenance: bool = False
    """Inside a declared window: behaviour is told and not counted against it. Hard criteria are."""
