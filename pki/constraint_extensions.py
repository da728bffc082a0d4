"""What a CA may certify, and under which policies (RFC 5280 4.2.1.4, 4.2.1.10, 4.2.1.11, 4.2.1.14).

Encoders, and readers that refuse what is malformed. Not handled here: judging a path (pki.path).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pki import asn1, oids
from pki.errors import MalformedInput, RequestRefused
from pki.extensions import Extension

_DNS, _URI, _DIRECTORY, _IP = 2, 6, 4, 7
_PERMITTED, _EXCLUDED = 0xA0, 0xA1
_NAMES: Final = "nameConstraints"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subtrees:
    """Names by kind: DNS and URI hosts in RFC 5280's form, IP networks as text, directory names as DER."""

    dns: tuple[str, ...] = ()
    ip: tuple[str, ...] = ()
    uri: tuple[str, ...] = ()
    directory: tuple[bytes, ...] = ()
    foreign: tuple[str, ...] = ()
    """Tags of kinds that are not written here, e.g. `tag 0x81`; only ever read."""

    @property
    def empty(self) -> bool:
        """Whether it constrains nothing."""
        return not (self.dns or self.ip or self.uri or self.directory or self.foreign)


@dataclass(frozen=True, slots=True, kw_only=True)
class NameConstraints:
    """4.2.1.10: what every certificate below may be named, and what it may not."""

    permitted: Subtrees = Subtrees()
    excluded: Subtrees = Subtrees()


def name_constraints(constraints: NameConstraints) -> Extension:
    """4.2.1.10, critical; RequestRefused names a malformed part, and an empty whole."""
    parts = [
        asn1.tlv(tag, b"".join(asn1.sequence(base) for base in _bases(subtrees)))
        for tag, subtrees in ((_PERMITTED, constraints.permitted), (_EXCLUDED, constraints.excluded))
        if not subtrees.empty
    ]
    if not parts:
        raise RequestRefused("The name constraints constrain nothing.", field="name_constraints")
    return Extension(oids.NAME_CONSTRAINTS, True, asn1.sequence(*parts))


def _bases(subtrees: Subtrees) -> Iterable[bytes]:
    yield from (asn1.implicit(_DNS, _ascii(name, "dns")) for name in subtrees.dns)
    yield from (asn1.explicit(_DIRECTORY, name) for name in subtrees.directory)
    yield from (asn1.implicit(_URI, _ascii(host, "uri")) for host in subtrees.uri)
    yield from (asn1.implicit(_IP, network_octets(text)) for text in subtrees.ip)


