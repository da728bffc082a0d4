"""A whole CA in a temporary folder, and its daemon in a process of its own; gone afterwards."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from mqtt_bridge.broker.interface import Address
from mqtt_bridge.device.device import Device
from registry.identity.catalogue import SEED
from registry.model.actor import operator
from registry.model.device import Device as DeviceRecord
from registry.ports import Ports
from registry.registration import Approval, RegistrationRequest, approve, register
from registry.tokens import create_token
from service.authority import Authority, unlock
from service.ceremony import init
from service.home import Home
from service.runtime import Runtime, open_runtime
from service.settings import read_settings

ACTOR = operator("bench")
_WALL_DISPLAY = "(01)09521000000032(21)"
"""A product of the seed catalogue that no patient hangs on."""


@dataclass(frozen=True, slots=True)
class House:
    """An initialised home, unlocked in this process."""

    runtime: Runtime
    authority: Authority
    passphrase: bytes
    folder: Path
    """For whatever a bench must write."""

    @property
    def ports(self) -> Ports:
        """The store, the clock and the entropy."""
        return self.runtime.ports

    @property
    def home(self) -> Home:
        """The CA's home folder."""
        return self.runtime.home

    def passphrase_file(self) -> Path:
        """The passphrase for a command that runs by itself."""
        path = self.folder / "passphrase"
        path.touch(0o600)
        path.write_bytes(self.passphrase + b"\n")
        return path

    def device(self, name: str) -> DeviceRecord:
        """A registered and approved device."""
        request = RegistrationRequest(_WALL_DISPLAY + name)
        found = register(request, ACTOR, ports=self.ports, catalogue=SEED).device
        return approve(Approval(found.device_id), ACTOR, ports=self.ports)

    def enroll(self, name: str, bootstrap: Address) -> Device:
        """A device with a live session; the caller closes it."""
        device, token, device_id = self.unenrolled(name)
        device.enroll(bootstrap=(bootstrap.host, bootstrap.port), token=token, device_id=device_id)
        return device

    def unenrolled(self, name: str) -> tuple[Device, str, str]:
        """(a device that has nothing yet, its join token, its id)."""
        record = self.device(name)
        token, _ = create_token(record.device_id, ACTOR, ports=self.ports)
        root = (self.home.public / "root.pem").read_bytes()
        return Device(self.folder / name, root), token, record.device_id


@contextmanager
def house() -> Iterator[House]:
    """A new CA on embedded defaults, every port a free one."""
    os.umask(0o077)
    with tempfile.TemporaryDirectory(prefix="medtrust-bench-") as folder:
        home = Home(Path(folder) / "home")
        home.root.mkdir()
        home.settings_file.write_text(_settings())
        passphrase = secrets.token_hex(16).encode()
        init(home, read_settings(home), passphrase, actor=ACTOR, tell=lambda _: None)
        with open_runtime(home) as runtime:
            yield House(runtime, unlock(home, runtime.settings, passphrase), passphrase, Path(folder))


def _settings() -> str:
    bootstrap, ops = free_ports(2)
    return f'[mqtt]\nbootstrap_port = {bootstrap}\nops_port = {ops}\n[status]\nlisten = "127.0.0.1:0"\n'


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on now."""
    with ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


@dataclass(frozen=True, slots=True)
class Doors:
    """A process of ours and where it is reached."""

    pid: int
    addresses: dict[str, Address]
    broker: str


@contextmanager
def process(house: House, what: str) -> Iterator[Doors]:
    """`bench.process WHAT` on the home until the block ends; its log goes to a file beside the home."""
    command = [sys.executable, "-m", "bench.process", what, str(house.home.root)]
    with (
        (house.folder / f"{what}.log").open("wb") as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(house.passphrase + b"\n")
            child.stdin.flush()
            said = child.stdout.readline()
            if not said:
                raise RuntimeError((house.folder / f"{what}.log").read_text()[-2000:])
            told = json.loads(said)
            addresses = {name: Address("127.0.0.1", port) for name, port in told["ports"].items()}
            yield Doors(child.pid, addresses, told["broker"])
        finally:
            # The end of its input ends it; terminate() is for one that does not listen.
            child.stdin.close()
            try:
                child.wait(10.0)
            except subprocess.TimeoutExpired:
                child.terminate()
