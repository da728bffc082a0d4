"""Where the running process is reached, and how a person is told."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mqtt_bridge.broker.interface import Address


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the running process is reached."""

    bootstrap: Address
    ops: Address
    status: Address
    broker: str
    """mosquitto or embedded."""


def ready_text(e: Endpoints, root: Path) -> str:
    """What a person is told once all doors are open."""
    return (
        f"medtrust is up (broker: {e.broker})\n"
        f"  devices join at   mqtts://{e.bootstrap.host}:{e.bootstrap.port}  (with --root {root})\n"
        f"  devices report at mqtts://{e.ops.host}:{e.ops.port}\n"
        f"  status is served  http://{e.status.host}:{e.status.port}\n"
        "Stop with Ctrl-C."
    )
