"""How much one client may ask: a token bucket an address. Addresses of proxies and our own are exempt."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

_MOST_CLIENTS: Final = 20_000
_BURST_SECONDS: Final = 5.0
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class RateLimit:
    """`rate` requests a second for each address, five seconds of them at once; 0: no limit."""

    def __init__(self, rate: int, exempt: Sequence[Network]) -> None:
        self._rate, self._exempt = rate, tuple(exempt)
        self._free: dict[str, bool] = {}
        self._buckets: dict[str, tuple[float, float]] = {}
        """Address -> (tokens, when they were counted)."""

    def allows(self, host: str, now: float) -> bool:
        """Whether the address may ask once more; `now` in seconds of any steady clock."""
        if self.is_free(host):
            return True
        most = self._rate * _BURST_SECONDS
        tokens, then = self._buckets.pop(host, (most, now))
        tokens = min(most, tokens + (now - then) * self._rate)
        if len(self._buckets) >= _MOST_CLIENTS:  # whoever was quiet longest begins anew
            del self._buckets[next(iter(self._buckets))]
        self._buckets[host] = (tokens - 1 if tokens >= 1 else tokens, now)
        return tokens >= 1

    def is_free(self, host: str) -> bool:
        """Whether the address has no limit."""
        if not self._rate:
            return True
        known = self._free.get(host)
        if known is None:
            if len(self._free) >= _MOST_CLIENTS:
                self._free.clear()
            known = self._free[host] = self._matches(host)
        return known

    def _matches(self, host: str) -> bool:
        try:
            address = ipaddress.ip_address(host)
        except ValueError:  # a local socket has no address
            return True
        mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
        return any((mapped or address) in network for network in self._exempt)
