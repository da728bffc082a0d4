"""Distinguished names (RFC 5280 4.1.2.4): written in one form, shown safely, compared as bytes."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pki import asn1, oids
from pki.errors import MalformedInput, RequestRefused

_SHORT: Final = {
    oids.COMMON_NAME: "CN",
    oids.SERIAL_NUMBER_ATTRIBUTE: "serialNumber",
    oids.COUNTRY: "C",
    oids.ORGANIZATION: "O",
    oids.ORGANIZATIONAL_UNIT: "OU",
}
_UPPER_BOUND: Final = {"CN": 64, "serialNumber": 64, "C": 2, "O": 64, "OU": 64}
"""RFC 5280 appendix A.1, ub-*."""
_PRINTABLE: Final = re.compile(r"[A-Za-z0-9 '()+,./:=?-]+")
_SHORT_NAME: Final = 256
_STRINGS: Final = (asn1.UTF8_STRING, asn1.PRINTABLE_STRING, asn1.IA5_STRING)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One AttributeTypeAndValue: a dotted type and its text."""

    oid: str
    value: str

    @property
    def label(self) -> str:
        """CN, O ... or the dotted type."""
        return _SHORT.get(self.oid, self.oid)


def encode(*, common_name: str, organization: str = "", serial_number: str = "") -> bytes:
    """A Name in DER: O, CN, serialNumber, one attribute an RDN; RequestRefused names a bad field."""
    attributes = [
        Attribute(oids.ORGANIZATION, organization),
        Attribute(oids.COMMON_NAME, common_name),
        Attribute(oids.SERIAL_NUMBER_ATTRIBUTE, serial_number),
    ]
    return asn1.sequence(*(_rdn(attribute) for attribute in attributes if attribute.value))


def _rdn(attribute: Attribute) -> bytes:
    check_text(attribute.value, attribute.label, _UPPER_BOUND[attribute.label])
    tag = asn1.PRINTABLE_STRING if attribute.label in ("C", "serialNumber") else asn1.UTF8_STRING
    if tag == asn1.PRINTABLE_STRING and not _PRINTABLE.fullmatch(attribute.value):
        problem = f"{attribute.label} {attribute.value!r} holds more than letters, digits and ' ()+,-./:=?"
        raise RequestRefused(f"{problem} (X.680 PrintableString).", field=attribute.label)
    return asn1.set_of([asn1.sequence(asn1.oid(attribute.oid), asn1.tlv(tag, attribute.value.encode()))])


def check_text(text: str, field: str, most: int) -> None:
    """Refuses empty, over-long and unprintable text: controls, formats (bidi), surrogates, private use."""
    if not 1 <= len(text) <= most:
        raise RequestRefused(f"{field} has {len(text)} characters; 1 to {most} are allowed.", field=field)
    if text.isascii() and text.isprintable():
        return
    bad = next((c for c in text if unicodedata.category(c)[0] == "C"), None)
    if bad is not None:
        raise RequestRefused(f"{field} holds the unprintable character U+{ord(bad):04X}.", field=field)


def parse(der: bytes) -> tuple[Attribute, ...]:
    """The attributes of a Name in order; MalformedInput for what is not one."""
    return _parse_short(der) if len(der) <= _SHORT_NAME else _parse(der)


def _parse(der: bytes) -> tuple[Attribute, ...]:
    found = []
    for rdn in asn1.children(der, asn1.whole(der, what="name")):
        if rdn.tag != asn1.SET:
            raise MalformedInput("A relative distinguished name is not a SET.", field="name")
        for pair in asn1.children(der, rdn):
            parts = asn1.children(der, pair)
            if len(parts) != 2 or pair.tag != asn1.SEQUENCE:
                raise MalformedInput("A name's attribute is not a type and a value.", field="name")
            raw = asn1.content(der, parts[1])
            text = raw.decode("utf-8", "replace") if parts[1].tag in _STRINGS else f"#{raw.hex()}"
            found.append(Attribute(asn1.oid_value(der, parts[0]), text))
    return tuple(found)


# A subject is read when it is asked for, when it is judged and when it is linted; refusals are not kept.
_parse_short: Final = lru_cache(maxsize=512)(_parse)


def common_names(der: bytes) -> tuple[str, ...]:
    """Every CN in a Name, in order."""
    return tuple(a.value for a in parse(der) if a.oid == oids.COMMON_NAME)


def show(der: bytes) -> str:
    """A Name for people: RFC 4514's order kept as encoded, unprintable characters escaped."""
    shown = ("".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in a.value) for a in parse(der))
    return ", ".join(f"{a.label}={text}" for a, text in zip(parse(der), shown, strict=True))