def _ascii(text: str, field: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError as bad:
        raise RequestRefused(f"{text!r} is not ASCII; write its A-labels.", field=field) from bad


def network_octets(text: str) -> bytes:
    """Address and mask of a network, 8 or 32 octets; RequestRefused for what is none."""
    try:
        network = ipaddress.ip_network(text)
    except ValueError as bad:
        raise RequestRefused(f"{text!r} is not a network: {bad}.", field="ip") from bad
    return network.network_address.packed + network.netmask.packed


def subtree_bases(value: bytes) -> tuple[list[asn1.Tlv], list[asn1.Tlv]]:
    """The bases' places in `value`, permitted and excluded (4.2.1.10), whatever kind of name they are.

    MalformedInput for lists out of place, an empty extension or list, minimum and maximum.
    """
    parts = asn1.children(value, asn1.whole(value, what=_NAMES))
    if [part.tag for part in parts] not in ([_PERMITTED], [_EXCLUDED], [_PERMITTED, _EXCLUDED]):
        raise MalformedInput("nameConstraints is not one or two lists of subtrees.", field=_NAMES)
    lists = {part.tag: [_base(value, each) for each in asn1.children(value, part)] for part in parts}
    if not all(lists.values()):
        raise MalformedInput("A list of subtrees is empty.", field=_NAMES)
    return lists.get(_PERMITTED, []), lists.get(_EXCLUDED, [])


def _base(buf: bytes, subtree: asn1.Tlv) -> asn1.Tlv:
    fields = asn1.children(buf, subtree)
    if subtree.tag != asn1.SEQUENCE or len(fields) != 1:
        raise MalformedInput("A subtree has a minimum or maximum, or no base.", field=_NAMES)
    return fields[0]


def network_mask(octets: bytes) -> tuple[int, int, int]:
    """(octets of an address, address, mask) of an iPAddress base; MalformedInput where the mask has gaps."""
    size = len(octets) // 2
    mask, full = int.from_bytes(octets[size:], "big"), (1 << 8 * size) - 1
    inverse = mask ^ full
    if len(octets) not in (8, 32) or inverse & (inverse + 1):
        raise MalformedInput("An iPAddress constraint is not an address and a mask.", field=_NAMES)
    return size, int.from_bytes(octets[:size], "big"), mask


def read_name_constraints(value: bytes) -> NameConstraints:
    """What `name_constraints` writes; MalformedInput as of subtree_bases, and for networks with host bits."""
    permitted, excluded = subtree_bases(value)
    return NameConstraints(
        permitted=_read_subtrees(value, permitted), excluded=_read_subtrees(value, excluded)
    )


def _read_subtrees(buf: bytes, bases: Iterable[asn1.Tlv]) -> Subtrees:
    found: dict[str, list[str]] = {"dns": [], "ip": [], "uri": [], "foreign": []}
    directory: list[bytes] = []
    for base in bases:
        octets = asn1.content(buf, base)
        if base.tag == 0x80 | _DNS:
            found["dns"].append(octets.decode("ascii", "backslashreplace"))
        elif base.tag == 0x80 | _URI:
            found["uri"].append(octets.decode("ascii", "backslashreplace"))
        elif base.tag == 0x80 | _IP:
            found["ip"].append(_network(octets))
        elif base.tag == 0xA0 | _DIRECTORY:
            directory.append(octets)
        else:
            found["foreign"].append(f"tag 0x{base.tag:02x}")
    kinds = {kind: tuple(names) for kind, names in found.items()}
    return Subtrees(directory=tuple(directory), **kinds)


def _network(octets: bytes) -> str:
    size, _, mask = network_mask(octets)
    try:
        return str(ipaddress.ip_network((octets[:size], mask.bit_count())))
    except ValueError as bad:
        raise MalformedInput(f"An iPAddress constraint is no network: {bad}.", field=_NAMES) from bad


def certificate_policies(policies: Iterable[str]) -> Extension:
    """4.2.1.4, not critical: identifiers without qualifiers."""
    listed = (asn1.sequence(asn1.oid(dotted)) for dotted in policies)
    return Extension(oids.CERTIFICATE_POLICIES, False, asn1.sequence(*listed))


def read_certificate_policies(value: bytes) -> tuple[str, ...]:
    """The policies, dotted, qualifiers left aside; MalformedInput where one is there twice (4.2.1.4)."""
    found = []
    for information in asn1.children(value, asn1.whole(value, what="certificatePolicies")):
        fields = asn1.children(value, information)
        if information.tag != asn1.SEQUENCE or not 1 <= len(fields) <= 2:
            raise MalformedInput("A policy is not an identifier and qualifiers.", field="certificatePolicies")
        found.append(asn1.oid_value(value, fields[0]))
    if not found or len(set(found)) != len(found):
        raise MalformedInput("There is no policy, or one is there twice.", field="certificatePolicies")
    return tuple(found)


@dataclass(frozen=True, slots=True)
class PolicyConstraints:
    """4.2.1.11: after how many more certificates a policy is required, or mapping ends; None: not said."""

    require_explicit_policy: int | None = None
    inhibit_policy_mapping: int | None = None


def read_policy_constraints(value: bytes) -> PolicyConstraints:
    """MalformedInput for what is empty, out of order or negative."""
    fields = asn1.children(value, asn1.whole(value, what="policyConstraints"))
    tags = [field.tag for field in fields]
    if tags not in ([0x80], [0x81], [0x80, 0x81]):
        raise MalformedInput("It is not one or two skip counts.", field="policyConstraints")
    counts = {field.tag: _skip(asn1.content(value, field), "policyConstraints") for field in fields}
    return PolicyConstraints(counts.get(0x80), counts.get(0x81))


def read_inhibit_any_policy(value: bytes) -> int:
    """4.2.1.14: after how many more certificates anyPolicy stands for nothing."""
    return _skip(asn1.content(value, asn1.whole(value, asn1.INTEGER, "inhibitAnyPolicy")), "inhibitAnyPolicy")


def _skip(octets: bytes, field: str) -> int:
    element = asn1.tlv(asn1.INTEGER, octets)
    count = asn1.int_value(element, asn1.whole(element, asn1.INTEGER))
    if count < 0:
        raise MalformedInput("A skip count is negative.", field=field)
    return count


_MAX_URL: Final = 2048


def mud_url(url: str) -> Extension:
    """RFC 8520 10, not critical: where the maker describes the device's traffic. RequestRefused: no https."""
    octets = _ascii(url, "mud_url")
    if not url.startswith("https://") or len(octets) > _MAX_URL or not url.isprintable() or " " in url:
        raise RequestRefused(f"{url[:80]!r} is not an https URL.", field="mud_url")
    return Extension(oids.MUD_URL, False, asn1.tlv(asn1.IA5_STRING, octets))


def read_mud_url(value: bytes) -> str:
    """The URL."""
    whole = asn1.whole(value, asn1.IA5_STRING, "mudURL")
    return asn1.content(value, whole).decode("ascii", "backslashreplace")
