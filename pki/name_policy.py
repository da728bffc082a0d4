"""A profile's policy over names: which CNs, organizations, hosts and addresses it allows. Denial wins."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from pki.findings import Finding, error
from pki.profile_model import NamePolicy, Profile, SubjectFacts

_OPEN = NamePolicy()
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def check_names(profile: Profile, facts: SubjectFacts) -> Iterator[Finding]:
    """Findings for names that the profile does not allow; a finding's subject is the field."""
    policy = profile.names
    if not policy.wildcards and any("*" in name for name in facts.dns_names):
        message = f"Profile {profile.name} allows no wildcards."
        yield error("profile.wildcard_not_allowed", message, "dns_names")
    if policy == _OPEN:
        return
    if any(re.fullmatch(pattern, facts.common_name) for pattern in policy.deny_common_names):
        message = f"Profile {profile.name} denies the CN {facts.common_name!r}."
        yield error("profile.common_name_denied", message, "common_name")
    if policy.organizations and facts.organization not in policy.organizations:
        message = f"Profile {profile.name} does not allow the organization {facts.organization!r}."
        yield error("profile.organization_not_allowed", message, "organization")
    for name in facts.dns_names:
        denied = _below(name, policy.deny_dns) or _covers(name, policy.deny_dns)
        if not _allowed(_below(name, policy.allow_dns), policy.allow_dns, denied):
            message = f"Profile {profile.name} does not allow the name {name!r}."
            yield error("profile.dns_name_not_allowed", message, "dns_names")
    for text in facts.ip_addresses:
        if not _allowed(_inside(text, policy.allow_ip), policy.allow_ip, _inside(text, policy.deny_ip)):
            message = f"Profile {profile.name} does not allow the address {text!r}."
            yield error("profile.ip_address_not_allowed", message, "ip_addresses")


def _allowed(listed: bool, allowed: tuple[str, ...], denied: bool) -> bool:
    return not denied and (listed or not allowed)


def _below(name: str, suffixes: Iterable[str]) -> bool:
    bare = name.lower().removeprefix("*.")
    return any(bare == suffix or bare.endswith(f".{suffix}") for suffix in suffixes)


def _covers(name: str, suffixes: Iterable[str]) -> bool:
    """Whether a wildcard could stand for a name that is denied."""
    return name.startswith("*.") and any(suffix.endswith(name[1:].lower()) for suffix in suffixes)


def _inside(text: str, networks: tuple[str, ...]) -> bool:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False  # refused by its encoder, which names it
    # ::ffff:10.0.0.1 is 10.0.0.1 in another dress, and reaches the same host.
    mapped = getattr(address, "ipv4_mapped", None)
    return any(each in network for each in (address, mapped) if each for network in _networks(networks))


@lru_cache(maxsize=64)
def _networks(listed: tuple[str, ...]) -> tuple[_Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in listed)
