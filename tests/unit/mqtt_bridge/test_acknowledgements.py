"""Answers may come before the waiter, after it, or not at all."""

from __future__ import annotations

import threading

import pytest

from mqtt_bridge.acknowledgements import Acknowledgements
from mqtt_bridge.errors import BrokerUnreachable
from mqtt_bridge.pacing import Pacing


def test_an_answer_that_overtakes_the_waiter_is_kept() -> None:
    acks = Acknowledgements()
    with acks.expecting():
        acks.arrived("puback", 7, ("",))
        assert acks.wait("puback", 7, 0.1, "here") == ("",)


def test_an_answer_that_comes_later_wakes_the_waiter() -> None:
    acks = Acknowledgements()
    with acks.expecting():
        threading.Timer(0.05, acks.arrived, ("suback", 7, ("no",))).start()
        assert acks.wait("suback", 7, 5.0, "here") == ("no",)


def test_no_answer_is_an_error_that_names_the_broker() -> None:
    acks = Acknowledgements()
    with acks.expecting(), pytest.raises(BrokerUnreachable, match="here"):
        acks.wait("puback", 7, 0.01, "here")


def test_a_lost_connection_ends_the_wait_for_a_suback_at_once() -> None:
    acks = Acknowledgements()
    with acks.expecting():
        timer = threading.Timer(0.05, acks.connection_lost)
        timer.start()
        with pytest.raises(BrokerUnreachable):
            acks.wait("suback", 7, 60.0, "here")
        timer.join()
    assert not timer.is_alive()


def test_nothing_is_kept_when_nobody_waits() -> None:
    acks = Acknowledgements()
    acks.arrived("puback", 7, ("",))
    with acks.expecting():
        acks.arrived("puback", 8, ("",))
    with acks.expecting(), pytest.raises(BrokerUnreachable):
        acks.wait("puback", 8, 0.01, "here")
    with acks.expecting(), pytest.raises(BrokerUnreachable):
        acks.wait("puback", 7, 0.01, "here")


def test_delays_double_up_to_the_most() -> None:
    waits: list[float] = []

    class Recorder(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return False

    pacing = Pacing(1.0, 4.0)
    for _ in range(5):
        pacing.begin()
        pacing.wait(Recorder())
    for wait, upper in zip(waits, (1, 2, 4, 4, 4), strict=True):
        assert upper / 2 <= wait <= upper
