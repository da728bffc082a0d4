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


def end_heirs(device: Device, of: CertificateRecord, now: datetime, uow: UnitOfWork) -> None:
    """Behind a compromised key: what was asked for with it and never confirmed ends; the rest alarms.

    A thief renews before he is noticed, and would else stay in with keys of his own.
    """
    later = [c for c in live(device, uow) if of.issued_at and c.issued_at and c.issued_at >= of.issued_at]
    for record in later:
        if record.confirmed_at is None:
            end(record, "keyCompromise", now, uow)
    give_up_intentions(device, now, uow)
    for record in later:
        if record.confirmed_at is not None:
            uow.alarms.raise_once(
                device_id=device.device_id,
                rule="certificate.heir_of_compromised_key",
                severity="error",
                message=f"Certificate {record.certificate_serial} was renewed under a compromised key.",
                at=now,
            )


def give_up_intentions(device: Device, now: datetime, uow: UnitOfWork) -> None:
    """What is being signed this moment must not come to life behind a revocation or a hold."""
    for record in uow.certificates.of_device(device.device_id):
        if record.state is CertificateState.INTENDED:
            after = move(record.state, CertificateEvent.ABANDON)
            abandoned = replace(record, state=after, reason="cessationOfOperation", revoked_at=now)
            uow.certificates.save(abandoned)
