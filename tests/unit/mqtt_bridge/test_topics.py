"""Topics: the tree parses, prints back the same, and nothing outside it exists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_bridge import topics
from mqtt_bridge.errors import MalformedTopic
from mqtt_bridge.topics import BootstrapTopic, DeviceTopic, PublicTopic

SESSION = "0123456789abcdef0123456789abcdef"

GOOD = {
    f"mtr/1/b/claim-001/{SESSION}/up/hello": BootstrapTopic("claim-001", SESSION, "up", "hello"),
    f"mtr/1/b/claim-001/{SESSION}/up/enroll/r1": BootstrapTopic("claim-001", SESSION, "up", "enroll", "r1"),
    f"mtr/1/b/claim-001/{SESSION}/down/accepted/r1": BootstrapTopic(
        "claim-001", SESSION, "down", "accepted", "r1"
    ),
    "mtr/1/d/pump-0001/up/tele/sec": DeviceTopic("pump-0001", "up", "tele", "sec"),
    "mtr/1/d/pump-0001/up/state": DeviceTopic("pump-0001", "up", "state"),
    "mtr/1/d/pump-0001/down/notice": DeviceTopic("pump-0001", "down", "notice"),
    "mtr/1/d/pump-0001/down/challenge/n_1": DeviceTopic("pump-0001", "down", "challenge", "n_1"),
    "mtr/1/pub/cacerts": PublicTopic("cacerts"),
}

BAD = {
    "": "topic",
    "mtr/1": "topic",
    "mtr/2/d/pump-0001/up/state": "topic",
    "mtr/1/d/pump-0001/up/state/": "topic",
    "mtr/1/d/pump-0001/up/state/x": "arg",
    "mtr/1/d/short/up/state": "device",
    "mtr/1/d/pump+001/up/state": "device",
    f"mtr/1/d/{'a' * 65}/up/state": "device",
    "mtr/1/d/pump-0001\n/up/state": "device",
    "mtr/1/d/pump-0001/sideways/state": "direction",
    "mtr/1/d/pump-0001/up/enroll/r1": "verb",
    "mtr/1/d/pump-0001/up/accepted/r1": "verb",
    "mtr/1/d/pump-0001/up/confirm": "rid",
    "mtr/1/d/pump-0001/up/tele/Sec": "stream",
    f"mtr/1/d/pump-0001/up/renew/{'r' * 65}": "rid",
    f"mtr/1/b/claim-001/{SESSION.upper()}/up/hello": "session",
    f"mtr/1/b/claim-001/{SESSION[:-1]}/up/hello": "session",
    f"mtr/1/b/cl#im-001/{SESSION}/up/hello": "claim",
    f"mtr/1/b/claim-001/{SESSION}/up/hello/r1": "arg",
    f"mtr/1/b/claim-001/{SESSION}/down/notice/r1": "verb",
    "mtr/1/pub/secrets": "name",
    "$SYS/broker/uptime": "topic",
    "$share/g/mtr/1/d/pump-0001/up/state": "topic",
}


@pytest.mark.parametrize(("text", "noun"), GOOD.items())
def test_a_topic_of_the_contract_parses_and_prints_back(text: str, noun: topics.Topic) -> None:
    assert topics.parse(text) == noun
    assert str(noun) == text


@pytest.mark.parametrize(("text", "field"), BAD.items())
def test_anything_else_is_refused_and_the_segment_named(text: str, field: str) -> None:
    with pytest.raises(MalformedTopic) as refused:
        topics.parse(text)
    assert refused.value.field == field


@given(st.text(alphabet="mtr1/bdpu+#$upenrolhsa-_0123456789abcdef\x00é", max_size=120))
def test_parse_gives_the_same_text_back_or_a_typed_error(text: str) -> None:
    try:
        back = str(topics.parse(text))
    except MalformedTopic:
        back = text
    assert back == text


def test_a_noun_cannot_hold_what_would_read_as_another_device() -> None:
    with pytest.raises(MalformedTopic):
        DeviceTopic("dev00001/up/tele", "up", "state")
    with pytest.raises(MalformedTopic):
        topics.device_down("#")
    with pytest.raises(MalformedTopic):
        topics.bootstrap_down("claim-001", "+")


def test_an_answer_goes_under_the_callers_own_down() -> None:
    asked = topics.parse("mtr/1/d/pump-0001/up/renew/r7")
    assert isinstance(asked, DeviceTopic)
    assert str(asked.answer("accepted", "r7")) == "mtr/1/d/pump-0001/down/accepted/r7"
    assert topics.device_down("pump-0001") == "mtr/1/d/pump-0001/down/#"


def test_no_device_id_can_be_the_client_id_of_the_bridge() -> None:
    with pytest.raises(MalformedTopic):
        topics.check("device", topics.BRIDGE_CLIENT_ID)
