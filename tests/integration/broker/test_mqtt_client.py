"""The client against a real mosquitto, and against listeners that misbehave."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Literal

import pytest

from mqtt_bridge.client import MqttClient
from mqtt_bridge.client_settings import ClientSettings, Message, MessageProperties, TlsFiles
from mqtt_bridge.errors import (
    BridgeError,
    BrokerMisconfigured,
    BrokerRefused,
    BrokerUnreachable,
    MalformedTopic,
    OutboxFull,
)
from tests.integration.broker.conftest import House, free_port, make_broker, make_plan
from tests.integration.broker.tiny_ca import TinyCa

TOPIC = "mtr/1/d/pump-0001/up/state"


@pytest.fixture
def mosquitto(tmp_path: Path, ca: TinyCa) -> Iterator[House]:
    log: list[str] = []
    broker = make_broker("mosquitto", make_plan(tmp_path, ca), log)
    with ExitStack() as stack:
        broker.start()
        stack.callback(broker.stop)
        yield House(broker, ca, stack, log)


def _client(port: int, log: list[str] | None = None, **changes: object) -> MqttClient:
    settings = ClientSettings(host="127.0.0.1", port=port, client_id="client-01", connect_timeout=0.5)
    told = log if log is not None else []
    return MqttClient(replace(settings, **changes), log=lambda text, error: told.append(f"{text} {error!r}"))  # type: ignore[arg-type]


def test_nobody_listens_gives_a_typed_error_in_time() -> None:
    client = _client(free_port())
    with pytest.raises(BrokerUnreachable) as failed:
        client.connect(timeout=0.5)
    assert failed.value.kind == "dependency"
    assert "refused" in str(failed.value)


@pytest.mark.parametrize("tls", [False, True])
def test_a_listener_that_never_speaks_gives_a_typed_error_in_time(ca: TinyCa, tls: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = _client(silent.getsockname()[1], tls=TlsFiles(ca.ca) if tls else None)
        with pytest.raises(BrokerUnreachable):
            client.connect(timeout=1.2)
    assert not client.is_ready


def test_a_broker_whose_certificate_is_foreign_is_refused(
    mosquitto: House, tmp_path_factory: pytest.TempPathFactory
) -> None:
    foreign = TinyCa(tmp_path_factory.mktemp("foreign"))
    with pytest.raises(BrokerRefused) as refused:
        mosquitto.device("pump-0001", tls=TlsFiles(foreign.ca))
    assert refused.value.field == "tls"


def test_tls_files_that_are_none_are_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(BrokerMisconfigured) as wrong:
        _client(1, tls=TlsFiles(tmp_path / "absent.pem"))
    assert "absent.pem" in str(wrong.value) or "No such file" in str(wrong.value)


def test_a_handler_that_raises_is_logged_and_does_not_end_the_client(mosquitto: House) -> None:
    problems: list[str] = []
    heard: queue.Queue[Message] = queue.Queue()

    def handler(message: Message) -> None:
        if message.payload == b"bad":
            raise RuntimeError("a fault of the handler")
        heard.put(message)

    client = MqttClient(
        mosquitto.control_settings("mtr.bridge"),
        log=lambda text, error: problems.append(f"{text} {error!r}"),
        on_message=handler,
    )
    client.connect()
    client.subscribe(["mtr/1/#"])
    client.publish(TOPIC, b"bad", wait=5)
    client.publish(TOPIC, b"good", wait=5)
    assert heard.get(timeout=5).payload == b"good"
    assert ["a fault of the handler" in each for each in problems] == [True]
    client.disconnect()


def test_a_handler_that_would_wait_is_told_so(mosquitto: House) -> None:
    outcome: queue.Queue[BaseException | None] = queue.Queue()
    client: MqttClient

    def handler(message: Message) -> None:
        client.publish(TOPIC, b"x", wait=5)

    client = MqttClient(
        mosquitto.control_settings("mtr.bridge"),
        log=lambda _text, error: outcome.put(error),
        on_message=handler,
    )
    client.connect()
    client.subscribe(["mtr/1/#"])
    client.publish(TOPIC, b"y")
    assert isinstance(outcome.get(timeout=5), BridgeError)
    client.disconnect()


def test_mqtt_5_properties_arrive(mosquitto: House) -> None:
    bridge, pump = mosquitto.bridge(), mosquitto.device("pump-0001")
    bridge.client.subscribe(["mtr/1/d/+/up/#"])
    sent = MessageProperties("application/json", b"\x00r1", "mtr/1/d/pump-0001/down/x", 60, (("a", "b"),))
    pump.client.publish(TOPIC, b"{}", properties=sent, wait=5)
    got = bridge.next().properties
    assert got == replace(sent, message_expiry=got.message_expiry)
    assert got.message_expiry in (59, 60)


def test_properties_pass_the_relay_too(mosquitto: House) -> None:
    bridge, stranger = mosquitto.bridge(), mosquitto.stranger("claim-001")
    bridge.client.subscribe(["mtr/1/b/#"])
    sent = MessageProperties(content_type="application/json", correlation_data=b"r1")
    topic = f"mtr/1/b/claim-001/{stranger.client.settings.client_id}/up/hello"
    stranger.client.publish(topic, b"{}", properties=sent, wait=5)
    assert bridge.next().properties == sent


def test_a_refused_publish_is_a_typed_error_under_mqtt_5(mosquitto: House) -> None:
    pump = mosquitto.device("pump-0001")
    with pytest.raises(BrokerRefused) as refused:
        pump.client.publish("mtr/1/d/pump-0002/up/state", b"forged", wait=5)
    assert refused.value.kind == "refused"


def test_a_topic_with_a_wildcard_is_a_typed_error(mosquitto: House) -> None:
    bridge = mosquitto.bridge()
    with pytest.raises(MalformedTopic):
        bridge.client.publish("mtr/1/#", b"")
    with pytest.raises(MalformedTopic):
        bridge.client.subscribe(["mtr/1/#/x"])


def test_without_manual_ack_sent_the_message_comes_again(mosquitto: House) -> None:
    settings = replace(
        mosquitto.control_settings("mtr.bridge"), manual_ack=True, clean_start=False, session_expiry=600
    )
    first = mosquitto.connect(settings)
    first.client.subscribe(["mtr/1/d/+/up/#"])
    pump = mosquitto.device("pump-0001")
    pump.client.publish(TOPIC, b"one", wait=5)
    pump.client.publish(TOPIC, b"two", wait=5)
    done = first.next()
    first.client.ack(done)
    assert first.next().payload == b"two"
    time.sleep(0.3)  # the PUBACK of the first is on its way
    first.client.disconnect()
    second = mosquitto.connect(settings)
    assert second.next().payload == b"two"
    with pytest.raises(queue.Empty):
        second.next(timeout=0.3)


def test_subscriptions_are_renewed_after_the_broker_lost_the_session(mosquitto: House) -> None:
    bridge = mosquitto.bridge()
    bridge.client.subscribe(["mtr/1/d/+/up/#"])
    mosquitto.bridge().client.disconnect()  # the same client id: the broker throws the first one out
    assert bridge.lost.get(timeout=5)
    pump = mosquitto.device("pump-0001")
    deadline = time.monotonic() + 10
    while bridge.heard.empty() and time.monotonic() < deadline:
        pump.client.publish(TOPIC, b"again", wait=5)
    assert bridge.next().payload == b"again"


def test_what_is_published_while_away_is_bounded_and_sent_on_return(mosquitto: House) -> None:
    settings = replace(mosquitto.control_settings("mtr.bridge"), max_queued=3, max_inflight=1)
    away = MqttClient(settings, log=lambda _text, _error: None)
    for number in range(3):
        away.publish(TOPIC, b"%d" % number)
    with pytest.raises(OutboxFull):
        away.publish(TOPIC, b"3")
    with pytest.raises(BrokerUnreachable):
        away.publish(TOPIC, b"never", qos=0)
    listener = mosquitto.bridge("mtr.other")
    listener.client.subscribe(["mtr/1/#"])
    away.connect()
    assert [listener.next().payload for _ in range(3)] == [b"0", b"1", b"2"]
    away.disconnect()


def test_a_wait_for_an_answer_ends_when_the_broker_hangs(mosquitto: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as half:

        def answer_connect_only() -> None:
            connection, _ = half.accept()
            connection.recv(1000)
            connection.sendall(b"\x20\x03\x00\x00\x00")
            time.sleep(3)
            connection.close()

        server = threading.Thread(target=answer_connect_only)
        server.start()
        client = _client(half.getsockname()[1])
        client.connect(timeout=2)
        with pytest.raises(BrokerUnreachable):
            client.subscribe(["a"], timeout=0.3)
        with pytest.raises(BrokerUnreachable):
            client.publish("a", b"", wait=0.3)
        client.disconnect()
        server.join()


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_every_socket_has_nagle_off(mosquitto: House, protocol: Literal["5", "3.1.1"]) -> None:
    settings = replace(mosquitto.control_settings("mtr.bridge"), protocol=protocol)
    bridge = mosquitto.connect(settings)
    sock = bridge.client._door.socket()
    assert isinstance(sock, socket.socket)
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY) != 0


def test_many_threads_may_publish_at_once(mosquitto: House) -> None:
    bridge, pump = mosquitto.bridge(), mosquitto.device("pump-0001")
    bridge.client.subscribe(["mtr/1/d/+/up/#"])

    def send(start: int) -> None:
        for number in range(start, start + 200):
            pump.client.publish(TOPIC, b"%d" % number)

    threads = [threading.Thread(target=send, args=(start,)) for start in range(0, 1600, 200)]
    for thread in threads:
        thread.start()
    got = sorted(int(bridge.next(10).payload) for _ in range(1600))
    assert got == list(range(1600))
