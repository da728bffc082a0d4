"""The mosquitto files: the settings that an outage or an attack has taught, and plans that are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mqtt_bridge.broker.config import BrokerPlan, Secrets, mosquitto_files, password_line
from mqtt_bridge.broker.interface import Address
from mqtt_bridge.errors import BrokerMisconfigured

PLAN = BrokerPlan(
    directory=Path("/var/lib/medtrust/broker"),
    bootstrap=Address("192.0.2.1", 8884),
    ops=Address("192.0.2.1", 8883),
    control=Address("127.0.0.1", 1884),
    ca=Path("ca.pem"),
    certificate=Path("server.pem"),
    key=Path("server.key"),
    crl=Path("crl.pem"),
)
SECRETS = Secrets("control-pw", "relay-pw", b"saltsaltsalt", b"tlastlastlas", "mtr.relay.x")


def _sections(name: str) -> list[list[str]]:
    """The global lines first, then the lines of each listener or connection."""
    sections: list[list[str]] = [[]]
    for line in mosquitto_files(PLAN, SECRETS, run_as="mosquitto")[name].splitlines():
        if line.startswith(("listener ", "connection ")):
            sections.append([])
        if line:
            sections[-1].append(line)
    return sections


def test_devices_need_a_certificate_and_are_called_by_it() -> None:
    _, control, ops = _sections("ops.conf")
    assert ops[0] == "listener 8883 192.0.2.1"
    assert {
        "allow_anonymous false",
        "require_certificate true",
        "use_identity_as_username true",
        "use_username_as_clientid true",
        "tls_version tlsv1.3",
        "crlfile /var/lib/medtrust/broker/crl.pem",
        "acl_file /var/lib/medtrust/broker/ops.acl",
    } <= set(ops)
    assert control[0] == "listener 1884 127.0.0.1"
    assert "allow_anonymous false" in control


@pytest.mark.parametrize("name", ["ops.conf", "bootstrap.conf"])
def test_no_per_listener_line_stands_among_the_global_ones(name: str) -> None:
    """One of these above the first `listener` makes mosquitto open port 1883 to everybody."""
    words = {line.split()[0] for line in _sections(name)[0]}
    assert not words & {
        "allow_anonymous",
        "allow_zero_length_clientid",
        "max_connections",
        "max_qos",
        "acl_file",
        "password_file",
        "use_username_as_clientid",
    }
    assert "per_listener_settings" in words


def test_the_defaults_that_lose_messages_or_time_are_overridden() -> None:
    everything = _sections("ops.conf")[0]
    assert "autosave_interval 1" in everything
    assert "max_queued_messages 100000" in everything
    assert "set_tcp_nodelay true" in everything
    assert "message_size_limit 65536" in everything
    assert "sys_interval 0" in everything


def test_a_stranger_leaves_nothing_behind() -> None:
    everything, listener, relay = _sections("bootstrap.conf")
    assert {"persistence false", "retain_available false"} <= set(everything)
    assert "require_certificate true" not in listener
    assert "address 127.0.0.1:1884" in relay


def test_no_password_stands_in_a_file_that_only_needs_its_hash() -> None:
    files = mosquitto_files(PLAN, SECRETS, run_as="mosquitto")
    assert [name for name, text in files.items() if "control-pw" in text] == []
    assert [name for name, text in files.items() if "relay-pw" in text] == ["bootstrap.conf"]


def test_a_password_line_has_the_form_that_mosquitto_reads() -> None:
    """That mosquitto accepts the password is shown where a real one runs."""
    user, rest = password_line("u", "secret", b"\x00" * 12).rstrip("\n").split(":")
    _, scheme, rounds, salt, digest = rest.split("$")
    assert (user, scheme, rounds, salt, len(digest)) == ("u", "7", "101", "AAAAAAAAAAAAAAAA", 88)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("control", Address("0.0.0.0", 1884)),
        ("control", Address("192.0.2.1", 1884)),
        ("ops", Address("192.0.2.1", 0)),
        ("ops", Address("192.0.2.1", 70_000)),
        ("bootstrap", Address("192.0.2.1 \nuser root", 8884)),
        ("directory", Path("run\nuser root")),
    ],
)
def test_a_plan_that_cannot_be_is_refused(field: str, value: object) -> None:
    with pytest.raises(BrokerMisconfigured) as refused:
        replace(PLAN, **{field: value})  # type: ignore[arg-type]
    assert refused.value.field == field
