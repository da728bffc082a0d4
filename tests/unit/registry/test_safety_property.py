"""Rule 7 over the whole registry: no sequence of automatic acts cuts a device that a patient may hang on.

Devices of every criticality share one real store; nobody but an engineer before the first step ever decides.
"""

from __future__ import annotations

import contextlib
import random
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from registry.identity.catalogue import SEED
from registry.model.actor import device as device_actor
from registry.model.actor import job
from registry.model.certificate import CertificateRecord, CertificateState
from registry.model.criticality import Criticality
from registry.model.device import Device, DeviceState
from registry.model.errors import PatientAtTheEnd, RegistryError
from registry.publication import publish
from registry.reappraisal import sweep
from registry.registration import Approval, RegistrationRequest, approve, register, retire
from registry.renewal import renew
from registry.revocation import hold_device, revoke_certificate, revoke_device
from registry.upkeep import expire, reconcile_intentions, void_unconfirmed
from tests.unit.registry.faults import Crash, crash, interrupted
from tests.unit.registry.hospital import (
    DISPLAY,
    ENGINEER,
    MONITOR,
    PUMP,
    START,
    VENTILATOR,
    Hospital,
    device_key,
    open_hospital,
)
from tests.unit.registry.telemetry import altered, payload, send, vouch_for_firmware

ROBOT = job("anything")
STRANGE = "(01)04012345678901(21)X-1"
LABELS = (VENTILATOR, PUMP, STRANGE, MONITOR, DISPLAY)
_which = st.integers(0, len(LABELS) - 1)


