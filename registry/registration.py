"""Admitting devices: register by label, approve, retire; what it is and how critical comes with reasons."""

from __future__ import annotations

import base64
from dataclasses import dataclass, replace
from datetime import datetime

from audit.leaf import Leaf
from registry.forgiveness import forgive_within
from registry.identity.catalogue import Catalogue
from registry.identity.criticality import judge_criticality
from registry.identity.udi import parse_udi
from registry.lookup import get_device
from registry.model.actor import Actor
from registry.model.criticality import Criticality
from registry.model.device import Device, DeviceEvent, DeviceId, DeviceState, move
from registry.model.errors import BadInput, Conflict, Refused
from registry.model.finding import Finding, Severity
from registry.model.product import Product
from registry.model.udi import Udi
from registry.ports import Ports
from registry.revocation import end_certificates
from registry.store.unit_of_work import UnitOfWork

UNKNOWN_PRODUCT = Product(None, "unknown product", source="label")


@dataclass(frozen=True, slots=True)
class RegistrationRequest:
    """What the engineer has in hand."""

    label: str
    """A UDI carrier as scanned or typed."""
    macs: tuple[str, ...] = ()
    """Normalised, aa:bb:cc:dd:ee:ff."""
    ward: str = ""
    serial_number: str | None = None
    """From the type plate, where the label's UDI carries none."""


@dataclass(frozen=True, slots=True)
class Registration:
    """The device, whether it is new, and what was noticed."""

    device: Device
    created: bool
    findings: tuple[Finding, ...]


def register(
    request: RegistrationRequest, actor: Actor, *, ports: Ports, catalogue: Catalogue
) -> Registration:
    """The device of a label; the same UDI and serial number again is the same row."""
    now = ports.clock()
    udi = _readable(request, parse_udi(request.label, today=now.date()))
    product = catalogue.product(udi.udi_di or "") or replace(UNKNOWN_PRODUCT, udi_di=udi.udi_di)
    findings = udi.findings + _product_findings(product, udi)
    with ports.store.write() as uow:
        known = uow.devices.by_udi(udi.agency, udi.udi_di or "", udi.serial_number or "")
        _refuse_foreign_macs(request, known, uow)
        if known is not None:
            return Registration(_seen_again(known, request, actor, now=now, uow=uow), False, findings)
        device = _new_device(request, udi, product, now=now, new_id=_new_id(ports))
        uow.devices.add(device)
        detail = {"product_code": product.product_code or "", "criticality": device.criticality.value}
        uow.log.append(
            Leaf(kind="device.registered", at=now, actor=str(actor), subject=device.device_id, detail=detail)
        )
    return Registration(device, True, findings)


def _readable(request: RegistrationRequest, udi: Udi) -> Udi:
    if not udi.well_formed or not udi.udi_di:
        why = next((f.message for f in udi.findings if f.refuses), "It carries no device identifier.")
        raise BadInput(
            f"The label is not a UDI that can be read: {why}",
            next_step="See the parts with: medtrust udi parse LABEL.",
            field="udi",
        )
    serial = udi.serial_number or request.serial_number
    if not serial:
        raise BadInput(
            "The label carries no serial number, so it does not say which device this is.",
            next_step="Add the type plate's: --serial-number.",
            field="serial_number",
        )
    if request.serial_number and udi.serial_number and request.serial_number != udi.serial_number:
        raise BadInput("--serial-number differs from the label's.", field="serial_number")
    return replace(udi, serial_number=serial)


def _product_findings(product: Product, udi: Udi) -> tuple[Finding, ...]:
    if product.product_code is None and product.source == UNKNOWN_PRODUCT.source:
        message = "The catalogue does not know this DI: treated as life-sustaining until a person says more."
        return (Finding("identity.product_unknown", Severity.WARNING, message, udi.udi_di or ""),)
    return ()


def _refuse_foreign_macs(request: RegistrationRequest, known: Device | None, uow: UnitOfWork) -> None:
    for mac in request.macs:
        owner = uow.devices.by_mac(mac)
        if owner is not None and (known is None or owner.device_id != known.device_id):
            raise Conflict(
                f"The address {mac} belongs to {owner.device_id}.",
                next_step=f"Look: medtrust device show {owner.device_id}.",
                field="mac",
            )


