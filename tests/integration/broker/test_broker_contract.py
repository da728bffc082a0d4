"""What every broker of ours must do, tried on a real mosquitto and on the embedded one."""

from __future__ import annotations

import queue
import socket
import ssl
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from mqtt_bridge.client_settings import TlsFiles
from mqtt_bridge.errors import BrokerMisconfigured, BrokerRefused, BrokerUnreachable
from tests.integration.broker.conftest import House, Listener

PUMP, OTHER = "pump-0001", "pump-0002"


def test_a_device_is_heard_and_hears_its_own_answers(house: House) -> None:
    bridge, pump = house.bridge(), house.device(PUMP)
    bridge.client.subscribe(["mtr/1/d/+/up/#"])
    pump.client.subscribe([f"mtr/1/d/{PUMP}/down/#"])
    pump.client.publish(f"mtr/1/d/{PUMP}/up/renew/r1", b"csr", wait=5)
    assert bridge.next().payload == b"csr"
    bridge.client.publish(f"mtr/1/d/{PUMP}/down/accepted/r1", b"chain", wait=5)
    answer = pump.next()
    assert (answer.topic, answer.payload, answer.qos) == (f"mtr/1/d/{PUMP}/down/accepted/r1", b"chain", 1)


def test_what_is_public_and_retained_reaches_a_device_that_comes_later(house: House) -> None:
    house.bridge().client.publish("mtr/1/pub/cacerts", b"anchors", retain=True, wait=5)
    pump = house.device(PUMP)
    pump.client.subscribe(["mtr/1/pub/#"])
    message = pump.next()
    assert (message.payload, message.retain) == (b"anchors", True)


def test_ops_wants_a_certificate(house: House) -> None:
    with pytest.raises(BrokerRefused):
        house.device(PUMP, tls=TlsFiles(house.ca.ca))


def test_ops_wants_a_certificate_of_ours(house: House, tmp_path_factory: pytest.TempPathFactory) -> None:
    foreign = type(house.ca)(tmp_path_factory.mktemp("foreign")).issue(PUMP)
    with pytest.raises(BrokerRefused):
        house.device(PUMP, tls=TlsFiles(house.ca.ca, foreign.certificate, foreign.key))


@pytest.mark.parametrize("listener", ["ops", "bootstrap"])
def test_tls_1_2_is_refused(house: House, listener: str) -> None:
    address = getattr(house.broker.endpoints, listener)
    context = house.ca.issue(PUMP).context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    raw = socket.create_connection((address.host, address.port), timeout=5)
    with raw, pytest.raises((ssl.SSLError, ConnectionResetError)):
        context.wrap_socket(raw, server_hostname=address.host)


def test_control_wants_its_password(house: House) -> None:
    for password in ("", "wrong"):
        with pytest.raises(BrokerRefused):
            house.connect(house.control_settings("mtr.bridge", password=password))
    with pytest.raises(BrokerRefused):
        house.connect(replace(house.control_settings("mtr.bridge"), username="", password=""))


def test_a_revoked_device_is_cut_off_and_stays_out_and_nobody_else_is(
    house: House, capsys: pytest.CaptureFixture[str]
) -> None:
    bridge, neighbour, pump = house.bridge(), house.device(OTHER), house.device(PUMP)
    bridge.client.subscribe(["mtr/1/d/+/up/#"])
    began = time.monotonic()
    house.broker.publish_crl(house.ca.revoke(PUMP))
    reloaded = time.monotonic()
    cut = house.broker.cut(PUMP)
    pump.lost.get(timeout=5)
    ended = time.monotonic()
    with capsys.disabled():
        total, first = (ended - began) * 1000, (reloaded - began) * 1000
        said = f"\n{house.broker.kind}: CRL {first:.1f} ms, cut {cut.ms:.1f} ms, all {total:.1f} ms"
        print(said)  # noqa: T201  # a measurement for people; speed is not asserted
    time.sleep(0.8)  # it tries to come back meanwhile
    assert not pump.client.is_ready
    assert "refused our certificate" in pump.client.last_error
    assert neighbour.client.is_ready
    assert neighbour.lost.empty()
    assert bridge.lost.empty()
    assert house.settle(neighbour, bridge, f"mtr/1/d/{OTHER}/up/state") == []