class Ward(RuleBasedStateMachine):
    """Everything that happens by itself, in any order, at any time."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.hospital: Hospital = open_hospital(Path(self._folder.name))
        self.hospital.randomness = random.Random(7).randbytes  # the same steps give the same ward
        vouch_for_firmware(self.hospital)
        self.devices = [self._admitted(label) for label in LABELS]
        self.current = [self.hospital.confirm(self.hospital.enroll(device)) for device in self.devices]
        self.keys = [device_key() for _ in LABELS]
        self.numbers = [0] * len(LABELS)
        self.renewals = 0

    def teardown(self) -> None:
        self.hospital.store.close()
        self._folder.cleanup()

    def _admitted(self, label: str) -> Device:
        ports = self.hospital.ports
        device = register(RegistrationRequest(label), ENGINEER, ports=ports, catalogue=SEED).device
        unknown = device.criticality is Criticality.UNKNOWN
        return approve(
            Approval(device.device_id, Criticality.UNKNOWN if unknown else None), ENGINEER, ports=ports
        )

    def _next(self, which: int) -> int:
        self.numbers[which] += 1
        return self.numbers[which]

    @rule(which=_which, minutes=st.integers(0, 20))
    def good(self, which: int, minutes: int) -> None:
        self.hospital.wait(minutes=minutes)
        send(self.hospital, self.devices[which], payload(self.hospital, self._next(which)))

    @rule(which=_which)
    def altered_firmware(self, which: int) -> None:
        send(self.hospital, self.devices[which], altered(self.hospital, self._next(which)))

    @rule(
        which=_which,
        bad=st.sampled_from(
            [{"tamper": True}, {"dbg": True}, {"secure_boot": False}, {"fw": None}, {"listen_tcp": [23]}]
        ),
    )
    def other_evil(self, which: int, bad: dict[str, object]) -> None:
        send(self.hospital, self.devices[which], payload(self.hospital, self._next(which), **bad))

    @rule(which=_which)
    def clone(self, which: int) -> None:
        send(self.hospital, self.devices[which], payload(self.hospital, 0, boot=0))

    @rule(which=_which, sent=st.sampled_from([b"", b"\xff", b"{}", b'{"patient": "MRN-1234567"}']))
    def refused(self, which: int, sent: bytes) -> None:
        send(self.hospital, self.devices[which], sent)

    @rule()
    def sweeps(self) -> None:
        sweep(ROBOT, ports=self.hospital.ports)

    @rule()
    def upkeep(self) -> None:
        void_unconfirmed(ROBOT, ports=self.hospital.ports)
        expire(ROBOT, ports=self.hospital.ports)
        reconcile_intentions(ROBOT, ports=self.hospital.ports)

    @rule()
    def publishes(self) -> None:
        attempt(lambda: publish(self.hospital.signer, ROBOT, ports=self.hospital.ports))

    @rule(days=st.sampled_from([0] * 12 + [1, 200]), minutes=st.integers(-400, 400))
    def clock_jumps(self, days: int, minutes: int) -> None:
        self.hospital.now = max(START, self.hospital.now + timedelta(days=days, minutes=minutes))

    @rule(luck=st.integers(0, 5))
    def every_certificate_expires(self, luck: int) -> None:
        if luck == 5:  # seldom, for little happens to a ward without certificates
            self.hospital.wait(days=366)
            expire(ROBOT, ports=self.hospital.ports)

    @rule(which=_which, fate=st.sampled_from(["confirmed", "lost", "crash"]))
    def renews(self, which: int, fate: str) -> None:
        self.renewals += 1
        attempt(lambda: self._renew(which, fate))

    def _renew(self, which: int, fate: str) -> None:
        held = self.keys[which]
        key = device_key(1) if held is not device_key(1) else device_key(2)
        parts = interrupted(self.hospital, crash) if fate == "crash" else self.hospital.parts
        request = self.hospital.renewal(
            self.devices[which], self.current[which], f"n{self.renewals}", key=key, held=held
        )
        renewed = renew(request, ports=self.hospital.ports, parts=parts)
        if fate == "confirmed":
            self.current[which] = self.hospital.confirm(renewed, key=key)
            self.keys[which] = key

    @rule(which=_which, act=st.sampled_from(["hold", "revoke", "revoke_certificate", "retire"]))
    def a_job_tries(self, which: int, act: str) -> None:
        if not self.devices[which].criticality.never_cut:
            attempt(lambda: self._cut(act, which))
            return
        with pytest.raises(RegistryError) as refused:
            self._cut(act, which)
        assert isinstance(refused.value, PatientAtTheEnd) or act == "retire"

    def _cut(self, act: str, which: int) -> None:
        device_id, ports = self.devices[which].device_id, self.hospital.ports
        who = device_actor(device_id) if self.renewals % 2 else ROBOT
        if act == "hold":
            hold_device(device_id, "", who, ports=ports)
        elif act == "revoke":
            revoke_device(device_id, "unspecified", who, ports=ports)
        elif act == "retire":
            retire(device_id, who, ports=ports)
        else:
            revoke_certificate(self.current[which].certificate_serial, "unspecified", who, ports=ports)

    @invariant()
    def nobody_is_cut_off(self) -> None:
        with self.hospital.store.read() as uow:
            for admitted in self.devices:
                device = uow.devices.get(admitted.device_id)
                assert device is not None
                if device.criticality.never_cut:
                    assert device.state in (DeviceState.ACTIVE, DeviceState.CONTAINED)
                    certificates = uow.certificates.of_device(device.device_id)
                    assert [c for c in certificates if is_taken_back(c, certificates)] == []
                    assert [e for e in uow.operations.effects_of(device.device_id) if e.kind == "cut"] == []


def is_taken_back(record: CertificateRecord, all_of_device: list[CertificateRecord]) -> bool:
    """Whether the device may have lost it without having shown that it uses another."""
    if record.state is CertificateState.SUPERSEDED:
        return not any(c.confirmed_at == record.revoked_at for c in all_of_device if c is not record)
    return record.state in (CertificateState.HELD, CertificateState.REVOKED, CertificateState.VOID)


def attempt(act: Callable[[], object]) -> None:
    """What may be refused by itself: an expired certificate, a clock that went back, a held device."""
    with contextlib.suppress(RegistryError, Crash):
        act()


TestWard = Ward.TestCase
TestWard.settings = settings(
    max_examples=15,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    phases=(Phase.generate,),  # shrinking would go on for minutes, the steps are printed anyway
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