def _seen_again(
    known: Device, request: RegistrationRequest, actor: Actor, *, now: datetime, uow: UnitOfWork
) -> Device:
    new = tuple(mac for mac in dict.fromkeys(request.macs) if mac not in known.macs)
    if not new:
        return known
    # Two addresses with one UDI and serial number: a second interface, or a clone. A person decides.
    conflicts = known.conflicts
    if known.macs:
        conflicts += tuple(f"another address with the same UDI and serial number: {mac}" for mac in new)
    device = replace(known, macs=tuple(sorted(known.macs + new)), conflicts=conflicts)
    uow.devices.save(device)
    leaf_detail = {"interfaces": len(device.macs), "conflict": bool(conflicts)}
    uow.log.append(
        Leaf(kind="device.seen_again", at=now, actor=str(actor), subject=device.device_id, detail=leaf_detail)
    )
    return device


def _new_id(ports: Ports) -> DeviceId:
    return DeviceId("mtd-" + base64.b32encode(ports.entropy(10)).decode().lower())


def _new_device(
    request: RegistrationRequest, udi: Udi, product: Product, *, now: datetime, new_id: DeviceId
) -> Device:
    judgement = judge_criticality(product)
    return Device(
        device_id=new_id,
        state=DeviceState.REGISTERED,
        product=product,
        criticality=judgement.criticality,
        criticality_reasons=judgement.reasons,
        registered_at=now,
        udi_carrier=udi.carrier,
        udi_agency=udi.agency.value if udi.agency else None,
        udi_di=udi.udi_di,
        serial_number=udi.serial_number,
        lot_number=udi.lot_number,
        macs=tuple(sorted(set(request.macs))),
        ward=request.ward,
    )


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's yes, and what she decides beside it."""

    device_id: DeviceId
    criticality: Criticality | None = None
    """Overrules the judgement; required where the product is unknown."""
    resolve_conflicts: bool = False
    reason: str = ""


def approve(approval: Approval, actor: Actor, *, ports: Ports) -> Device:
    """REGISTERED (or REVOKED) -> APPROVED; open conflicts and unknown products need a person's word."""
    if actor.is_automatic:
        raise Refused("Only a person approves a device.", field="actor")
    now = ports.clock()
    with ports.store.write() as uow:
        device = get_device(approval.device_id, uow)
        if device.state is DeviceState.REVOKED:
            # Or the first judgement after its new certificate would hold it for what is over.
            forgive_within(device.device_id, now, uow)
        device = replace(device, state=move(device.state, DeviceEvent.APPROVE))
        if device.conflicts and not approval.resolve_conflicts:
            raise Refused(
                f"Its identity is contradicted: {'; '.join(device.conflicts)}.",
                next_step="Look at the device itself, then: device approve --resolve-conflicts --reason ...",
                field="conflicts",
            )
        if device.criticality is Criticality.UNKNOWN and approval.criticality is None:
            raise Refused(
                "Nobody knows yet what this product is.",
                next_step="Say how critical it is: device approve --criticality therapy --reason ...",
                field="criticality",
            )
        if approval.criticality is not None:
            reason = f"{actor.name} decided: {approval.reason or 'no reason given'}"
            device = replace(device, criticality=approval.criticality, criticality_reasons=(reason,))
        uow.devices.save(replace(device, conflicts=()))
        detail = {"criticality": device.criticality.value, "overruled": approval.criticality is not None}
        uow.log.append(
            Leaf(kind="device.approved", at=now, actor=str(actor), subject=device.device_id, detail=detail)
        )
    return replace(device, conflicts=())


def retire(device_id: DeviceId, actor: Actor, *, ports: Ports) -> Device:
    """Any state -> RETIRED; its certificates end with cessationOfOperation."""
    now = ports.clock()
    with ports.store.write() as uow:
        device = get_device(device_id, uow)
        if actor.is_automatic:
            raise Refused("Only a person retires a device.", field="actor")
        after = move(device.state, DeviceEvent.RETIRE)
        uow.devices.set_state(device.device_id, after)
        end_certificates(device, "cessationOfOperation", now, uow)
        uow.log.append(
            Leaf(kind="device.retired", at=now, actor=str(actor), subject=device.device_id, detail={})
        )
    return replace(device, state=after)
