"""A device joins over TLS MQTT, hello to confirm, against the bare TLS and MQTT connects that it makes."""

from __future__ import annotations

import time

from bench.figures import Figure, Goal, Report
from bench.house import Doors, House, house, process
from bench.timing import percentile
from mqtt_bridge.client import MqttClient
from mqtt_bridge.client_settings import ClientSettings, TlsFiles

_DEVICES = 50


def measure() -> Report:
    """50 devices, one after the other, each after one bare connect."""
    with house() as home:
        waiting = [home.unenrolled(f"ENROLL{at}") for at in range(_DEVICES)]
        with process(home, "daemon") as doors:
            bootstrap = doors.addresses["bootstrap"]
            connects, enrolments = [_connect(home, doors, -1)], []
            for at, (device, token, device_id) in enumerate(waiting):
                connects.append(_connect(home, doors, at))
                began = time.perf_counter()
                device.enroll(bootstrap=(bootstrap.host, bootstrap.port), token=token, device_id=device_id)
                enrolments.append((time.perf_counter() - began) * 1000)
                device.close()
            broker = doors.broker
    return Report(_figures(enrolments, connects[1:]), _notes(broker))


def _connect(home: House, doors: Doors, at: int) -> float:
    address = doors.addresses["bootstrap"]
    settings = ClientSettings(
        host=address.host,
        port=address.port,
        client_id=f"{at + 1:032x}",
        username="bench",
        tls=TlsFiles(home.home.public / "root.pem"),
    )
    client = MqttClient(settings, log=lambda _text, _error: None)
    began = time.perf_counter()
    client.connect()
    took = (time.perf_counter() - began) * 1000
    client.disconnect()
    return took


def _figures(enrolments: list[float], connects: list[float]) -> list[Figure]:
    return [
        Figure(
            f"enrolment {name}",
            percentile(enrolments, share),
            "ms",
            f"one bare connect {name}",
            percentile(connects, share),
            goal=goal,
        )
        for name, share, goal in (("p50", 0.5, Goal(most=10)), ("p99", 0.99, None))
    ]


def _notes(broker: str) -> list[str]:
    return [
        f"broker: {broker}; {_DEVICES} devices, one at a time; in it the device's own work: two key pairs, "
        "CSR, proofs, files with fsync, and two TLS connects (bootstrap, then ops with its new certificate)",
    ]
