"""Telemetry of a device as it is sent, for the use cases."""

from __future__ import annotations

import json

from registry.model.actor import job
from registry.model.device import Device
from registry.reappraisal import Observation, Outcome, observe
from registry.references import Reference, add_reference
from tests.unit.registry.hospital import DISPLAY, ENGINEER, MONITOR, PUMP, VENTILATOR, Hospital

APPRAISER = job("appraiser")
GOOD, ALTERED = "a" * 64, "b" * 64


def vouch_for_firmware(hospital: Hospital) -> None:
    """One listed release for each product."""
    for label in (PUMP, VENTILATOR, DISPLAY, MONITOR):
        known = Reference(udi_di=label[4:18], sha256=GOOD, name="fw", version="1.0")
        add_reference(known, ENGINEER, ports=hospital.ports)


def payload(hospital: Hospital, seq: int, **changes: object) -> bytes:
    """A good message, or what the changes make of it; None leaves a field out."""
    message: dict[str, object] = {
        "v": 1,
        "ts": hospital.now.isoformat(),
        "boot": 1,
        "seq": seq,
        "fw": {"name": "fw", "ver": "1.0", "sha256": GOOD},
        "secure_boot": True,
        "dbg": False,
        "tamper": False,
    }
    merged = message | changes
    return json.dumps({name: value for name, value in merged.items() if value is not None}).encode()


def altered(hospital: Hospital, seq: int) -> bytes:
    """A listed release with another image."""
    return payload(hospital, seq, fw={"name": "fw", "ver": "1.0", "sha256": ALTERED})


def send(hospital: Hospital, device: Device, sent: bytes) -> Outcome:
    """One message through the whole use case."""
    return observe([Observation(device.device_id, sent)], APPRAISER, ports=hospital.ports)[0]


def behave(hospital: Hospital, device: Device, samples: int, *, seq: int) -> Outcome:
    """Good messages, a minute apart; the last outcome."""
    for place in range(samples):
        hospital.wait(minutes=1)
        outcome = send(hospital, device, payload(hospital, seq + place))
    return outcome
