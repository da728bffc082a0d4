"""A certificate's names and key are DER to their last octet, though nobody reads them when it is parsed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pki import asn1, extensions, names, oids, tbs
from pki.algorithms import KeyAlgorithm
from pki.errors import MalformedInput
from pki.keys import HybridPrivateKey
from pki.tbs import Certificate

KEY = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
GOOD = names.encode(common_name="pump")
SPKI = KEY.classical.public.spki
LEVELS_BELOW_A_NAME = 38
"""40 in the whole certificate, of which a name stands two deep."""


def name_with(value: bytes) -> bytes:
    """A Name whose one attribute has this value."""
    return asn1.sequence(asn1.set_of([asn1.sequence(asn1.oid(oids.COMMON_NAME), value)]))


def nested(levels: int) -> bytes:
    """A SEQUENCE with so many levels below it."""
    found = asn1.sequence()
    for _ in range(levels):
        found = asn1.sequence(found)
    return found


def certificate(*, issuer: bytes = GOOD, subject: bytes = GOOD, spki: bytes = SPKI) -> bytes:
    """Signed, with these fields as they are."""
    moment = asn1.time(datetime(2026, 11, 22, tzinfo=UTC))
    head = asn1.explicit(0, asn1.integer(2)) + asn1.integer(1)
    listed = (extensions.basic_constraints(ca=False).encode(),)
    return tbs.sign(
        tbs.Unsigned(head, issuer + asn1.sequence(moment, moment) + subject + spki, listed, 3), KEY
    )


ODD_VALUES = {
    "boolean neither 00 nor FF": b"\x01\x01\x01",
    "padded integer": b"\x02\x02\x00\x01",
    "length not minimal": b"\x0c\x81\x01a",
    "indefinite length": b"\x30\x80\x00\x00",
    "tag of several bytes": b"\x1f\x01\x00",
    "longer than what holds it": b"\x30\x03\x0c\x05a",
}


@pytest.mark.parametrize("odd", ODD_VALUES.values(), ids=ODD_VALUES.keys())
@pytest.mark.parametrize("field", ["issuer", "subject", "spki"])
def test_what_is_not_der_inside_a_name_or_key_refuses_the_certificate(field: str, odd: bytes) -> None:
    with pytest.raises(MalformedInput):
        Certificate.parse(certificate(**{field: name_with(odd)}))


def test_depth_is_counted_from_the_whole_certificate() -> None:
    deepest = certificate(subject=nested(LEVELS_BELOW_A_NAME))
    assert Certificate.parse(deepest).subject == nested(LEVELS_BELOW_A_NAME)
    with pytest.raises(MalformedInput, match="nested deeper"):
        Certificate.parse(certificate(subject=nested(LEVELS_BELOW_A_NAME + 1)))


def test_the_fields_as_they_are_meant_parse() -> None:
    parsed = Certificate.parse(certificate())
    assert (parsed.issuer, parsed.subject, parsed.spki) == (GOOD, GOOD, SPKI)
