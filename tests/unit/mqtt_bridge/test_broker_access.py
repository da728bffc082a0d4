"""Access rules: a filter is readable only if everything it can match is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_bridge.broker import access

PUMP = "pump-0001"


@pytest.mark.parametrize(
    ("topic_filter", "allowed"),
    {
        f"mtr/1/d/{PUMP}/down/#": True,
        f"mtr/1/d/{PUMP}/down/accepted/+": True,
        "mtr/1/pub/+": True,
        f"mtr/1/d/{PUMP}/#": False,
        f"mtr/1/d/{PUMP}/+/notice": False,
        "mtr/1/d/+/down/#": False,
        "mtr/1/d/pump-0002/down/notice": False,
        f"$share/g/mtr/1/d/{PUMP}/down/#": False,
        "#": False,
        "+/#": False,
        "": False,
    }.items(),
)
def test_what_a_device_may_read(topic_filter: str, allowed: bool) -> None:
    assert access.may_read(access.OPS, topic_filter, user=PUMP, client=PUMP) is allowed


@pytest.mark.parametrize(
    ("topic", "allowed"),
    {
        f"mtr/1/d/{PUMP}/up/tele/sec": True,
        f"mtr/1/d/{PUMP}/up/#": False,
        f"mtr/1/d/{PUMP}/up/+": False,
        f"mtr/1/d/{PUMP}/down/notice": False,
        "mtr/1/pub/cacerts": False,
        f"mtr/1/d/{PUMP}x/up/state": False,
    }.items(),
)
def test_what_a_device_may_publish(topic: str, allowed: bool) -> None:
    assert access.may_publish(access.OPS, topic, user=PUMP, client=PUMP) is allowed


@pytest.mark.parametrize("name", ["", "+", "#", "a/b", "pump+0001"])
def test_a_name_that_is_no_segment_may_nothing(name: str) -> None:
    assert not access.may_publish(access.OPS, f"mtr/1/d/{name}/up/state", user=name, client=PUMP)
    assert not access.may_read(access.BOOTSTRAP, f"mtr/1/b/{name}/{PUMP}/down/#", user=name, client=PUMP)


_segment = st.sampled_from(["mtr", "1", "d", "b", "pub", PUMP, "other-001", "down", "up", "+", "#", "x"])


@given(st.lists(_segment, min_size=1, max_size=7), st.lists(_segment, min_size=1, max_size=7))
def test_a_readable_filter_matches_no_unreadable_topic(wanted: list[str], topic: list[str]) -> None:
    concrete = [part for part in topic if part not in "+#"]
    allowed = access.may_read(access.OPS, "/".join(wanted), user=PUMP, client=PUMP)
    matched = _matches(wanted, concrete)
    readable = access.may_read(access.OPS, "/".join(concrete), user=PUMP, client=PUMP)
    assert not (allowed and matched) or readable


def _matches(topic_filter: list[str], topic: list[str]) -> bool:
    """MQTT 5 4.7.1, written apart from the code under test."""
    if not topic_filter:
        return not topic
    head, *rest = topic_filter
    if head == "#":
        return not rest
    return bool(topic) and head in ("+", topic[0]) and _matches(rest, topic[1:])


def test_the_acl_files_say_the_same() -> None:
    assert access.acl_text(access.OPS) == (
        "pattern write mtr/1/d/%u/up/#\npattern read mtr/1/d/%u/down/#\npattern read mtr/1/pub/#\n"
    )
    assert access.acl_text(access.BOOTSTRAP) == (
        "pattern write mtr/1/b/%u/%c/up/#\npattern read mtr/1/b/%u/%c/down/#\n"
    )
    assert access.user_acl_text(access.CONTROL_USER, access.CONTROL) == (
        "user mtr-bridge\ntopic readwrite mtr/1/#\n"
    )
