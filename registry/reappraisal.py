"""Telemetry in, trust out: admit, appraise, remember, act - one transaction for a batch.

Not handled here: transport and acknowledgement (mqtt_bridge); the judging itself (registry.trust, pure).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from audit.leaf import DetailValue, Leaf
from registry.acting import act
from registry.lookup import get_device
from registry.model.actor import Actor
from registry.model.appraisal import Appraisal, Tier, TrustState
from registry.model.appraisal_json import (
    appraisal_from_dict,
    appraisal_to_dict,
    state_from_dict,
    state_to_dict,
)
from registry.model.certificate import CertificateRecord, CertificateState
from registry.model.device import Device, DeviceId, DeviceState
from registry.model.errors import NotFound
from registry.ports import Ports
from registry.store.trust import TrustRecord
from registry.store.unit_of_work import UnitOfWork
from registry.trust.actions import plan
from registry.trust.appraisal import appraise
from registry.trust.claims import Claims, admit, evidence_id
from registry.trust.evidence import CertificateStatus, Evidence
from registry.trust.explain import Explanation, explain
from registry.trust.phi_guard import ClaimsRefused
from registry.trust.policy import DEFAULT_POLICY, Policy, ReferenceValues

_STATUS: dict[CertificateState, CertificateStatus] = {
    CertificateState.ACTIVE: "active",
    CertificateState.HELD: "held",
    CertificateState.PENDING: "pending",
    CertificateState.REVOKED: "revoked",
    CertificateState.EXPIRED: "expired",
}
_OVER = (DeviceState.REVOKED, DeviceState.RETIRED)


@dataclass(frozen=True, slots=True)
class Observation:
    """One telemetry message as it arrived."""

    device_id: DeviceId
    """From the topic, which the broker tied to the certificate."""
    payload: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an observation: a tier, or a refusal that names the field and never the content."""

    device_id: DeviceId
    tier: Tier | None
    changed: bool = False
    actions: tuple[str, ...] = ()
    refused: ClaimsRefused | None = None


def observe(
    observations: Sequence[Observation], actor: Actor, *, ports: Ports, policy: Policy = DEFAULT_POLICY
) -> list[Outcome]:
    """Judges each message; what the guard stops is counted against its device and kept nowhere."""
    now = ports.clock()
    admitted = [(o, *_admit(o.payload)) for o in observations]
    outcomes = []
    with ports.store.write() as uow:
        for observation, claims, refused in admitted:
            device = uow.devices.get(observation.device_id)
            if refused is not None or device is None or claims is None:
                outcomes.append(Outcome(observation.device_id, None, refused=refused))
                if refused is not None and device is not None:
                    _quarantine(device, refused, now, uow)
                continue
            outcomes.append(
                _judge(
                    device,
                    claims,
                    evidence_id(observation.payload),
                    actor=actor,
                    now=now,
                    policy=policy,
                    uow=uow,
                )
            )
    return outcomes


def sweep(actor: Actor, *, ports: Ports, policy: Policy = DEFAULT_POLICY) -> int:
    """Judges every known device anew without new evidence: silence ages, deadlines pass. How many changed."""
    now = ports.clock()
    changed = 0
    with ports.store.write() as uow:
        for record in uow.trust.all():
            device = uow.devices.get(record.device_id)
            if device is not None:
                changed += _judge(device, None, "", actor=actor, now=now, policy=policy, uow=uow).changed
    return changed


@dataclass(frozen=True, slots=True)
class TrustView:
    """A device's trust as a reader must take it now."""

    device: Device
    appraisal: Appraisal
    state: TrustState
    tier: Tier
    explanation: Explanation
    messages: int


def view(device_id: DeviceId, *, ports: Ports) -> TrustView:
    """The latest appraisal, read at the present time; NotFound where nothing was ever heard."""
    now = ports.clock()
    with ports.store.read() as uow:
        device = get_device(device_id, uow)
        record = uow.trust.get(device_id)
    if record is None:
        raise NotFound(
            f"Nothing was ever heard from {device_id}.",
            next_step="It must enrol and send telemetry first: medtrust device show.",
            field="device_id",
        )
    appraisal, state = appraisal_from_dict(record.appraisal), state_from_dict(record.state)
    actions = plan(appraisal, appraisal.tier, device.criticality)
    told = explain(appraisal, state, device.criticality, actions)
    return TrustView(device, appraisal, state, appraisal.tier_at(now), told, record.messages)


def _admit(payload: bytes) -> tuple[Claims | None, ClaimsRefused | None]:
    try:
        return admit(payload), None
    except ClaimsRefused as refused:
        return None, refused


def _judge(
    device: Device,
    claims: Claims | None,
    evidence: str,
    *,
    actor: Actor,
    now: datetime,
    policy: Policy,
    uow: UnitOfWork,
) -> Outcome:
    record = uow.trust.get(device.device_id)
    state = state_from_dict(record.state) if record else TrustState()
    appraisal, after = appraise(_evidence(device, claims, evidence, now=now, uow=uow), state, policy, now)
    changed = record is None or after.tier is not state.tier
    uow.trust.put(
        TrustRecord(
            device.device_id,
            after.tier.value,
            state_to_dict(after),
            appraisal_to_dict(appraisal),
            claims.as_dict() if claims else (record.claims if record else {}),
            (record.messages if record else 0) + (claims is not None),
            now,
        )
    )
    if changed:
        detail: dict[str, DetailValue] = {
            "tier": after.tier.value,
            "before": state.tier.value,
            "policy": policy.version,
            "findings": [f.rule for f in appraisal.findings if f.refuses],
        }
        uow.log.append(
            Leaf(kind="trust.judged", at=now, actor=str(actor), subject=device.device_id, detail=detail)
        )
    if changed and after.tier is Tier.TRUSTED:
        uow.alarms.clear_device(device.device_id, now)
    actions = plan(appraisal, state.tier, device.criticality)
    done = act(actions, device, actor, tier_changed=changed, now=now, uow=uow)
    return Outcome(device.device_id, after.tier, changed, done)


def _evidence(
    device: Device, claims: Claims | None, evidence: str, *, now: datetime, uow: UnitOfWork
) -> Evidence:
    held = uow.certificates.of_device(device.device_id)
    certificate = _current(device, held)
    live = [c for c in held if c.state in (CertificateState.ACTIVE, CertificateState.PENDING)]
    listed = uow.trust.references(device.udi_di)
    return Evidence(
        claims=claims,
        evidence_id=evidence,
        received_at=now,
        certificate_status=_STATUS.get(certificate.state, "none") if certificate else "none",
        certificate_not_after=certificate.not_after if certificate else None,
        reference=ReferenceValues(frozenset(listed)) if listed else None,
        criticality=device.criticality,
        identity_conflict=bool(device.conflicts),
        # During a renewal either certificate may be in use: what the device names is not judged then.
        certificate_fingerprint=live[0].fingerprint if len(live) == 1 else None,
    )


def _current(device: Device, records: Sequence[CertificateRecord]) -> CertificateRecord | None:
    # A revoked certificate speaks of a device only while the device is: it may have joined anew.
    order = [s for s in _STATUS if s is not CertificateState.REVOKED or device.state in _OVER]
    known = [record for record in records if record.state in order]
    return min(known, key=lambda record: order.index(record.state), default=None)


def _quarantine(device: Device, refused: ClaimsRefused, now: datetime, uow: UnitOfWork) -> None:
    uow.alarms.raise_once(
        device_id=device.device_id,
        rule="telemetry.refused",
        severity="warning",
        message=f"Telemetry was refused: {refused.problem} (field {refused.field}).",
        at=now,
    )
