"""Hostile requests: typed errors that name the field, at once, and never another exception."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from pki import asn1, csr, oids
from pki.algorithms import algorithm_identifier
from pki.errors import MalformedInput, PkiError
from pki.extensions import (
    Extension,
)
from tests.unit.pki.request_fixtures import (
    MINE,
    SUBJECT,
    asked,
    attribute,
    catalyst_attributes,
    request,
)

GOOD = request()


def foreign_key(kind: str) -> bytes:
    private = (
        rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose: it must be refused
        if kind == "rsa"
        else ec.generate_private_key(ec.SECP256K1())
    )
    return private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def compressed() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    algorithm = asn1.sequence(asn1.oid(oids.EC_PUBLIC_KEY), asn1.oid(oids.SECP256R1))
    return asn1.sequence(algorithm, asn1.bit_string(point))


def another_version(version: int) -> bytes:
    body = asn1.sequence(asn1.integer(version), SUBJECT, MINE.classical.public.spki, b"\xa0\x00")
    algorithm = algorithm_identifier(MINE.classical.signs_with)
    return asn1.sequence(body, algorithm, asn1.bit_string(MINE.classical.sign(body)))


def listed() -> list[bytes]:
    return sorted(attribute(dotted, value) for dotted, value in catalyst_attributes().items())


MALFORMED: dict[str, tuple[str, Callable[[], bytes]]] = {
    "empty": ("offset 0", lambda: b""),
    "trailing": ("request", lambda: GOOD + b"\x00"),
    "cut": ("", lambda: GOOD[:-1]),
    "indefinite length": ("", lambda: b"\x30\x80" + GOOD[4:] + b"\x00\x00"),
    "padded length": ("", lambda: b"\x30\x83\x00" + GOOD[2:]),
    "version 2": ("version", lambda: another_version(1)),
    "no attributes": ("version", lambda: asn1.sequence(asn1.sequence(asn1.integer(0)), SUBJECT, SUBJECT)),
    "rsa-1024": ("subjectPublicKeyInfo", lambda: request(spki=foreign_key("rsa"))),
    "secp256k1": ("subjectPublicKeyInfo", lambda: request(spki=foreign_key("secp256k1"))),
    "compressed point": ("subjectPublicKeyInfo", lambda: request(spki=compressed())),
    "attribute twice": (
        oids.SUBJECT_ALT_PUBLIC_KEY_INFO,
        lambda: request(raw=sorted([*listed(), attribute(oids.SUBJECT_ALT_PUBLIC_KEY_INFO, asn1.null())])),
    ),
    "unsorted": ("attributes", lambda: request(raw=listed()[::-1])),
    "two values": (
        "attributes",
        lambda: request(raw=[asn1.sequence(asn1.oid("1.2.3"), asn1.set_of([asn1.null(), asn1.null()]))]),
    ),
    "unused bits": ("", lambda: request({oids.ALT_SIGNATURE_VALUE: asn1.bit_string(bytes(9), 4)})),
    "alternative rsa": (
        "subjectAltPublicKeyInfo",
        lambda: request({oids.SUBJECT_ALT_PUBLIC_KEY_INFO: foreign_key("rsa")}),
    ),
    "a mebibyte of extensions": (
        "request",
        lambda: request(asked(Extension("1.2.3", False, bytes(1 << 20)))),
    ),
    "nested deep": ("request", lambda: request(raw=[nested(60)])),
}


def nested(depth: int) -> bytes:
    der = asn1.null()
    for _ in range(depth):
        der = asn1.sequence(der)
    return der


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_request_names_the_field(case: str) -> None:
    field, make = MALFORMED[case]
    with pytest.raises(MalformedInput) as refused:
        csr.Request.parse(make())
    assert refused.value.problem
    assert refused.value.field == field or not field


def refused_or_unproven(der: bytes) -> bool:
    try:
        return csr.verify_possession(csr.Request.parse(der)) != ()
    except PkiError:
        return True


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_flipped_octet_is_refused_or_unproven(at: int, flip: int) -> None:
    der = bytearray(GOOD)
    der[at] ^= flip
    assert refused_or_unproven(bytes(der))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(PkiError):
        csr.Request.parse(data)
