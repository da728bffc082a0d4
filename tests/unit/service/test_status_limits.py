"""One address cannot take the service from the others; proxies may ask as they like; memory is bounded."""

from __future__ import annotations

import ipaddress

import pytest

from mqtt_bridge import pacer
from service.status import limits
from service.status.limits import RateLimit

CLIENT, OTHER = "192.0.2.1", "192.0.2.2"
PROXIES = tuple(map(ipaddress.ip_network, ("10.1.0.0/16", "2001:db8::/64", "203.0.113.9/32")))


def granted(limit: RateLimit, host: str, times: int, now: float) -> int:
    return sum(limit.allows(host, now) for _ in range(times))


def test_five_seconds_worth_at_once_and_then_no_more() -> None:
    limit = RateLimit(10, ())
    assert granted(limit, CLIENT, 200, 100.0) == 50


def test_it_fills_again_by_the_rate_and_never_above_the_burst() -> None:
    limit = RateLimit(10, ())
    granted(limit, CLIENT, 200, 100.0)
    assert granted(limit, CLIENT, 200, 101.0) == 10
    assert granted(limit, CLIENT, 200, 101.5) == 5
    assert granted(limit, CLIENT, 200, 9999.0) == 50


def test_who_asks_while_empty_is_not_kept_empty() -> None:
    limit = RateLimit(10, ())
    granted(limit, CLIENT, 200, 100.0)
    # Ten refused questions within one second must not eat what flows in.
    assert sum(limit.allows(CLIENT, 100.0 + step / 100) for step in range(1, 101)) in (9, 10)


def test_one_address_takes_nothing_from_another() -> None:
    limit = RateLimit(10, ())
    granted(limit, CLIENT, 200, 100.0)
    assert granted(limit, OTHER, 200, 100.0) == 50


def test_a_clock_that_stands_still_or_goes_back_gives_nothing() -> None:
    limit = RateLimit(10, ())
    granted(limit, CLIENT, 200, 100.0)
    assert granted(limit, CLIENT, 10, 100.0) == 0
    assert granted(limit, CLIENT, 10, 50.0) == 0


@pytest.mark.parametrize(
    "host", ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::7", "203.0.113.9", "::ffff:203.0.113.9", ""]
)
def test_exempt_networks_and_local_sockets_have_no_limit(host: str) -> None:
    limit = RateLimit(1, PROXIES)
    assert limit.is_free(host)
    assert granted(limit, host, 1000, 1.0) == 1000


@pytest.mark.parametrize(
    "host", ["10.2.0.1", "::ffff:10.2.0.1", "2001:db8:0:1::7", "203.0.113.8", "fe80::1%eth0"]
)
def test_whoever_is_not_in_an_exempt_network_is_limited(host: str) -> None:
    limit = RateLimit(1, PROXIES)
    assert not limit.is_free(host)
    assert granted(limit, host, 1000, 1.0) == 5


def test_no_rate_is_no_limit() -> None:
    assert granted(RateLimit(0, ()), CLIENT, 100_000, 1.0) == 100_000


def test_many_addresses_take_bounded_memory_and_push_out_who_was_quiet_longest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(limits, "_MOST_CLIENTS", 100)
    monkeypatch.setattr(pacer, "_MOST_NAMES", 100)
    limit = RateLimit(1, ())
    assert limit._pacer is not None
    assert granted(limit, CLIENT, 100, 1.0) == 5
    for number in range(1000):
        limit.allows(f"198.51.{number // 250}.{number % 250}", 1.0)
        if number % 50 == 0:  # busy all the time: never forgotten, so never refilled
            assert not limit.allows(CLIENT, 1.0)
        assert len(limit._pacer._buckets) <= 100
        assert len(limit._free) <= 100
    for number in range(200):
        limit.allows(f"198.52.0.{number}", 1.0)
    assert granted(limit, CLIENT, 100, 1.0) == 5


def test_an_ipv6_client_has_one_bucket_for_its_whole_network() -> None:
    limit = RateLimit(1, ())
    asked = [f"2001:db8:0:7::{number:x}" for number in range(1, 100)]
    assert sum(limit.allows(host, 1.0) for host in asked) == 5
    assert limit.allows("2001:db8:0:8::1", 1.0)
    assert granted(limit, "::ffff:192.0.2.1", 100, 1.0) == 5
    assert granted(limit, "192.0.2.1", 100, 1.0) == 0
    assert granted(limit, "fe80::1%eth0", 100, 1.0) == 5
