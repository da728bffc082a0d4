"""A device joins: challenge, enroll, confirm. The walk of docs/architecture.md, steps in order.

Both edges meet here: the MQTT bridge after decoding, tests and benches directly.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from audit.leaf import DetailValue, Leaf
from pki import oids
from pki.tbs import Certificate
from registry.lookup import get_device
from registry.model import actor as actors
from registry.model import certificate as certificates
from registry.model import transcript
from registry.model.certificate import CertificateEvent, CertificateRecord, CertificateState
from registry.model.device import Device, DeviceEvent, DeviceId, DeviceState, move
from registry.model.enrollment import (
    Challenge,
    ConfirmRequest,
    Enrollment,
    EnrollmentRequest,
    JoinToken,
)
from registry.model.errors import AwaitingApproval, Conflict, NonceExpired, NotFound, Refused, Unauthenticated
from registry.pending import IssuingParts, issue_pending, repeated_answer
from registry.ports import Ports
from registry.possession import check_proof, keys_of, read_request
from registry.revocation import PUBLISH_CRL
from registry.store.unit_of_work import UnitOfWork
from registry.tokens import MAY_JOIN, matching_token

NONCE_LIVES: Final = timedelta(minutes=2)


def challenge(device_id: DeviceId, session: str, request_id: str, *, ports: Ports) -> Challenge:
    """A nonce for one session. Given to anybody: whether the device exists is nobody's business yet."""
    now = ports.clock()
    given = Challenge(device_id, session, request_id, ports.entropy(32), now + NONCE_LIVES)
    with ports.store.write() as uow:
        # Anybody may ask: what has expired goes at once, so that asking cannot fill the store.
        uow.enrollments.prune(now)
        uow.enrollments.put_challenge(given)
    return given


def enroll(request: EnrollmentRequest, *, ports: Ports, parts: IssuingParts) -> Enrollment:
    """A PENDING certificate for the holder of the keys and of a join token."""
    now = ports.clock()
    with ports.store.read() as uow:
        # 1 the same request again gives the same answer; with another body it is somebody else's
        repeated = repeated_answer(request, uow, parts)
        if repeated is not None:
            return repeated
        # 2 the challenge of this session
        nonce = _open_challenge(request, now, uow).nonce
    # 3 proof of possession of every key, fresh by the nonce
    csr = read_request(request.csr)
    signed = transcript.enroll(request.csr, nonce, request.device_id, request.claim)
    check_proof(csr.public, request.proof, signed)
    with ports.store.read() as uow:
        # 4 the token, shown by its HMAC; who has none learns nothing about the device
        token = matching_token(request.device_id, request.token_hmac, signed, now=now, uow=uow)
        # 5 which device this is, and whether a person has said yes
        device = _admitted(request.device_id, uow)

    def with_intention(uow: UnitOfWork, record: CertificateRecord) -> None:
        # 6 in the intention's transaction: challenge and token are spent once, whoever races us
        _spend(request, token, record, now=now, uow=uow)

    # 7 lint, intention, signature, fact; 8 the stored answer
    return issue_pending(request, device, csr, with_intention, ports=ports, parts=parts)


def _open_challenge(request: EnrollmentRequest, now: datetime, uow: UnitOfWork) -> Challenge:
    given = uow.enrollments.challenge_of(request.session)
    if given is None or given.device_id != request.device_id or given.expires_at <= now:
        raise NonceExpired(
            "No challenge is open for this session.",
            next_step="Send hello again and answer within two minutes.",
            field="nonce",
        )
    return given


def _admitted(device_id: DeviceId, uow: UnitOfWork) -> Device:
    device = get_device(device_id, uow)
    if device.conflicts:
        raise AwaitingApproval(
            "The identity of the device is contradicted; a person must look.", field="conflicts"
        )
    if device.state is DeviceState.REGISTERED:
        raise AwaitingApproval("The device waits for approval.", field="state")
    if device.state not in MAY_JOIN:
        raise Refused(
            f"The device is {device.state}; it cannot join.",
            next_step="A biomedical engineer decides: medtrust device show.",
            field="state",
        )
    return device


def _spend(
    request: EnrollmentRequest, token: JoinToken, record: CertificateRecord, *, now: datetime, uow: UnitOfWork
) -> None:
    _open_challenge(request, now, uow)
    uow.enrollments.drop_challenge(request.session)
    device = _admitted(request.device_id, uow)
    if not uow.enrollments.spend_token(token.token_id, now, record.certificate_serial, token.spent_on):
        raise Conflict("The join token was used before.", field="token_hmac")
    uow.devices.set_state(device.device_id, move(device.state, DeviceEvent.ISSUE))


def confirm(request: ConfirmRequest, *, ports: Ports) -> CertificateRecord:
    """First use: PENDING -> ACTIVE, the device ACTIVE, its older certificate superseded. Repeatable."""
    now = ports.clock()
    with ports.store.write() as uow:
        record = uow.certificates.by_fingerprint(request.fingerprint)
        if record is None or record.device_id != request.device_id or record.der is None:
            raise NotFound("No certificate of this device has that fingerprint.", field="fingerprint")
        signed = transcript.confirm(request.device_id, request.request_id, bytes.fromhex(request.fingerprint))
        check_proof(keys_of(record.der), request.proof, signed, field="signature")
        if record.state is CertificateState.ACTIVE and record.confirmed_at is not None:
            return record
        # A release from hold makes ACTIVE what was never confirmed: this is still its first use.
        if record.state not in (CertificateState.PENDING, CertificateState.ACTIVE):
            raise Unauthenticated(
                f"The certificate is {record.state}.",
                next_step="Enrol again with a new join token.",
                field="fingerprint",
            )
        return _activate(record, now, uow)


def _stands_beside(record: CertificateRecord) -> bool:
    """Whether it is not what a renewal replaces: a pair's second half, or a key that receives secrets.

    The device proved that it uses the new certificate, not that it stopped using these; people replace them.
    """
    certificate = Certificate.parse(record.der or b"")
    return (
        certificate.public_key.algorithm.is_kem or certificate.extension(oids.RELATED_CERTIFICATE) is not None
    )


def _activate(record: CertificateRecord, now: datetime, uow: UnitOfWork) -> CertificateRecord:
    device = get_device(record.device_id or "", uow)
    active = replace(
        record, state=certificates.move(record.state, CertificateEvent.CONFIRM), confirmed_at=now
    )
    older = [
        c
        for c in uow.certificates.of_device(device.device_id)
        if c.state is CertificateState.ACTIVE
        and c.certificate_serial != record.certificate_serial
        and not _stands_beside(c)
    ]
    for certificate in older:
        state = certificates.move(certificate.state, CertificateEvent.SUPERSEDE)
        uow.certificates.save(replace(certificate, state=state, reason="superseded", revoked_at=now))
    uow.certificates.save(active)
    uow.devices.set_state(device.device_id, move(device.state, DeviceEvent.CONFIRM))
    if older:
        # The device itself proved that it uses the new one, so the old one can go without cutting anybody.
        uow.operations.promise(PUBLISH_CRL, None, "superseded", now)
    detail: dict[str, DetailValue] = {
        "device": device.device_id,
        "superseded": [c.certificate_serial for c in older],
    }
    actor = str(actors.device(device.device_id))
    subject = record.certificate_serial
    uow.log.append(Leaf(kind="certificate.confirmed", at=now, actor=actor, subject=subject, detail=detail))
    return active
