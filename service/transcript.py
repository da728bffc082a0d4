"""What a ceremony did, for the auditor: a file with every hash, and one leaf of the log that pins it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

import msgspec

from audit.leaf import DetailValue, Leaf
from registry.model.actor import Actor
from registry.model.certificate import CertificateRecord
from registry.ports import Ports
from service.ceremony_draft import Draft
from service.home import Home, make_private, write_private


class SignedCertificate(msgspec.Struct, frozen=True):
    """One certificate of a ceremony; digests are SHA-256 in hex."""

    name: str
    issuer: str
    profile: str
    certificate_serial: str
    tbs_sha256: str
    certificate_sha256: str
    not_before: datetime
    not_after: datetime


class Transcript(msgspec.Struct, frozen=True):
    """A ceremony, as it was performed."""

    title: str
    plan_sha256: str
    draft_sha256: str
    prepared_at: datetime
    signed_at: datetime
    performed_by: str
    certificates: list[SignedCertificate]
    retired: list[str]
    plan: str


def write_transcript(
    draft: Draft, records: Mapping[str, CertificateRecord], home: Home, actor: Actor, *, ports: Ports
) -> None:
    """home/ceremonies/TIME-HASH.json, and the leaf `ceremony.performed`; the same again changes neither."""
    path = (
        make_private(home.root / "ceremonies")
        / f"{draft.prepared_at:%Y%m%dT%H%M%SZ}-{draft.digest[:16]}.json"
    )
    if path.exists():
        return
    now = ports.clock()
    transcript = Transcript(
        title=draft.plan.title,
        plan_sha256=draft.plan.sha256,
        draft_sha256=draft.digest,
        prepared_at=draft.prepared_at,
        signed_at=now,
        performed_by=str(actor),
        certificates=[_signed(name, record) for name, record in records.items()],
        retired=list(draft.plan.retire),
        plan=draft.plan.text,
    )
    body = msgspec.json.format(msgspec.json.encode(transcript), indent=2) + b"\n"
    detail: dict[str, DetailValue] = {
        "plan_sha256": draft.plan.sha256,
        "transcript_sha256": hashlib.sha256(body).hexdigest(),
        "certificates_sha256": [record.fingerprint or "" for record in records.values()],
        "retired": list(draft.plan.retire),
    }
    with ports.store.write() as uow:
        uow.log.append(
            Leaf(kind="ceremony.performed", at=now, actor=str(actor), subject=draft.digest, detail=detail)
        )
    # After the leaf: a crash between the two writes another leaf for a new file, never a file without one.
    write_private(path, body)


def _signed(name: str, record: CertificateRecord) -> SignedCertificate:
    return SignedCertificate(
        name,
        record.issuer,
        record.profile,
        record.certificate_serial,
        record.tbs_digest.hex(),
        record.fingerprint or "",
        record.not_before,
        record.not_after,
    )
