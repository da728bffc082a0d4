"""The end of certificates inside a transaction: rows and reasons; who may, and the wire, are the caller's."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from registry.model.certificate import CertificateEvent, CertificateRecord, CertificateState, move
from registry.model.device import Device
from registry.store.unit_of_work import UnitOfWork

LIVE: Final = (CertificateState.PENDING, CertificateState.ACTIVE, CertificateState.HELD)
"""States from which a device may still, or again, use a certificate."""


def live(device: Device, uow: UnitOfWork) -> list[CertificateRecord]:
    """Those of a device, newest first."""
    return [record for record in uow.certificates.of_device(device.device_id) if record.state in LIVE]


def end(record: CertificateRecord, reason: str, now: datetime, uow: UnitOfWork) -> CertificateRecord:
    """Revoked, for one of revocation's reasons."""
    after = move(record.state, CertificateEvent.REVOKE)
    ended = replace(record, state=after, reason=reason, revoked_at=now)
    uow.certificates.save(ended)
    return ended


def give_up_intentions(device: Device, now: datetime, uow: UnitOfWork) -> None:
    """What is being signed this moment must not come to life behind a revocation or a hold."""
    for record in uow.certificates.of_device(device.device_id):
        if record.state is CertificateState.INTENDED:
            after = move(record.state, CertificateEvent.ABANDON)
            abandoned = replace(record, state=after, reason="cessationOfOperation", revoked_at=now)
            uow.certificates.save(abandoned)
