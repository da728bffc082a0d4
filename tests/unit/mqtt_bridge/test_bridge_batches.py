"""How telemetry is put into batches: bounded by count and by device, in the order of arrival."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import cast

import pytest

from mqtt_bridge.bridge import BATCH, PER_DEVICE, Bridge, _Telemetry, control_settings
from mqtt_bridge.client_settings import Message
from mqtt_bridge.requests import Requests
from registry.model.device import DeviceId
from registry.ports import Ports
from registry.store.unit_of_work import Store
from service import clock, logs


@pytest.fixture
def bridge() -> Bridge:
    """Never connected: only its queues are used."""
    ports = Ports(cast(Store, None), lambda: datetime.now(UTC), clock.entropy)
    settings = control_settings("127.0.0.1", 1, "u", "p")
    nothing = cast(Requests, None)
    return Bridge(settings, nothing, ports=ports, log=logs.get("test"), on_effects=lambda: None)


def told(number: int, device: str) -> _Telemetry:
    return _Telemetry(Message("t", b"", 1, retain=False, mid=number), DeviceId(device))


def batches(bridge: Bridge, messages: list[_Telemetry]) -> list[list[_Telemetry]]:
    for message in messages[1:]:
        bridge._telemetry.put(message)
    bridge._telemetry.put(None)
    found: list[list[_Telemetry]] = []
    first: _Telemetry | None = messages[0]
    while first is not None:
        batch, ended, first = bridge._gather(first)
        found.append(batch)
        if not ended and first is None:
            first = bridge._telemetry.get()
    return found


def test_a_burst_of_one_device_is_many_small_batches_in_order(bridge: Bridge) -> None:
    sent = [told(number, "device-01") for number in range(100)]
    found = batches(bridge, sent)
    assert [len(batch) for batch in found] == [PER_DEVICE] * 6 + [4]
    assert [item for batch in found for item in batch] == sent


def test_two_batches_are_never_more_than_the_registry_remembers(bridge: Bridge) -> None:
    sent = [told(number, f"device-{number % 3:02}") for number in range(300)]
    found = batches(bridge, sent)
    for one, other in pairwise(found):
        assert sum(item.device_id == "device-00" for item in one + other) <= 32
    assert sum(len(batch) for batch in found) == 300


def test_many_devices_fill_a_batch(bridge: Bridge) -> None:
    sent = [told(number, f"device-{number:04}") for number in range(450)]
    assert [len(batch) for batch in batches(bridge, sent)] == [BATCH, BATCH, 50]
