"""A new certificate for a device that has one: new keys, authenticated by the current ones.

The live session is not cut; the old certificate is superseded when the device confirms the new one.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from pki.keys import HybridPublicKey
from registry.lookup import get_device
from registry.model import transcript
from registry.model.certificate import CertificateRecord, CertificateState
from registry.model.device import Device, DeviceEvent, move
from registry.model.enrollment import Enrollment, RenewalRequest
from registry.model.errors import Refused, Unauthenticated, Unprocessable
from registry.pending import IssuingParts, issue_pending, repeated_answer
from registry.ports import Ports
from registry.possession import check_proof, keys_of, read_request
from registry.store.unit_of_work import UnitOfWork

MOST_A_DAY: Final = 12
"""Each one replaced or left unconfirmed stands on the list, which everybody reads, for a year."""
_A_DAY: Final = timedelta(days=1)


def renew(request: RenewalRequest, *, ports: Ports, parts: IssuingParts) -> Enrollment:
    """A PENDING certificate with the new keys; repeatable by request id."""
    with ports.store.read() as uow:
        repeated = repeated_answer(request, uow, parts)
        if repeated is not None:
            return repeated
        current = _current(request, uow)
        device = _renewable(request, ports.clock(), uow)
    csr = read_request(request.csr)
    signed = transcript.renew(
        request.csr, request.device_id, request.request_id, bytes.fromhex(request.current_fingerprint)
    )
    held = keys_of(current.der or b"")
    check_proof(csr.public, request.proof, signed)
    check_proof(held, request.current_proof, signed, field="current_proof")
    _refuse_old_keys(csr.public, held)

    def with_intention(uow: UnitOfWork, record: CertificateRecord) -> None:
        fresh = _renewable(request, record.intended_at, uow)
        _current(request, uow)
        uow.devices.set_state(fresh.device_id, move(fresh.state, DeviceEvent.ISSUE))

    return issue_pending(request, device, csr, with_intention, ports=ports, parts=parts)


def _current(request: RenewalRequest, uow: UnitOfWork) -> CertificateRecord:
    record = uow.certificates.by_fingerprint(request.current_fingerprint)
    if record is None or record.device_id != request.device_id:
        raise Unauthenticated(
            "No certificate of this device has that fingerprint.",
            next_step="Enrol with a join token instead.",
            field="current_fingerprint",
        )
    if record.state is not CertificateState.ACTIVE:
        raise Unauthenticated(
            f"The current certificate is {record.state}.",
            next_step="Confirm it first, or enrol again with a join token.",
            field="current_fingerprint",
        )
    return record


def _renewable(request: RenewalRequest, now: datetime, uow: UnitOfWork) -> Device:
    device = get_device(request.device_id, uow)
    if device.conflicts:
        raise Refused("The identity of the device is contradicted; a person must look.", field="conflicts")
    move(device.state, DeviceEvent.ISSUE)
    issued = (record.issued_at for record in uow.certificates.of_device(device.device_id))
    if sum(at is not None and at > now - _A_DAY for at in issued) >= MOST_A_DAY:
        raise Refused(
            f"The device has had {MOST_A_DAY} certificates within a day.",
            next_step="Try again tomorrow, or enrol again with a join token.",
            field="rid",
        )
    return device


def _refuse_old_keys(new: HybridPublicKey, held: HybridPublicKey) -> None:
    same_alternative = new.alternative is not None and new.alternative == held.alternative
    if new.classical == held.classical or same_alternative:
        raise Unprocessable(
            "The request keeps an old key.", next_step="Make new keys for every renewal.", field="csr"
        )
