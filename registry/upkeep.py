"""What time does to certificates: intentions that never became one, confirmations that never came, expiry.

Each is an idempotent query over the store; a second run finds nothing to do.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from audit.leaf import DetailValue, Leaf
from registry.model import certificate as certificates
from registry.model.actor import Actor
from registry.model.certificate import CertificateEvent, CertificateRecord, CertificateState
from registry.model.device import DEVICE_LIFECYCLE, Device, DeviceEvent
from registry.ports import Ports
from registry.revocation import CUT, PUBLISH_CRL
from registry.store.unit_of_work import UnitOfWork

IN_FLIGHT: Final = timedelta(minutes=2)
"""An intention younger than this may still be on its way to the signature."""


def reconcile_intentions(actor: Actor, *, ports: Ports, older_than: timedelta = IN_FLIGHT) -> int:
    """INTENDED without a certificate -> ABANDONED and onto the list: a signature may exist. How many."""
    now = ports.clock()
    with ports.store.write() as uow:
        orphans = uow.certificates.intended_before(now - older_than)
        for record in orphans:
            _end(record, CertificateEvent.ABANDON, "cessationOfOperation", now=now, actor=actor, uow=uow)
            _step_back(record, uow)
        if orphans:
            uow.operations.promise(PUBLISH_CRL, None, "intentions abandoned", now)
    return len(orphans)


def void_unconfirmed(actor: Actor, *, ports: Ports) -> int:
    """PENDING past its time -> VOID, and onto the list. How many.

    Not where rule 7 stands before it: the device may already run on the new certificate and only its
    confirmation got lost. There it stays good, and a person is alarmed.
    """
    now = ports.clock()
    voided = 0
    with ports.store.write() as uow:
        for record in uow.certificates.unconfirmed_before(now):
            device = uow.devices.get(record.device_id or "")
            if device is not None and actor.is_automatic and device.criticality.never_cut:
                uow.alarms.raise_once(
                    device_id=device.device_id,
                    rule="certificate.unconfirmed",
                    severity="warning",
                    message=f"Certificate {record.certificate_serial} was never confirmed; it stays valid.",
                    at=now,
                )
                continue
            _end(record, CertificateEvent.VOID, "cessationOfOperation", now=now, actor=actor, uow=uow)
            _step_back(record, uow)
            voided += 1
        if voided:
            uow.operations.promise(PUBLISH_CRL, None, "unconfirmed certificates void", now)
    return voided


def expire(actor: Actor, *, ports: Ports) -> int:
    """Live and past the last second -> EXPIRED; the session is cut unless rule 7 forbids. How many."""
    now = ports.clock()
    with ports.store.write() as uow:
        gone = uow.certificates.expired_at(now)
        for record in gone:
            _expire_one(record, now, actor, uow)
    return len(gone)


def _expire_one(record: CertificateRecord, now: datetime, actor: Actor, uow: UnitOfWork) -> None:
    state = certificates.move(record.state, CertificateEvent.EXPIRE)
    uow.certificates.save(replace(record, state=state))
    device = uow.devices.get(record.device_id or "")
    uow.log.append(_leaf("certificate.expired", record, now, actor))
    if device is None or _has_live(device, uow):
        return
    uow.alarms.raise_once(
        device_id=device.device_id,
        rule="certificate.expired",
        severity="error",
        message=f"Its last certificate expired at {record.not_after:%Y-%m-%d %H:%M}Z.",
        at=now,
    )
    if not device.criticality.never_cut:
        uow.operations.promise(CUT, device.device_id, "certificate expired", now)


def _has_live(device: Device, uow: UnitOfWork) -> bool:
    live = (CertificateState.ACTIVE, CertificateState.PENDING)
    return any(c.state in live for c in uow.certificates.of_device(device.device_id))


def _end(
    record: CertificateRecord,
    event: CertificateEvent,
    reason: str,
    *,
    now: datetime,
    actor: Actor,
    uow: UnitOfWork,
) -> None:
    state = certificates.move(record.state, event)
    uow.certificates.save(replace(record, state=state, reason=reason, revoked_at=now))
    uow.log.append(_leaf(f"certificate.{state}", record, now, actor))


def _step_back(record: CertificateRecord, uow: UnitOfWork) -> None:
    # A device whose first certificate came to nothing may join again.
    device = uow.devices.get(record.device_id or "")
    if device is None or (device.state, DeviceEvent.VOID) not in DEVICE_LIFECYCLE:
        return
    if not _has_live(device, uow):
        uow.devices.set_state(device.device_id, DEVICE_LIFECYCLE[device.state, DeviceEvent.VOID])


def _leaf(kind: str, record: CertificateRecord, now: datetime, actor: Actor) -> Leaf:
    detail: dict[str, DetailValue] = {"device": record.device_id or ""}
    return Leaf(kind=kind, at=now, actor=str(actor), subject=record.certificate_serial, detail=detail)
