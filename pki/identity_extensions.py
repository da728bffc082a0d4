"""The subjectAltName that says who or what the subject is: hosts, hardwareModuleName (RFC 4108 5), UDI-DI.

The UDI-DI is a URI, `urn:udi:<issuing agency>:<UDI-DI, percent-encoded>`, and not an extension of our own:
an extension under 2.25 has a 128-bit arc, and GnuTLS and Go refuse the whole certificate for it. Inside
hardwareModuleName such an arc is safe, because those stacks do not look there.
"""

from __future__ import annotations

import ipaddress
import re
import urllib.parse
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pki import asn1, oids
from pki.errors import MalformedInput, RequestRefused
from pki.extensions import Extension

_DNS_NAME: Final = re.compile(
    r"(?=.{1,253}\Z)(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)
MAX_HARDWARE_SERIAL: Final = 64
_AGENCY: Final = re.compile(r"[A-Za-z0-9_-]{1,16}")
_URN: Final = "urn:udi:"
_DEVICE_IDENTIFIER: Final = re.compile(r"[!-~]{1,64}")


@lru_cache(maxsize=1024)
def hardware_type(udi: tuple[str, str] | None) -> str:
    """hwType, dotted: 2.25 and the UUID of the model's UDI-DI, or of `unspecified` where none is known."""
    name = f"urn:udi:{udi[0]}:{udi[1]}" if udi else "urn:medtrust:hw-type:unspecified"
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_URL, name).int}"


@dataclass(frozen=True, slots=True)
class AlternativeNames:
    """A subjectAltName read: what we write, and the tags of anything else."""

    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    hardware: tuple[tuple[str, bytes], ...] = ()
    """(hwType dotted, hwSerialNum)."""
    udis: tuple[tuple[str, str], ...] = ()
    """(issuing agency, UDI-DI)."""
    foreign: tuple[str, ...] = ()
    """Kinds of names that no profile writes, e.g. `tag 0x81` (an e-mail address)."""


def host_names(dns_names: tuple[str, ...], ip_addresses: tuple[str, ...]) -> Extension:
    """subjectAltName of hosts (RFC 5280 4.2.1.6); RequestRefused names a malformed one."""
    parts = [asn1.implicit(2, _dns(name)) for name in dns_names]
    parts += [asn1.implicit(7, _address(text)) for text in ip_addresses]
    return Extension(oids.SUBJECT_ALT_NAME, False, asn1.sequence(*parts))


def _dns(name: str) -> bytes:
    if not _DNS_NAME.fullmatch(name):
        raise RequestRefused(f"{name!r} is not a DNS name.", field="dns_names")
    return name.encode("ascii")


def _address(text: str) -> bytes:
    try:
        return ipaddress.ip_address(text).packed
    except ValueError as bad:
        raise RequestRefused(f"{text!r} is not an IP address.", field="ip_addresses") from bad


def canonical_address(text: str) -> str:
    """The one text form of an IP address; RequestRefused for what is none."""
    return _read_address(_address(text))


def device_names(udi: tuple[str, str] | None, hardware_serial: bytes | None) -> Extension | None:
    """subjectAltName of a device: hardwareModuleName and the UDI-DI's URI, as far as known; None for neither.

    RequestRefused names the field that is malformed; the serial has 1 to 64 octets.
    """
    parts = []
    if hardware_serial is not None:
        parts.append(_hardware(hardware_type(udi), hardware_serial))
    if udi is not None:
        parts.append(asn1.implicit(6, _urn(udi).encode("ascii")))
    return Extension(oids.SUBJECT_ALT_NAME, False, asn1.sequence(*parts)) if parts else None


def _hardware(hw_type: str, serial: bytes) -> bytes:
    if not 1 <= len(serial) <= MAX_HARDWARE_SERIAL:
        problem = f"The hardware serial has {len(serial)} octets; 1 to {MAX_HARDWARE_SERIAL} are allowed."
        raise RequestRefused(problem, field="hardware_serial")
    value = asn1.explicit(0, asn1.sequence(asn1.oid(hw_type), asn1.octet_string(serial)))
    return asn1.tlv(0xA0, asn1.oid(oids.HARDWARE_MODULE_NAME) + value)


@lru_cache(maxsize=1024)
def _urn(udi: tuple[str, str]) -> str:
    agency, identifier = udi
    if not _AGENCY.fullmatch(agency) or not _DEVICE_IDENTIFIER.fullmatch(identifier):
        raise RequestRefused(f"{agency!r}, {identifier!r} is not an agency and a UDI-DI.", field="udi")
    return f"{_URN}{agency}:{urllib.parse.quote(identifier, safe='')}"


def read_alternative_names(value: bytes) -> AlternativeNames:
    """A subjectAltName's names by kind, in order; MalformedInput for what is not one."""
    dns: list[str] = []
    addresses: list[str] = []
    hardware: list[tuple[str, bytes]] = []
    udis: list[tuple[str, str]] = []
    foreign: list[str] = []
    for name in asn1.children(value, asn1.whole(value, what="subjectAltName")):
        octets = asn1.content(value, name)
        if name.tag == 0x82:
            dns.append(octets.decode("ascii", "backslashreplace"))
        elif name.tag == 0x87:
            addresses.append(_read_address(octets))
        elif name.tag == 0xA0 and octets.startswith(asn1.oid(oids.HARDWARE_MODULE_NAME)):
            hardware.append(_read_hardware(value, name))
        elif name.tag == 0x86 and (udi := _read_urn(octets.decode("ascii", "replace"))):
            udis.append(udi)
        else:
            foreign.append(f"tag 0x{name.tag:02x}")
    return AlternativeNames(tuple(dns), tuple(addresses), tuple(hardware), tuple(udis), tuple(foreign))


def _read_address(octets: bytes) -> str:
    try:
        return str(ipaddress.ip_address(octets))
    except ValueError as bad:
        raise MalformedInput("An iPAddress is neither 4 nor 16 octets.", field="subjectAltName") from bad


def _read_hardware(buf: bytes, name: asn1.Tlv) -> tuple[str, bytes]:
    wrapped = asn1.children(buf, name)[1:]
    inner = asn1.children(buf, wrapped[0]) if len(wrapped) == 1 and wrapped[0].tag == 0xA0 else []
    parts = asn1.children(buf, inner[0]) if len(inner) == 1 and inner[0].tag == asn1.SEQUENCE else []
    if len(parts) != 2:
        raise MalformedInput("hardwareModuleName is not a type and a serial.", field="subjectAltName")
    return asn1.oid_value(buf, parts[0]), asn1.content(buf, parts[1], asn1.OCTET_STRING)


@lru_cache(maxsize=1024)
def _read_urn(text: str) -> tuple[str, str] | None:
    """(issuing agency, UDI-DI) of a URI in exactly the form that is written here."""
    agency, _, quoted = text.removeprefix(_URN).partition(":")
    udi = (agency, urllib.parse.unquote(quoted, errors="replace"))
    try:
        return udi if text == _urn(udi) else None
    except RequestRefused:
        return None
