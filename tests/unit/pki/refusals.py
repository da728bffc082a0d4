"""What a request may not be: each row of docs/requests.md's table, as bytes. Encodings, and the noun."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pki import asn1, oids
from pki.algorithms import algorithm_identifier
from pki.extensions import Extension
from pki.profiles import DEVICE_CLASSICAL, Profile
from tests.unit.pki.request_fixtures import (
    MINE,
    SUBJECT,
    asked,
    attribute,
    catalyst_attributes,
    request,
)

MALFORMED = "malformed"
"""In the place of a rule: the request is not even read, and the error is a MalformedInput."""


@dataclass(frozen=True)
class Refusal:
    """One row: what the request holds, the rule that refuses it, the field that the refusal names."""

    what: str
    rule: str
    field: str
    make: Callable[[], bytes]
    profile: Profile = DEVICE_CLASSICAL


def another_version() -> bytes:
    body = asn1.sequence(asn1.integer(1), SUBJECT, MINE.classical.public.spki, b"\xa0\x00")
    algorithm = algorithm_identifier(MINE.classical.signs_with)
    return asn1.sequence(body, algorithm, asn1.bit_string(MINE.classical.sign(body)))


def listed() -> list[bytes]:
    return sorted(attribute(dotted, value) for dotted, value in catalyst_attributes().items())


def twice() -> bytes:
    return request(raw=sorted([*listed(), attribute(oids.SUBJECT_ALT_PUBLIC_KEY_INFO, asn1.null())]))


def two_values() -> bytes:
    return request(raw=[asn1.sequence(asn1.oid("1.2.3"), asn1.set_of([asn1.null(), asn1.null()]))])


def nested() -> bytes:
    der = asn1.null()
    for _ in range(60):
        der = asn1.sequence(der)
    return request(raw=[der])


def loose_boolean() -> bytes:
    """CA:TRUE as BER may write it, 01 instead of FF."""
    constraints = asn1.sequence(b"\x01\x01\x01")
    return request({oids.EXTENSION_REQUEST: asn1.sequence(asn1.sequence(asn1.oid("2.5.29.19"), constraints))})


def padded_integer() -> bytes:
    return request({"1.2.3": b"\x02\x02\x00\x01"})


def encoding(what: str, field: str, make: Callable[[], bytes]) -> Refusal:
    return Refusal(what, MALFORMED, field, make)


ENCODINGS = (
    encoding("nothing", "offset 0", lambda: b""),
    encoding("trailing data", "request", lambda: request() + b"\x00"),
    encoding("a torn end", "", lambda: request()[:-1]),
    encoding("an indefinite length (BER)", "offset 0", lambda: b"\x30\x80" + request()[4:] + b"\x00\x00"),
    encoding("a length that is not minimal (BER)", "offset 0", lambda: b"\x30\x83\x00" + request()[2:]),
    encoding("a BOOLEAN 01 (BER)", "", loose_boolean),
    encoding("a padded INTEGER (BER)", "", padded_integer),
    encoding("elements nested 60 deep", "request", nested),
    encoding(
        "1 MiB of extensions", "request", lambda: request(asked(Extension("1.2.3", False, bytes(1 << 20))))
    ),
    encoding("another version", "version", another_version),
    encoding("an attribute twice", oids.SUBJECT_ALT_PUBLIC_KEY_INFO, twice),
    encoding("attributes out of DER's order", "attributes", lambda: request(raw=listed()[::-1])),
    encoding("an attribute with two values", "attributes", two_values),
    encoding(
        "a signature with unused bits",
        "",
        lambda: request({oids.ALT_SIGNATURE_VALUE: asn1.bit_string(bytes(9), 4)}),
    ),
)
