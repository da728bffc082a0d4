"""What a judgement is held against: the policy as data, and the firmware that a product may run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

from registry.model.appraisal import Tier


@dataclass(frozen=True, slots=True)
class Policy:
    """Figures of one policy version; change one, change the version, and replays stay honest."""

    version: str
    caps: Mapping[str, Tier]
    """Hard criterion -> best tier while it fails. A rule that is not here is behaviour: n in a row."""
    release_only: frozenset[str]
    """Hard criteria that a person must release: the device's own word does not clear them."""
    required: frozenset[str]
    """Rules that must have passed for TRUSTED: not judged is not enough."""
    tau: Mapping[str, timedelta]
    """Decay time by evidence type: weight is exp(-dt/tau)."""
    freshness_floor: float
    """Below this weight evidence counts as silence."""
    n_down: int
    """Bad samples in a row that lower the tier by behaviour."""
    m_first: int
    """Clean samples to trust a device that never failed."""
    m_up: int
    """Clean samples for each step up after a failure, much larger than n_down."""
    min_dwell: timedelta
    """Least time in RESTRICTED or QUARANTINED."""
    judgement_deadline: timedelta
    """A device must have been judged again by then."""
    clock_skew: timedelta
    """A device clock further off than this is told."""
    plaintext_tcp: frozenset[int]
    """Listening ports that send credentials in clear."""

    def freshness(self, kind: str, since: datetime, now: datetime) -> float:
        """exp(-dt/tau) in 0..1, six places so that every machine's libm agrees; time never runs back."""
        age = max((now - since).total_seconds(), 0.0)
        return round(math.exp(-age / self.tau[kind].total_seconds()), 6)

    def silent_after(self, kind: str) -> timedelta:
        """Age at which evidence of this type sinks to the floor."""
        return self.tau[kind] * math.log(1 / self.freshness_floor)


DEFAULT_POLICY: Final = Policy(
    version="2026-11-1",
    caps=MappingProxyType(
        {
            "certificate.not_revoked": Tier.QUARANTINED,
            "certificate.not_held": Tier.RESTRICTED,
            "certificate.in_force": Tier.UNKNOWN,
            "certificate.not_expired": Tier.RESTRICTED,
            "identity.without_conflict": Tier.RESTRICTED,
            "evidence.counters_rise": Tier.QUARANTINED,
            "firmware.unaltered": Tier.QUARANTINED,
            # A device names its own release: an unlisted name must not be the cheaper way to lie.
            "firmware.in_reference_values": Tier.QUARANTINED,
            "boot.secure": Tier.RESTRICTED,
            "debug.port_closed": Tier.RESTRICTED,
            "tamper.none": Tier.QUARANTINED,
        }
    ),
    release_only=frozenset({"evidence.counters_rise", "tamper.none"}),
    required=frozenset({"certificate.in_force", "firmware.in_reference_values"}),
    tau=MappingProxyType(
        {
            "telemetry": timedelta(minutes=10),
            "attestation": timedelta(hours=24),
            "sbom": timedelta(days=30),
        }
    ),
    freshness_floor=0.05,
    n_down=3,
    m_first=3,
    m_up=12,
    min_dwell=timedelta(minutes=15),
    judgement_deadline=timedelta(hours=1),
    clock_skew=timedelta(minutes=5),
    plaintext_tcp=frozenset({21, 23, 512, 513, 514}),
)


@dataclass(frozen=True, slots=True)
class ReferenceValues:
    """Known good firmware of one UDI-DI as (name, version, SHA-256 hex)."""

    firmware: frozenset[tuple[str, str, str]]

    def digests(self, name: str, version: str) -> frozenset[str]:
        """Every digest listed for this release; empty where the release is not listed."""
        return frozenset(digest for n, v, digest in self.firmware if (n, v) == (name, version))
