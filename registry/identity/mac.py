"""MAC addresses: one spelling for all, and what an address can and cannot testify."""

from __future__ import annotations

import re

from registry.model.errors import BadInput
from registry.model.finding import Finding, Severity

_SPELLINGS = (
    re.compile(r"[0-9A-Fa-f]{2}(:[0-9A-Fa-f]{2}){5}"),
    re.compile(r"[0-9A-Fa-f]{2}(-[0-9A-Fa-f]{2}){5}"),
    re.compile(r"[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2}"),
    re.compile(r"[0-9A-Fa-f]{12}"),
)
_LONGEST_ECHO = 40


def parse_mac(text: str) -> str:
    """`aa:bb:cc:dd:ee:ff` from colons, hyphens, Cisco's dots or bare hex. Raises BadInput (field `mac`)."""
    trimmed = text.strip()
    if not any(spelling.fullmatch(trimmed) for spelling in _SPELLINGS):
        raise BadInput(
            f"{text[:_LONGEST_ECHO]!r} is no MAC address.",
            next_step="Write six octets in hex, such as 00:1b:44:11:3a:b7.",
            field="mac",
        )
    digits = re.sub(r"[:.\-]", "", trimmed).lower()
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def mac_findings(mac: str) -> tuple[Finding, ...]:
    """What an address in the form of parse_mac says against itself as evidence of a device."""
    first = int(mac[:2], 16)
    if mac == "00:00:00:00:00:00":
        return (Finding("mac.all_zero", Severity.ERROR, "An address of zeros names no interface.", mac),)
    if first & 1:
        return (
            Finding("mac.multicast", Severity.ERROR, "A group address belongs to no single device.", mac),
        )
    if first & 2:
        message = "The address is locally administered: it is no evidence of a maker and may change."
        return (Finding("mac.locally_administered", Severity.WARNING, message, mac),)
    return ()
