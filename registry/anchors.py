"""Trust anchors in the store: intention, signature, fact, as for every other certificate (rule 3)."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from audit.leaf import DetailValue, Leaf
from pki.anchor import PreparedAnchor, sign_anchor
from pki.issuer import IssuanceToken
from pki.keys import HybridPrivateKey
from registry.model import certificate as certificates
from registry.model.actor import Actor
from registry.model.certificate import (
    CertificateEvent,
    CertificateRecord,
    CertificateSerial,
    CertificateState,
    of_int,
)
from registry.model.errors import Conflict
from registry.ports import Ports
from registry.store.unit_of_work import UnitOfWork


def issue_anchor(
    prepared: PreparedAnchor,
    key: HybridPrivateKey,
    name: str,
    common_name: str,
    actor: Actor,
    *,
    ports: Ports,
) -> CertificateRecord:
    """A root that signs itself, under the CA's short name.

    Crash stories: after the first commit the serial is spent, and nobody has seen the certificate; after
    the second it is recorded, and the ceremony that is repeated takes it over.
    """
    now, token = ports.clock(), prepared.token
    intended = CertificateRecord(
        certificate_serial=of_int(token.certificate_serial),
        issuer=name,
        profile=token.profile,
        subject=common_name,
        state=CertificateState.INTENDED,
        not_before=token.not_before,
        not_after=token.not_after,
        tbs_digest=token.tbs_digest,
        intended_at=now,
    )
    with ports.store.write() as uow:
        uow.certificates.add([intended])
        uow.log.append(_leaf("ceremony.root_intended", now, actor, intended))
    issued = sign_anchor(prepared, key)
    pending = certificates.move(intended.state, CertificateEvent.SIGN)
    record = replace(
        intended,
        state=certificates.move(pending, CertificateEvent.CONFIRM),
        der=issued.der,
        fingerprint=issued.fingerprint.hex(),
        issued_at=now,
        confirmed_at=now,
    )
    with ports.store.write() as uow:
        if not uow.certificates.record_signed([record]):
            raise _given_up(record.certificate_serial)
        uow.log.append(_leaf("ceremony.root_created", now, actor, record))
    return record


def already_issued(token: IssuanceToken, uow: UnitOfWork) -> CertificateRecord | None:
    """What an earlier, interrupted ceremony has issued by the same token; Conflict where it gave up."""
    record = uow.certificates.get(of_int(token.certificate_serial))
    if record is None:
        return None
    if record.der is None or record.tbs_digest != token.tbs_digest or record.state.is_revoked:
        raise _given_up(record.certificate_serial)
    return record


def _given_up(serial: CertificateSerial) -> Conflict:
    return Conflict(
        f"The serial {serial} was spent by a ceremony that was interrupted before its signature was kept.",
        next_step="Prepare anew, with new keys: medtrust ca ceremony FILE --restart --dry-run.",
        field="certificate_serial",
    )


def _leaf(kind: str, now: datetime, actor: Actor, record: CertificateRecord) -> Leaf:
    detail: dict[str, DetailValue] = {"ca": record.issuer, "tbs_sha256": record.tbs_digest.hex()}
    if record.fingerprint:
        detail["certificate_sha256"] = record.fingerprint
    return Leaf(kind=kind, at=now, actor=str(actor), subject=record.certificate_serial, detail=detail)
