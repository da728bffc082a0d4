"""Devices as plain data for printing: identifiers that may lead to a patient are masked unless asked for."""

from __future__ import annotations

from registry.identity.masking import masked
from registry.model.certificate import CertificateRecord
from registry.model.device import Device
from registry.store.unit_of_work import UnitOfWork


def device_row(device: Device) -> dict[str, object]:
    """What a list shows of a device; never a serial number."""
    product = device.product
    return {
        "device_id": device.device_id,
        "state": device.state,
        "criticality": device.criticality,
        "product": product.brand_name or product.device_name,
        "product_code": product.product_code,
        "udi_di": device.udi_di,
        "ward": device.ward,
        "registered_at": device.registered_at,
    }


def device_details(device: Device, uow: UnitOfWork, *, in_clear: bool) -> dict[str, object]:
    """Everything that is known but its certificates: with trust, alarms and conflicts."""
    trust = uow.trust.get(device.device_id)
    alarms = uow.alarms.open(device.device_id)
    product = device.product
    return {
        **device_row(device),
        "device_name": product.device_name,
        "device_class": product.device_class,
        "regulation_number": product.regulation_number,
        "criticality_reasons": list(device.criticality_reasons),
        "serial_number": _identifier(device.serial_number, in_clear=in_clear),
        "lot_number": _identifier(device.lot_number, in_clear=in_clear),
        "macs": list(device.macs),
        "conflicts": list(device.conflicts),
        "tier": trust.tier if trust else None,
        "appraised_at": trust.appraised_at if trust else None,
        "alarms": [f"{a.severity}: {a.rule}: {a.message}" for a in alarms],
    }


def certificate_row(record: CertificateRecord) -> dict[str, object]:
    """What a list shows of a certificate."""
    return {
        "certificate_serial": record.certificate_serial,
        "state": record.state,
        "profile": record.profile,
        "subject": record.subject,
        "not_after": record.not_after,
        "device_id": record.device_id,
        "reason": record.reason,
    }


def _identifier(text: str | None, *, in_clear: bool) -> str | None:
    return text if text is None or in_clear else masked(text)
