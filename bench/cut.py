"""From a revocation's commit until the device sees its session end, against a bare client-id takeover."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.figures import Figure, Goal, Report
from bench.house import ACTOR, Doors, House, free_ports, house, process
from bench.timing import percentile
from mqtt_bridge.broker.mosquitto import find_mosquitto
from mqtt_bridge.client import MqttClient
from mqtt_bridge.client_settings import ClientSettings
from mqtt_bridge.errors import BridgeError
from registry.model.device import DeviceId
from registry.revocation import revoke_device
from service.control import wake

_TRIES = 20
_PATIENCE = 10.0


@dataclass(frozen=True, slots=True)
class Cut:
    """One try, ms."""

    from_commit: float
    from_command: float
    reconnected: bool


def measure() -> Report:
    """20 devices, each with a live session, revoked one after the other, a bare takeover between them."""
    with house() as home, process(home, "daemon") as doors, _bare_broker(home.folder) as port:
        pairs = [(_cut(home, doors, at), _takeover(port, f"bare-{at}")) for at in range(_TRIES)]
    cuts, bare = [cut for cut, _ in pairs], [takeover for _, takeover in pairs if takeover is not None]
    return Report(_figures(cuts, bare), [f"broker: {doors.broker}; {_TRIES} tries; the limit is plain TCP"])


def _cut(home: House, doors: Doors, at: int) -> Cut:
    device = home.enroll(f"CUT{at}", doors.addresses["bootstrap"])
    device.publish_telemetry()
    device_id = DeviceId(device.certificate().device_id)
    began = time.monotonic()
    revoke_device(device_id, "keyCompromise", ACTOR, ports=home.ports)
    committed = time.monotonic()
    wake(home.home)
    lost = device.on_disconnected
    if not lost.wait(_PATIENCE) or lost.at is None:
        raise RuntimeError(f"The session of try {at} was not cut within {_PATIENCE:g} s.")
    reconnected = False
    with suppress(BridgeError):
        device.connect()
        reconnected = True
    device.close()
    return Cut((lost.at - committed) * 1000, (lost.at - began) * 1000, reconnected)


@contextmanager
def _bare_broker(folder: Path) -> Iterator[int | None]:
    """A mosquitto with nothing configured but a port; None where there is none."""
    binary, (port,) = find_mosquitto(), free_ports(1)
    if binary is None:
        yield None
        return
    settings = folder / "bare.conf"
    settings.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nuser root\n")
    with subprocess.Popen(
        [binary, "-c", settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as broker:
        try:
            yield port
        finally:
            broker.terminate()


def _takeover(port: int | None, client_id: str) -> float | None:
    if port is None:
        return None
    ended, at = threading.Event(), [0.0]

    def lost(_reason: str) -> None:
        at[0] = time.monotonic()
        ended.set()
        first.disconnect()

    settings = ClientSettings(host="127.0.0.1", port=port, client_id=client_id)
    first = MqttClient(settings, log=lambda _text, _error: None, on_lost=lost)
    second = MqttClient(settings, log=lambda _text, _error: None)
    first.connect()
    began = time.monotonic()
    second.connect()
    ended.wait(_PATIENCE)
    second.disconnect()
    return (at[0] - began) * 1000


def _figures(cuts: list[Cut], bare: list[float]) -> list[Figure]:
    figures = []
    for name, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
        took = percentile([cut.from_commit for cut in cuts], share)
        limit = percentile(bare, share) if bare else None
        figures.append(
            Figure(
                f"commit -> session cut {name}",
                took,
                "ms",
                f"bare takeover {name}",
                limit,
                goal=Goal(most=100),
            )
        )
    command = percentile([cut.from_command for cut in cuts], 0.5)
    back = sum(cut.reconnected for cut in cuts)
    return [
        *figures,
        Figure("revoke called -> session cut p50", command, "ms"),
        Figure("came back with the revoked certificate", back, "times", goal=Goal(most=0)),
    ]
