"""Doing what the action table says, inside the appraisal's transaction: who may be cut is decided here.

Rule 7 holds twice: the table has no automatic cut for such devices, and `hold_within` refuses one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from audit.leaf import DetailValue, Leaf
from registry.model.actor import Actor
from registry.model.device import DEVICE_LIFECYCLE, Device, DeviceEvent, DeviceState
from registry.revocation import hold_within
from registry.store.unit_of_work import UnitOfWork
from registry.trust.actions import ActionKind, PlannedAction, within_fleet_limit

NOTICE: Final = "notice"
_HOUR: Final = timedelta(hours=1)
_NARROWING: Final = (ActionKind.CONTAIN, ActionKind.RESTRICT)
_TOLD: Final = {
    ActionKind.RAISE_TELEMETRY_RATE: "telemetry.raise_rate",
    ActionKind.DEMAND_EVIDENCE: "evidence.demanded",
    ActionKind.NARROW_COMMANDS: "commands.narrowed",
    ActionKind.LIFT: "restrictions.lifted",
}


def act(
    actions: Iterable[PlannedAction],
    device: Device,
    actor: Actor,
    *,
    tier_changed: bool,
    now: datetime,
    uow: UnitOfWork,
) -> tuple[str, ...]:
    """Carries out what is automatic; the names of what was done. What needs people becomes an alarm."""
    done: list[str] = []
    for action in actions:
        if not action.automatic:
            _ask_people(action, device, now, uow)
        elif _carry_out(action, device, actor, tier_changed=tier_changed, now=now, uow=uow):
            done.append(action.kind.value)
            device = uow.devices.get(device.device_id) or device
    if done and tier_changed:
        detail: dict[str, DetailValue] = {"actions": done, "criticality": device.criticality.value}
        uow.log.append(
            Leaf(kind="trust.acted", at=now, actor=str(actor), subject=device.device_id, detail=detail)
        )
    return tuple(done)


def _carry_out(
    action: PlannedAction, device: Device, actor: Actor, *, tier_changed: bool, now: datetime, uow: UnitOfWork
) -> bool:
    kind = action.kind
    if kind is ActionKind.ALERT:
        return _alarm(action, device, "error", now=now, uow=uow)
    if kind is ActionKind.HOLD:
        return _hold(action, device, actor, now=now, uow=uow)
    if kind is ActionKind.DISCONNECT:
        # The hold promised the cut already; a device that is not held has no session of ours to end.
        return device.state is DeviceState.HELD
    if kind in _NARROWING:
        return _move(device, DeviceEvent.CONTAIN, uow)
    if kind is ActionKind.LIFT:
        _move(device, DeviceEvent.RELEASE, uow)
    if kind in _TOLD and tier_changed:
        uow.operations.promise(NOTICE, device.device_id, _TOLD[kind], now)
        return True
    return False


def _hold(action: PlannedAction, device: Device, actor: Actor, *, now: datetime, uow: UnitOfWork) -> bool:
    if (device.state, DeviceEvent.HOLD) not in DEVICE_LIFECYCLE:
        return False
    cut = uow.operations.automatic_holds_since(now - _HOUR)
    if not within_fleet_limit(cut, uow.devices.count()):
        uow.alarms.raise_once(
            device_id=None,
            rule="actions.fleet_limit_reached",
            severity="fatal",
            message=f"{cut} devices were held automatically within an hour; a person must look before more.",
            at=now,
        )
        return False
    hold_within(device, f"automatic: {action.rule}", actor, now=now, uow=uow)
    return True


def _move(device: Device, event: DeviceEvent, uow: UnitOfWork) -> bool:
    if event is DeviceEvent.RELEASE and device.state is not DeviceState.CONTAINED:
        return False
    after = DEVICE_LIFECYCLE.get((device.state, event))
    if after is None:
        return False
    uow.devices.set_state(device.device_id, after)
    return True


def _alarm(action: PlannedAction, device: Device, severity: str, *, now: datetime, uow: UnitOfWork) -> bool:
    rule, message = f"trust.{action.rule}", action.reason
    return uow.alarms.raise_once(
        device_id=device.device_id, rule=rule, severity=severity, message=message, at=now
    )


def _ask_people(action: PlannedAction, device: Device, now: datetime, uow: UnitOfWork) -> None:
    people = "one person" if action.needs == 1 else f"{action.needs} people"
    clinical = ", one of them clinical," if action.clinical_sign_off else ""
    uow.alarms.raise_once(
        device_id=device.device_id,
        rule=f"decision.{action.kind}",
        severity="warning",
        message=f"{people}{clinical} must decide on {action.kind}: {action.reason}",
        at=now,
    )
