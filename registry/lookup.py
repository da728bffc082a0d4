"""A row by its key, or an error that says where to look."""

from __future__ import annotations

from registry.model.certificate import CertificateRecord, CertificateSerial
from registry.model.device import Device
from registry.model.errors import NotFound
from registry.store.unit_of_work import UnitOfWork


def get_device(device_id: str, uow: UnitOfWork) -> Device:
    """The device, or NotFound that says where to look."""
    found = uow.devices.get(device_id)
    if found is None:
        raise NotFound(
            f"No device has the id {device_id!r}.", next_step="See: medtrust device list.", field="device_id"
        )
    return found


def get_certificate(serial: CertificateSerial, uow: UnitOfWork) -> CertificateRecord:
    """The record, or NotFound that says where to look."""
    found = uow.certificates.get(serial)
    if found is None:
        raise NotFound(
            f"No certificate has the serial number {serial}.",
            next_step="See: medtrust cert list.",
            field="certificate_serial",
        )
    return found
