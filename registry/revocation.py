"""Taking trust back: revoke, hold, release. Recorded first; the list and the live session follow as effects.

Rule 7 stands here once for all callers: no automatic path ends a device that a patient may hang on.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from audit.leaf import Leaf
from pki import oids
from pki.extensions import read_basic_constraints
from pki.tbs import Certificate
from registry.ending import LIVE, end, end_heirs, give_up_intentions, live
from registry.forgiveness import forgive_within
from registry.lookup import get_certificate, get_device
from registry.model import certificate as certificates
from registry.model.actor import Actor
from registry.model.certificate import (
    CertificateEvent,
    CertificateRecord,
    CertificateSerial,
    CertificateState,
)
from registry.model.device import Device, DeviceEvent, DeviceId, DeviceState, move
from registry.model.errors import BadInput, PatientAtTheEnd, Refused
from registry.ports import Ports
from registry.store.unit_of_work import UnitOfWork

REASONS: Final = (
    "unspecified",
    "keyCompromise",
    "cACompromise",
    "affiliationChanged",
    "superseded",
    "cessationOfOperation",
    "privilegeWithdrawn",
    "aACompromise",
)
"""RFC 5280 5.3.1; certificateHold has its own verb and removeFromCRL is release."""

PUBLISH_CRL: Final = "publish_crl"
CUT: Final = "cut"


def revoke_certificate(
    serial: CertificateSerial, reason: str, actor: Actor, *, ports: Ports
) -> CertificateRecord:
    """One certificate; where it was the device's last live one, the device is revoked too."""
    reason = _reason(reason)
    now = ports.clock()
    with ports.store.write() as uow:
        record = get_certificate(serial, uow)
        _refuse_our_own(record)
        device = _guarded(record.device_id, actor, uow)
        ended = end(record, reason, now, uow)
        # A superseded one ends nothing: its device runs on another, or is at its end already.
        in_use = device if record.state in LIVE else None
        if device is not None and reason == "keyCompromise":
            end_heirs(device, record, now, uow)
        if in_use is not None and not live(in_use, uow):
            _move(in_use, DeviceEvent.REVOKE, uow)
            give_up_intentions(in_use, now, uow)
        _follow_up(in_use, f"revoked: {reason}", now, uow)
        uow.log.append(_leaf("certificate.revoked", now, actor, subject=serial, reason=reason))
    return ended


def revoke_device(device_id: DeviceId, reason: str, actor: Actor, *, ports: Ports) -> Device:
    """Every live certificate of a device, and the device."""
    reason = _reason(reason)
    now = ports.clock()
    with ports.store.write() as uow:
        device = get_device(device_id, uow)
        _guard(device, actor)
        device = _move(device, DeviceEvent.REVOKE, uow)
        end_certificates(device, reason, now, uow)
        uow.log.append(_leaf("device.revoked", now, actor, subject=device_id, reason=reason))
    return device


def hold_device(device_id: DeviceId, why: str, actor: Actor, *, ports: Ports) -> Device:
    """Suspend: live certificates go on hold, the session is cut; `release` brings it back."""
    now = ports.clock()
    with ports.store.write() as uow:
        return hold_within(get_device(device_id, uow), why, actor, now=now, uow=uow)


def hold_within(device: Device, why: str, actor: Actor, *, now: datetime, uow: UnitOfWork) -> Device:
    """The same inside an open transaction; refuses what rule 7 forbids."""
    _guard(device, actor)
    device = _move(device, DeviceEvent.HOLD, uow)
    for record in uow.certificates.of_device(device.device_id):
        if record.state in (CertificateState.PENDING, CertificateState.ACTIVE):
            _hold(record, now, uow)
    give_up_intentions(device, now, uow)
    _follow_up(device, f"held: {why}", now, uow)
    # `why` is free text and stays out of the log: a person may have written a patient's name.
    uow.log.append(_leaf("device.held", now, actor, subject=device.device_id, reason="certificateHold"))
    return device


def release_device(device_id: DeviceId, actor: Actor, *, ports: Ports) -> Device:
    """HELD or CONTAINED -> ACTIVE; held certificates are good again (removeFromCRL)."""
    now = ports.clock()
    with ports.store.write() as uow:
        device = get_device(device_id, uow)
        if actor.is_automatic and device.state is DeviceState.HELD:
            raise Refused("Only a person releases a device that is on hold.", field="actor")
        device = _move(device, DeviceEvent.RELEASE, uow)
        for record in uow.certificates.of_device(device_id):
            if record.state is CertificateState.HELD:
                _release(record, now, uow)
        if not actor.is_automatic:
            forgive_within(device_id, now, uow)
        uow.operations.promise(PUBLISH_CRL, None, f"{device_id} released", now)
        uow.log.append(_leaf("device.released", now, actor, subject=device_id, reason=""))
    return device


