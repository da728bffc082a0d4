"""Was one certificate of a path revoked? Only what its issuer vouches for counts; unknown is a finding."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pki import path_rules
from pki.findings import Finding, Severity
from pki.keys import HybridPublicKey
from pki.path_rules import Demand
from pki.tbs import Certificate

Revocation = Literal["require", "if_available", "off"]


@dataclass(frozen=True, slots=True)
class StatusEvidence:
    """What the caller has of lists and responses, as bytes: DER, from anybody."""

    crls: tuple[bytes, ...] = ()
    ocsp_responses: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """One certificate whose status is asked for, and who may answer."""

    certificate: Certificate
    issuer: Certificate
    issuer_keys: HybridPublicKey
    """As the level above established them, not as the issuer's certificate claims."""
    demand: Demand
    now: datetime


def findings(asked: Asked, evidence: StatusEvidence, policy: Revocation) -> Iterator[Finding]:
    """Revoked (a hold too) refuses; unknown refuses under `require` and warns under `if_available`."""
    if policy == "off":
        return
    who = path_rules.name_of(asked.certificate)
    severity = Severity.ERROR if policy == "require" else Severity.WARNING
    given = f"{len(evidence.crls)} lists and {len(evidence.ocsp_responses)} responses given"
    problem = f"The status is unknown: none of the {given} tells it, fresh and by the issuer."
    yield Finding("path.revocation_unknown", severity, problem, who)
