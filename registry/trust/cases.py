"""What a rule sees and what it answers."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from registry.model.appraisal import TrustState
from registry.trust.claims import Telemetry
from registry.trust.evidence import Evidence
from registry.trust.policy import Policy


class Verdict(NamedTuple):
    """passed None: not judged. value and expected are printable; message is the sentence for people."""

    passed: bool | None
    value: str
    expected: str
    message: str


class RegistryCase(NamedTuple):
    """What a registry rule sees."""

    evidence: Evidence
    now: datetime


class ClaimCase(NamedTuple):
    """What a claim rule sees."""

    telemetry: Telemetry
    evidence: Evidence
    state: TrustState
    policy: Policy
