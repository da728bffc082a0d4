"""Attacks by those who got in: a device or a bootstrap stranger tries what is not its own."""

from __future__ import annotations

import os
import queue
import socket
import threading
from contextlib import suppress

import pytest

from mqtt_bridge.client_settings import Will
from mqtt_bridge.errors import BridgeError, BrokerRefused
from tests.integration.broker.conftest import SESSION, House, Listener

PUMP, OTHER = "pump-0001", "pump-0002"


@pytest.mark.parametrize(
    "topic",
    [
        f"mtr/1/d/{OTHER}/up/state",
        f"mtr/1/d/{OTHER}/down/notice",
        f"mtr/1/d/{PUMP}/down/notice",
        "mtr/1/pub/cacerts",
        f"mtr/1/b/{PUMP}/{SESSION}/up/hello",
        "$SYS/broker/uptime",
    ],
)
def test_a_device_cannot_publish_beside_its_own_up(house: House, topic: str) -> None:
    bridge, pump = house.bridge(), house.device(PUMP)
    bridge.client.subscribe(["mtr/1/#"])
    pump.client.publish(topic, b"forged")
    if topic.startswith("$SYS"):
        pump = house.device(PUMP)  # a broker may end the connection for it
    assert house.settle(pump, bridge, f"mtr/1/d/{PUMP}/up/state") == []


@pytest.mark.parametrize(
    "wanted",
    [
        f"mtr/1/d/{OTHER}/down/#",
        f"mtr/1/d/{OTHER}/up/#",
        "mtr/1/d/+/down/#",
        "mtr/1/#",
        "#",
        f"$share/g/mtr/1/d/{OTHER}/down/#",
        "$share/g/#",
        "$SYS/#",
    ],
)
def test_a_device_hears_nothing_of_another(house: House, wanted: str) -> None:
    bridge, pump = house.bridge(), house.device(PUMP)
    try:
        pump.client.subscribe([wanted, f"mtr/1/d/{PUMP}/down/#"])
    except BrokerRefused:
        pump.client.subscribe([f"mtr/1/d/{PUMP}/down/#"])
    bridge.client.publish(f"mtr/1/d/{OTHER}/down/notice", b"secret", wait=5)
    house.device(OTHER).client.publish(f"mtr/1/d/{OTHER}/up/state", b"secret", wait=5)
    bridge.client.publish(f"mtr/1/d/{PUMP}/down/notice", b"mine", wait=5)
    heard = [pump.next()]
    heard += [pump.heard.get_nowait() for _ in range(pump.heard.qsize())]
    assert {message.payload for message in heard} == {b"mine"}


def test_a_will_on_a_foreign_topic_is_never_said(house: House) -> None:
    bridge = house.bridge()
    bridge.client.subscribe(["mtr/1/#"])
    will = Will(f"mtr/1/d/{OTHER}/up/state", b"dead", retain=True)
    try:
        pump = house.device(PUMP, will=will)
    except BridgeError:
        pump = house.device(PUMP)
    _drop(pump)
    marker = house.device(PUMP)
    assert house.settle(marker, bridge, f"mtr/1/d/{PUMP}/up/state") == []


def test_its_own_will_is_said_when_it_vanishes(house: House) -> None:
    bridge = house.bridge()
    bridge.client.subscribe(["mtr/1/d/+/up/#"])
    pump = house.device(PUMP, will=Will(f"mtr/1/d/{PUMP}/up/state", b"dead", retain=True))
    _drop(pump)
    assert bridge.next().payload == b"dead"


def test_the_client_id_is_the_common_name_whatever_it_says(house: House) -> None:
    victim = house.device(OTHER)
    try:
        attacker: Listener | None = house.device(PUMP, client_id=OTHER)
    except BridgeError:
        attacker = None
    with pytest.raises(queue.Empty):
        victim.lost.get(timeout=0.5)
    assert victim.client.is_ready
    bridge = house.bridge()
    bridge.client.subscribe(["mtr/1/#"])
    if attacker is not None:
        attacker.client.publish(f"mtr/1/d/{OTHER}/up/state", b"forged")
        assert house.settle(attacker, bridge, f"mtr/1/d/{PUMP}/up/state") == []


def test_a_stranger_cannot_cut_a_device_off_by_taking_its_client_id(house: House) -> None:
    victim = house.device(OTHER)
    with suppress(BrokerRefused):
        house.stranger("claim-001", client_id=OTHER)
    with pytest.raises(queue.Empty):
        victim.lost.get(timeout=0.5)
    assert victim.client.is_ready


def test_an_enrolment_session_is_heard_and_answered_and_reaches_nothing_else(house: House) -> None:
    bridge, stranger = house.bridge(), house.stranger("claim-001")
    bridge.client.subscribe(["mtr/1/#"])
    mine = f"mtr/1/b/claim-001/{SESSION}"
    stranger.client.subscribe([f"{mine}/down/#"])
    for forged in (
        f"mtr/1/d/{PUMP}/up/state",
        f"mtr/1/b/claim-002/{SESSION}/up/hello",
        f"mtr/1/b/claim-001/{'0' * 32}/up/hello",
        f"{mine}/down/accepted/r1",
        "mtr/1/pub/cacerts",
    ):
        stranger.client.publish(forged, b"forged")
    assert house.settle(stranger, bridge, f"{mine}/up/hello") == []
    bridge.client.publish(f"{mine}/down/challenge/r1", b"nonce", wait=5)
    answer = stranger.next()
    assert (answer.topic, answer.payload) == (f"{mine}/down/challenge/r1", b"nonce")
    with pytest.raises(queue.Empty):
        stranger.next(timeout=0.3)


def test_a_claim_with_a_slash_or_wildcard_opens_nothing(house: House) -> None:
    bridge = house.bridge()
    bridge.client.subscribe(["mtr/1/#"])
    for claim in ("+", "#", "claim-001/x"):
        try:
            stranger = house.stranger(claim, client_id="f" * 32)
        except BridgeError:
            continue
        topic = f"mtr/1/b/{claim}/{'f' * 32}/up/hello".replace("+", "claim-002").replace("#", "claim-002")
        stranger.client.publish(topic, b"forged")
    honest = house.stranger("claim-001")
    assert house.settle(honest, bridge, f"mtr/1/b/claim-001/{SESSION}/up/hello") == []


def _drop(listener: Listener) -> None:
    """The network goes away without a DISCONNECT."""
    listener.client._stopping.set()
    sock = listener.client._door.socket()
    assert sock is not None
    with socket.socket(fileno=os.dup(sock.fileno())) as same:
        same.shutdown(socket.SHUT_RDWR)
    for thread in threading.enumerate():
        if thread.name == f"mqtt {listener.client.settings.client_id}":
            thread.join(5)
