"""How much an address may ask, and who may ask as much as it likes."""

from __future__ import annotations

import ipaddress

import pytest

from service.status.limits import RateLimit

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))


def allowed(limit: RateLimit, host: str, times: int, now: float) -> int:
    return sum(limit.allows(host, now) for _ in range(times))


def test_five_seconds_worth_at_once_then_the_rate() -> None:
    limit = RateLimit(10, LOOPBACK)
    assert allowed(limit, "192.0.2.1", 100, 0.0) == 50
    assert allowed(limit, "192.0.2.1", 100, 1.0) == 10
    assert allowed(limit, "192.0.2.1", 100, 100.0) == 50


def test_one_address_does_not_use_up_anothers() -> None:
    limit = RateLimit(1, ())
    allowed(limit, "192.0.2.1", 100, 0.0)
    assert limit.allows("192.0.2.2", 0.0)
    assert limit.allows("2001:db8::1", 0.0)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", ""])
def test_exempt_networks_and_local_sockets_have_no_limit(host: str) -> None:
    assert allowed(RateLimit(1, LOOPBACK), host, 1_000, 0.0) == 1_000


def test_zero_is_no_limit() -> None:
    assert allowed(RateLimit(0, ()), "192.0.2.1", 1_000, 0.0) == 1_000


def test_an_address_of_the_other_family_is_not_exempt() -> None:
    assert not RateLimit(1, LOOPBACK).is_free("::ffff:192.0.2.1")
