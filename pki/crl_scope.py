"""What a list speaks of, and where newer news is (RFC 5280 5.2.5, 5.2.6): written, and read strictly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pki import asn1, oids
from pki.asn1 import Tlv
from pki.errors import MalformedInput
from pki.extensions import Extension, crl_distribution_points

_MAX_NAMES: Final = 64


@dataclass(frozen=True, slots=True)
class ListScope:
    """issuingDistributionPoint (5.2.5), read: which certificates a list speaks of."""

    distribution_point: tuple[str, ...] = ()
    """URIs under which the list is handed out; a certificate must name one of them. Empty: no such limit."""
    only_user_certificates: bool = False
    only_ca_certificates: bool = False
    only_attribute_certificates: bool = False
    only_some_reasons: bool = False
    indirect: bool = False


WHOLE: Final = ListScope()
"""A list without the extension: everything that its issuer issued."""


def issuing_distribution_point(url: str) -> Extension:
    """5.2.5, critical: the list covers the certificates whose distribution point is this URL."""
    name = asn1.implicit(6, url.encode("ascii"))
    # [0] DistributionPointName, which is a CHOICE and therefore explicit, { [0] fullName }.
    return Extension(
        oids.ISSUING_DISTRIBUTION_POINT, True, asn1.sequence(asn1.explicit(0, asn1.tlv(0xA0, name)))
    )


def freshest_crl(url: str) -> Extension:
    """5.2.6, not critical: where the changes since this list are."""
    return Extension(oids.FRESHEST_CRL, False, crl_distribution_points([url]).value)


_FLAGS: Final = {
    0x81: "only_user_certificates",
    0x82: "only_ca_certificates",
    0x84: "indirect",
    0x85: "only_attribute_certificates",
}


def read_issuing_distribution_point(value: bytes) -> ListScope:
    """The scope; MalformedInput where it is not DER, empty, or names its place by anything but URIs."""
    parts = asn1.children(value, asn1.whole(value, what="issuingDistributionPoint"))
    tags = [part.tag for part in parts]
    if not parts or tags != sorted(set(tags)):
        raise _malformed("is empty, or its parts are not in order")
    flags: dict[str, bool] = {}
    point: tuple[str, ...] = ()
    for part in parts:
        if part.tag == 0xA0:
            point = _full_name(value, part)
        elif part.tag == 0x83:
            flags["only_some_reasons"] = True
        elif part.tag in _FLAGS and asn1.content(value, part) == b"\xff":
            flags[_FLAGS[part.tag]] = True
        else:
            raise _malformed(f"has a part 0x{part.tag:02x} that it may not have")
    return ListScope(point, **flags)


def _full_name(value: bytes, part: Tlv) -> tuple[str, ...]:
    inner = asn1.children(value, part)
    names = asn1.children(value, inner[0]) if len(inner) == 1 and inner[0].tag == 0xA0 else []
    found = [asn1.content(value, name) for name in names if name.tag == 0x86]
    if not found or len(found) != len(names) or len(names) > _MAX_NAMES:
        raise _malformed("does not name its place by URIs")
    if not all(name.isascii() for name in found):
        raise _malformed("holds a URI that is not ASCII")
    return tuple(name.decode("ascii") for name in found)


def _malformed(what: str) -> MalformedInput:
    return MalformedInput(f"issuingDistributionPoint {what}.", field="issuingDistributionPoint")
