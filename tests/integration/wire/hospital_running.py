"""A whole registry running in this process: real store, real broker, real TLS, the clock ours to turn."""

from __future__ import annotations

import dataclasses
import io
import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from mqtt_bridge.device.device import Device
from registry import audit_trail, reappraisal
from registry.identity.catalogue import SEED
from registry.model.actor import operator
from registry.model.appraisal import Tier
from registry.model.device import DeviceId
from registry.model.errors import NotFound
from registry.ports import Ports
from registry.references import Reference, add_reference
from registry.registration import Approval, RegistrationRequest, approve, register
from registry.tokens import create_token
from service import clock, logs
from service.authority import log_origin, unlock
from service.ceremony import init
from service.daemon import Daemon
from service.endpoints import Endpoints
from service.home import Home
from service.runtime import Runtime, open_runtime
from service.settings import read_settings
from tests.integration.broker.conftest import free_port

Kind = Literal["mosquitto", "embedded"]
ENGINEER = operator("engineer")
PASSPHRASE = b"correct horse battery staple"
PUMP, VENTILATOR, DISPLAY = "09521000000018", "09521000000025", "09521000000032"
FIRMWARE = "ab" * 32
SERIAL_NUMBER = "SNCANARY"
"""Begins every device serial number: none may appear in a log or an audit leaf."""


class Clock:
    """The wall clock, moved by what a test says."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return clock.now() + self.ahead

    @contextmanager
    def turned(self, **how_far: float) -> Iterator[None]:
        self.ahead = timedelta(**how_far)
        try:
            yield
        finally:
            self.ahead = timedelta()


def make_home(room: Path, kind: Kind) -> Home:
    """An initialised home with ports of its own."""
    home = Home(room / "home")
    home.root.mkdir(mode=0o700, parents=True)
    settings = (
        f'[mqtt]\nbroker = "{kind}"\nbootstrap_port = {free_port()}\nops_port = {free_port()}\n'
        f'[status]\nlisten = "127.0.0.1:{free_port()}"\n[ca]\norganization = "General Hospital"\n'
    )
    home.settings_file.write_text(settings)
    init(home, read_settings(home), PASSPHRASE, actor=ENGINEER, tell=lambda _step: None)
    return home


def eventually(holds: Callable[[], bool], within: float = 5.0) -> bool:
    """Whether it came to hold in time; a generous bound, for a busy machine."""
    deadline = time.monotonic() + within
    while not (done := holds()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return done


class RunningHospital:
    """A started daemon, and an engineer's hands."""

    def __init__(self, home: Home, room: Path, stack: ExitStack) -> None:
        self.home, self._room, self._stack = home, room, stack
        self.log = io.StringIO()
        self.clock = Clock()
        self._made = 0
        opened = stack.enter_context(open_runtime(home))
        ports = Ports(opened.ports.store, self.clock, opened.ports.entropy)
        self.runtime: Runtime = dataclasses.replace(opened, ports=ports)
        self._authority = unlock(home, opened.settings, PASSPHRASE)
        self.daemon: Daemon
        self.at: Endpoints
        self.start()

    def start(self) -> None:
        """Doors open."""
        logs.configure("debug", self.log)
        self.daemon = Daemon(self.runtime, self._authority, log=logs.get("medtrust"))
        self.at = self.daemon.start()

    def stop(self) -> None:
        """Doors closed."""
        self.daemon.stop()

    @property
    def ports(self) -> Ports:
        """Of the use cases."""
        return self.runtime.ports

    @property
    def bootstrap(self) -> tuple[str, int]:
        """Where devices join."""
        return self.at.bootstrap.host, self.at.bootstrap.port

    @property
    def root_pem(self) -> bytes:
        """What devices pin."""
        return (self.home.public / "root.pem").read_bytes()

    def register(self, di: str = DISPLAY) -> DeviceId:
        """A device as it comes out of its box."""
        self._made += 1
        label = f"(01){di}(21){SERIAL_NUMBER}{self._made}"
        request = RegistrationRequest(label)
        return register(request, ENGINEER, ports=self.ports, catalogue=SEED).device.device_id

    def admit(self, di: str = DISPLAY) -> DeviceId:
        """Registered and approved."""
        device_id = self.register(di)
        approve(Approval(device_id), ENGINEER, ports=self.ports)
        return device_id

    def token(self, device_id: DeviceId) -> str:
        """A fresh join token."""
        return create_token(device_id, ENGINEER, ports=self.ports)[0]

    def know_firmware(self, di: str = DISPLAY) -> None:
        """The release that the reference device pretends, listed."""
        reference = Reference(udi_di=di, sha256=FIRMWARE, name="reference-device", version="1.0.0")
        add_reference(reference, ENGINEER, ports=self.ports)

    def device(self, device_id: DeviceId, **how: float) -> Device:
        """A reference device with an empty state directory; closed at the end."""
        device = Device(self._room / f"state-{device_id}", self.root_pem, **how)  # type: ignore[arg-type]
        self._stack.callback(device.close)
        return device

    def enrolled(self, di: str = DISPLAY, **how: float) -> tuple[DeviceId, Device]:
        """A device with an active certificate and a live session."""
        device_id = self.admit(di)
        device = self.device(device_id, **how)
        device.enroll(bootstrap=self.bootstrap, token=self.token(device_id), device_id=device_id)
        return device_id, device

    def tier(self, device_id: DeviceId) -> Tier | None:
        """How far it is trusted now; None before its first word."""
        try:
            return reappraisal.view(device_id, ports=self.ports).tier
        except NotFound:
            return None

    def log_lines(self) -> list[dict[str, object]]:
        """Every event so far; fails where a line is not JSON."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    def events(self, name: str) -> list[dict[str, object]]:
        """Every event of that name so far."""
        return [line for line in self.log_lines() if line["event"] == name]

    def log_problems(self) -> tuple[object, ...]:
        """What a full verification of the audit log finds wrong."""
        origin = log_origin(self._authority.root)
        audit_trail.sign(self._authority.log_signers, origin, ports=self.ports)
        keys = [signer.key for signer in self._authority.log_signers]
        return audit_trail.verify(keys, origin, ports=self.ports).problems

    def owed(self) -> int:
        """Effects that have not reached the wire."""
        with self.ports.store.read() as uow:
            return len(uow.operations.owed())


@contextmanager
def running_hospital(room: Path, kind: Kind) -> Iterator[RunningHospital]:
    """One from init to stop."""
    with ExitStack() as stack:
        hospital = RunningHospital(make_home(room, kind), room, stack)
        stack.callback(hospital.stop)
        yield hospital