def test_a_second_crl_in_the_same_second_counts_too(house: House) -> None:
    house.broker.publish_crl(house.ca.crl_pem())
    tls = house.ca.issue(PUMP)
    house.broker.publish_crl(house.ca.revoke(PUMP))
    with pytest.raises(BrokerRefused):
        house.device(PUMP, tls=tls)


def test_a_tls_session_from_before_the_revocation_does_not_open_the_door(house: House) -> None:
    context = house.ca.issue(PUMP).context()
    answer, ticket = _hello(house, context, None)
    assert answer.startswith(b"\x20")
    house.broker.publish_crl(house.ca.revoke(PUMP))
    with suppress(ssl.SSLError, ConnectionResetError):
        answer, _ = _hello(house, context, ticket)
        assert answer == b""


def _hello(
    house: House, context: ssl.SSLContext, session: ssl.SSLSession | None
) -> tuple[bytes, ssl.SSLSession | None]:
    """The broker's answer to a CONNECT by hand, and the TLS session to come back with."""
    ops = house.broker.endpoints.ops
    raw = socket.create_connection((ops.host, ops.port), timeout=5)
    with raw, context.wrap_socket(raw, server_hostname=ops.host, session=session) as tls:
        tls.sendall(b"\x10\x13\x00\x04MQTT\x04\x02\x00\x0f\x00\x07unnamed")
        return tls.recv(4), tls.session


def test_a_crl_that_is_none_is_refused_and_changes_nothing(house: House) -> None:
    with pytest.raises(BrokerMisconfigured) as refused:
        house.broker.publish_crl(b"not a CRL")
    assert refused.value.field == "crl"
    assert house.device(PUMP).client.is_ready


def test_an_oversized_message_is_not_delivered_and_others_are(house: House) -> None:
    bridge, pump, neighbour = house.bridge(), house.device(PUMP), house.device(OTHER)
    bridge.client.subscribe(["mtr/1/d/+/up/#"])
    pump.client.publish(f"mtr/1/d/{PUMP}/up/tele/sec", b"x" * 200_000)
    assert house.settle(neighbour, bridge, f"mtr/1/d/{OTHER}/up/state") == []
    with pytest.raises(queue.Empty):
        bridge.next(timeout=0.7)


def test_a_bridge_that_was_away_is_given_what_it_missed(house: House) -> None:
    settings = replace(house.control_settings("mtr.bridge"), clean_start=False, session_expiry=600)
    bridge = house.connect(settings)
    bridge.client.subscribe(["mtr/1/d/+/up/#"])
    bridge.client.disconnect()
    pump = house.device(PUMP)
    for number in range(20):
        pump.client.publish(f"mtr/1/d/{PUMP}/up/tele/sec", b"%d" % number, wait=5)
    again = house.connect(settings)
    assert sorted(int(again.next().payload) for _ in range(20)) == list(range(20))


def test_a_message_without_acknowledgement_comes_again_after_a_reconnect(house: House) -> None:
    settings = replace(
        house.control_settings("mtr.bridge"), clean_start=False, session_expiry=600, manual_ack=True
    )
    bridge = house.connect(settings)
    bridge.client.subscribe(["mtr/1/d/+/up/#"])
    house.device(PUMP).client.publish(f"mtr/1/d/{PUMP}/up/renew/r1", b"csr", wait=5)
    assert bridge.next().payload == b"csr"
    bridge.client.disconnect()
    assert house.connect(settings).next().payload == b"csr"


def test_a_device_that_falls_silent_is_given_up(house: House) -> None:
    """By hand: a keepalive of 1 s, then nothing; the broker must end it after 1.5 s (MQTT 3.1.1 3.1.2.10)."""
    ops = house.broker.endpoints.ops
    context = house.ca.issue(PUMP).context()
    raw = socket.create_connection((ops.host, ops.port), timeout=10)
    with raw, context.wrap_socket(raw, server_hostname=ops.host) as tls:
        tls.sendall(b"\x10\x13\x00\x04MQTT\x04\x02\x00\x01\x00\x07unnamed")
        assert tls.recv(4)[:1] == b"\x20"
        with suppress(ConnectionResetError):
            assert tls.recv(1) == b""


def test_stop_ends_it_and_start_begins_again(house: House) -> None:
    house.broker.stop()
    with pytest.raises(BrokerUnreachable):
        Listener(house.device_settings(PUMP)).client.connect(timeout=0.5)
    house.broker.start()
    assert house.device(PUMP).client.is_ready
