"""One good message and ways to bend it, for the tests of this room."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from registry.model.criticality import Criticality
from registry.trust.claims import admit, evidence_id
from registry.trust.evidence import CertificateStatus, Evidence
from registry.trust.policy import ReferenceValues

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
GOOD, ALTERED = "a" * 64, "b" * 64
REFERENCE = ReferenceValues(frozenset({("pump-fw", "4.2", GOOD)}))


def message(**changes: object) -> dict[str, Any]:
    """A whole message; a change of None leaves the field out."""
    whole: dict[str, Any] = {
        "v": 1,
        "ts": "2026-11-22T06:00:00.000Z",
        "boot": 3,
        "seq": 7,
        "uptime": 60,
        "fw": {"name": "pump-fw", "ver": "4.2", "sha256": GOOD},
        "sbom_sha256": GOOD,
        "cert_fp": GOOD,
        "anchor_fp": GOOD,
        "secure_boot": True,
        "dbg": False,
        "tamper": False,
        "listen_tcp": [22, 8883],
        "listen_udp": [],
        "peers_n": 2,
        "bytes_in": 1,
        "bytes_out": 1,
        "pkts": 2,
        "err": {"tls": 0, "auth": 0, "mem": 0, "wdog": 0, "fs": 0},
        "cpu": 3.5,
        "mem": 40,
        "disk": 12,
        "cfg_sha256": GOOD,
        "clinical_mode": "idle",
    }
    return {name: value for name, value in {**whole, **changes}.items() if value is not None}


def encoded(**changes: object) -> bytes:
    """The message as a payload."""
    return json.dumps(message(**changes)).encode()


def evidence(
    seq: int,
    at: datetime = NOW,
    *,
    status: CertificateStatus = "active",
    conflict: bool = False,
    reference: ReferenceValues | None = REFERENCE,
    in_maintenance: bool = False,
    not_after: datetime | None = NOW + timedelta(days=90),
    also: dict[str, object] | None = None,
    **changes: object,
) -> Evidence:
    """Fresh evidence from one message."""
    payload = encoded(**({"seq": seq, "ts": at.isoformat()} | changes | (also or {})))
    return Evidence(
        claims=admit(payload),
        evidence_id=evidence_id(payload),
        received_at=at,
        certificate_status=status,
        certificate_not_after=not_after,
        reference=reference,
        criticality=Criticality.NON_CLINICAL,
        identity_conflict=conflict,
        certificate_fingerprint=GOOD,
        in_maintenance=in_maintenance,
    )


def sweep(at: datetime, *, status: CertificateStatus = "active", conflict: bool = False) -> Evidence:
    """Time has passed and nothing was said."""
    return Evidence(
        claims=None,
        evidence_id="sweep",
        received_at=at,
        certificate_status=status,
        certificate_not_after=NOW + timedelta(days=90),
        reference=REFERENCE,
        criticality=Criticality.NON_CLINICAL,
        identity_conflict=conflict,
    )
