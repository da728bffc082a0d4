"""mosquitto as our child: two processes, one for devices, one for strangers who want to enrol.

A revoked device is refused by the CRL at the next handshake; `cut` ends the session that it still has.
"""

from __future__ import annotations

import shutil
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from mqtt_bridge.broker import access
from mqtt_bridge.broker.config import BrokerPlan, Secrets, mosquitto_files
from mqtt_bridge.broker.interface import CutResult, Endpoints
from mqtt_bridge.broker.run_directory import (
    RunDirectory,
    check_crl,
    claim_ports,
    service_account,
    sources,
)
from mqtt_bridge.broker.supervised import SupervisedChild
from mqtt_bridge.client import MqttClient
from mqtt_bridge.client_settings import ClientSettings
from mqtt_bridge.errors import BrokerMissing, BrokerUnreachable, PortTaken
from mqtt_bridge.topics import check

_READY_WITHIN = 10.0
_RELOAD_WITHIN = 10.0
_ALSO_LOOK_IN = "/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"


def find_mosquitto() -> Path | None:
    """The binary, on PATH or where distributions put it."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path=_ALSO_LOOK_IN)
    return Path(found) if found else None


def require_mosquitto() -> Path:
    """The binary. Raises BrokerMissing with the two ways out."""
    found = find_mosquitto()
    if found is None:
        raise BrokerMissing(
            "There is no mosquitto here.",
            next_step='Run "apt-get install mosquitto", or set broker = "embedded".',
            field="broker",
        )
    return found


class MosquittoBroker:
    """Both processes, supervised. `tell` hears their logs, exits and restarts, line by line."""

    kind = "mosquitto"

    def __init__(
        self, plan: BrokerPlan, *, entropy: Callable[[int], bytes], tell: Callable[[str], None]
    ) -> None:
        self._plan = plan
        self._tell = tell
        self._binary = require_mosquitto()
        self._secrets = Secrets(
            control_password=entropy(32).hex(),
            relay_password=entropy(32).hex(),
            control_salt=entropy(12),
            relay_salt=entropy(12),
            relay_client_id=f"mtr.relay.{entropy(16).hex()}",
        )
        self._account = service_account(plan.directory)
        self._ops = self._child("ops")
        self._bootstrap = self._child("bootstrap")
        self._directory: RunDirectory | None = None
        self._reloading = threading.Lock()
        self._started = False

    @property
    def endpoints(self) -> Endpoints:
        """Where it listens, and the control password of this start."""
        plan = self._plan
        return Endpoints(
            plan.bootstrap, plan.ops, plan.control, access.CONTROL_USER, self._secrets.control_password
        )

    @property
    def pids(self) -> tuple[int | None, int | None]:
        """The processes of ops and bootstrap; None for one between two lives."""
        return self._ops.pid, self._bootstrap.pid

    def start(self) -> None:
        """Writes the files, starts both and waits for every listener and the relay."""
        if self._started:
            return
        pems = sources(self._plan)
        claim_ports(self._plan)
        directory = self._directory = RunDirectory(self._plan.directory, self._account)
        run_as = "root" if self._account is None else self._account.name
        for name, text in mosquitto_files(self._plan, self._secrets, run_as=run_as).items():
            directory.write(name, text.encode())
        for name, pem in pems.items():
            directory.write(name, pem)
        self._started = True
        try:
            self._begin(self._ops)
            since = self._ops.lines_seen
            self._begin(self._bootstrap)
            if not self._ops.wait_for_line(self._secrets.relay_client_id, since, _READY_WITHIN):
                raise self._not_started(self._bootstrap)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends both; strangers first."""
        self._bootstrap.stop()
        self._ops.stop()
        self._started = False

    def reload(self) -> None:
        """Makes the device broker read its CRL and certificate again; returns when it has."""
        with self._reloading:
            since = self._ops.lines_seen
            if not self._ops.signal(signal.SIGHUP):
                raise BrokerUnreachable("mosquitto is not running; it reads the new CRL when it starts.")
            self._wake()
            if not self._ops.wait_for_line("Reloading config", since, _RELOAD_WITHIN):
                raise BrokerUnreachable(f"mosquitto did not reload within {_RELOAD_WITHIN:g} s.")
            # It has one thread: whoever is answered now is answered after the reload.
            self._control_client("mtr.reload").connect_and_leave()

    def publish_crl(self, pem: bytes) -> None:
        """Replaces the CRL file and reloads. With the broker down, the file waits for its restart."""
        check_crl(pem)
        if self._directory is None:
            raise BrokerUnreachable("The broker has not been started.", field="broker")
        self._directory.write("crl.pem", pem)
        self.reload()

    def cut(self, device_id: str) -> CutResult:
        """Takes over the client id on the control listener and leaves: the old session ends with it."""
        check("device", device_id)
        began = time.monotonic()
        self._control_client(device_id).connect_and_leave()
        return CutResult(device_id, (time.monotonic() - began) * 1000, "client id taken over")

    def _wake(self) -> None:
        """mosquitto blocks signals while it waits for packets, up to 100 ms: give it one."""
        where = (self._plan.control.host, self._plan.control.port)
        with suppress(OSError):
            socket.create_connection(where, timeout=1.0).close()

    def _child(self, name: str) -> SupervisedChild:
        return SupervisedChild(
            f"mosquitto {name}",
            [str(self._binary), "-c", str(self._plan.files[f"{name}.conf"])],
            tell=self._tell,
            account=self._account,
            noise=("Saving in-memory database",),
        )

    def _control_client(self, client_id: str) -> _Visitor:
        ends = self.endpoints
        return _Visitor(
            ClientSettings(
                host=ends.control.host,
                port=ends.control.port,
                client_id=client_id,
                username=ends.control_username,
                password=ends.control_password,
            ),
            self._tell,
        )

    def _begin(self, child: SupervisedChild) -> None:
        """Its word, not a connection, says that it is ready: then every listener is open."""
        since = child.lines_seen
        child.start()
        if not child.wait_for_line(" running", since, _READY_WITHIN):
            raise self._not_started(child)

    def _not_started(self, child: SupervisedChild) -> BrokerUnreachable | PortTaken:
        said = "; ".join(child.recent_lines(3)) or "nothing"
        if "in use" in said:
            return PortTaken(f"{child.name} found a port taken: {said}.", field="port")
        return BrokerUnreachable(f"{child.name} did not start; it said: {said}.", field="broker")


class _Visitor:
    """A control connection that is made once and ended at once."""

    def __init__(self, settings: ClientSettings, tell: Callable[[str], None]) -> None:
        self._client = MqttClient(settings, log=lambda text, _error: tell(text))

    def connect_and_leave(self) -> None:
        self._client.connect(timeout=_RELOAD_WITHIN)
        self._client.disconnect()