def hold_certificate(serial: CertificateSerial, actor: Actor, *, ports: Ports) -> CertificateRecord:
    """One certificate on hold; a device whose certificate it is goes on hold as a whole."""
    record = _record(serial, ports)
    if record.device_id is not None and record.state in (CertificateState.ACTIVE, CertificateState.PENDING):
        hold_device(record.device_id, f"certificate {serial}", actor, ports=ports)
        return _record(serial, ports)
    now = ports.clock()
    with ports.store.write() as uow:
        record = get_certificate(serial, uow)
        _refuse_our_own(record)
        held = _hold(record, now, uow)
        _follow_up(None, f"held {serial}", now, uow)
        uow.log.append(_leaf("certificate.held", now, actor, subject=serial, reason="certificateHold"))
    return held


def release_certificate(serial: CertificateSerial, actor: Actor, *, ports: Ports) -> CertificateRecord:
    """Back from hold."""
    record = _record(serial, ports)
    if record.device_id is not None and record.state is CertificateState.HELD:
        release_device(record.device_id, actor, ports=ports)
        return _record(serial, ports)
    now = ports.clock()
    with ports.store.write() as uow:
        if actor.is_automatic:
            raise Refused("Only a person releases a certificate that is on hold.", field="actor")
        released = _release(get_certificate(serial, uow), now, uow)
        _follow_up(None, f"released {serial}", now, uow)
        uow.log.append(_leaf("certificate.released", now, actor, subject=serial, reason=""))
    return released


def end_certificates(device: Device, reason: str, now: datetime, uow: UnitOfWork) -> None:
    """Revoke whatever is live of a device, inside the caller's transaction; the wire follows."""
    for record in live(device, uow):
        end(record, reason, now, uow)
    give_up_intentions(device, now, uow)
    _follow_up(device, f"revoked: {reason}", now, uow)


def _guarded(device_id: DeviceId | None, actor: Actor, uow: UnitOfWork) -> Device | None:
    device = uow.devices.get(device_id) if device_id else None
    if device is not None:
        _guard(device, actor)
    return device


def _guard(device: Device, actor: Actor) -> None:
    if actor.is_automatic and device.criticality.never_cut:
        raise PatientAtTheEnd(
            f"{device.device_id} is {device.criticality}: no automatic path cuts it off.",
            next_step="A person decides: medtrust device hold, medtrust cert revoke.",
            field="criticality",
        )


def _record(serial: CertificateSerial, ports: Ports) -> CertificateRecord:
    with ports.store.read() as uow:
        return get_certificate(serial, uow)


def _move(device: Device, event: DeviceEvent, uow: UnitOfWork) -> Device:
    after = move(device.state, event)
    uow.devices.set_state(device.device_id, after)
    return replace(device, state=after)


def _hold(record: CertificateRecord, now: datetime, uow: UnitOfWork) -> CertificateRecord:
    after = certificates.move(record.state, CertificateEvent.HOLD)
    held = replace(record, state=after, reason="certificateHold", revoked_at=now)
    uow.certificates.save(held)
    return held


def _release(record: CertificateRecord, now: datetime, uow: UnitOfWork) -> CertificateRecord:
    after = certificates.move(record.state, CertificateEvent.RELEASE)
    released = replace(record, state=after, reason="", revoked_at=None)
    uow.certificates.save(released)
    uow.revocations.release(released, now)
    return released


def _follow_up(device: Device | None, why: str, now: datetime, uow: UnitOfWork) -> None:
    # The list first: a client that is cut before the broker knows the list would come straight back.
    uow.operations.promise(PUBLISH_CRL, None, why, now)
    if device is not None:
        uow.operations.promise(CUT, device.device_id, why, now)


def _reason(text: str) -> str:
    """The standard's spelling of a reason, also from key-compromise or key_compromise."""
    wanted = text.replace("-", "").replace("_", "").lower()
    found = next((reason for reason in REASONS if reason.lower() == wanted), None)
    if found is None:
        raise BadInput(
            f"{text[:40]!r} is not a revocation reason.",
            next_step=f"One of: {', '.join(REASONS)}.",
            field="reason",
        )
    return found


def _refuse_our_own(record: CertificateRecord) -> None:
    if record.issuer == "root" or _is_ca(record):
        raise Refused(
            "A CA's own certificate is revoked by the root, or whoever certified it, in a ceremony.",
            next_step="Withdraw the CA: medtrust ca distrust NAME.",
            field="certificate_serial",
        )


def _is_ca(record: CertificateRecord) -> bool:
    constraints = Certificate.parse(record.der).extension(oids.BASIC_CONSTRAINTS) if record.der else None
    return constraints is not None and read_basic_constraints(constraints)[0]


def _leaf(kind: str, now: datetime, actor: Actor, *, subject: str, reason: str) -> Leaf:
    return Leaf(kind=kind, at=now, actor=str(actor), subject=subject, detail={"reason": reason})
