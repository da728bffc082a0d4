"""The registry as `medtrust up` in a process of its own, which a test may kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from mqtt_bridge.broker.interface import Address
from service import control
from service.endpoints import Endpoints
from service.home import Home
from tests.integration.wire.hospital_running import PASSPHRASE, RunningHospital, eventually


def command(home: Home, *words: str) -> list[str]:
    """A `medtrust` command line on a home."""
    return [sys.executable, "-m", "cli.main", "--home", str(home.root), *words]


def up(home: Home) -> list[str]:
    """`medtrust up` with its passphrase."""
    secret = home.root / "passphrase"
    if not secret.exists():
        secret.write_bytes(PASSPHRASE)
        secret.chmod(0o600)
    return command(home, "up", "--passphrase-file", str(secret))


def brokers_of(home: Home) -> list[int]:
    """Every mosquitto on this machine that runs from this home."""
    found: list[int] = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                words = (entry / "cmdline").read_bytes().split(b"\0")
                if b"mosquitto" in words[0] and str(home.root).encode() in b" ".join(words):
                    found.append(int(entry.name))
    return found


class HospitalApart(RunningHospital):
    """The same hands, another process's doors."""

    process: subprocess.Popen[bytes]

    def start(self) -> None:
        """Starts it and waits until it says that it is ready."""
        with (self.home.root / "up.log").open("ab") as log:
            self.process = subprocess.Popen(up(self.home), stdout=log, stderr=log)
        assert eventually(self._is_decided, within=30)
        assert self.process.poll() is None, (self.home.root / "up.log").read_text()[-2000:]

    def _is_decided(self) -> bool:
        return self.process.poll() is not None or self._is_ready()

    def _is_ready(self) -> bool:
        said = control.status(self.home) or {}
        if not said.get("ready") or said["pid"] != self.process.pid:
            return False
        bootstrap, ops, status = (
            _address(str(said[name]).removeprefix("http://")) for name in ("bootstrap", "ops", "status")
        )
        self.at = Endpoints(bootstrap, ops, status, str(said["broker"]))
        return True

    def kill(self) -> None:
        """Kill -9, and the brokers follow by themselves."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        """An orderly end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return Address(host, int(port))


def is_alive(pid: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
