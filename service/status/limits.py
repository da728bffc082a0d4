"""How much one client may ask: a token bucket an address (IPv6: 64 bits of it). Proxies are exempt."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Final

from mqtt_bridge.pacer import Pacer

_MOST_CLIENTS: Final = 20_000
_BURST_SECONDS: Final = 5
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class RateLimit:
    """`rate` requests a second for each address, five seconds of them at once; 0: no limit."""

    def __init__(self, rate: int, exempt: Sequence[Network]) -> None:
        self._exempt = tuple(exempt)
        self._pacer = Pacer(rate, rate * _BURST_SECONDS) if rate else None
        self._free: dict[str, bool] = {}

    def allows(self, host: str, now: float) -> bool:
        """Whether the address may ask once more; `now` in seconds of any steady clock."""
        return self._pacer is None or self.is_free(host) or self._pacer.allows(_who(host), now)

    def is_free(self, host: str) -> bool:
        """Whether the address has no limit."""
        if self._pacer is None:
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


def _who(host: str) -> str:
    """Whose bucket: of IPv6 the network of 64 bits, which one client commands whole."""
    if ":" not in host:
        return host
    address = ipaddress.IPv6Address(host)
    return str(address.ipv4_mapped or ipaddress.ip_network((int(address) >> 64 << 64, 64)))
