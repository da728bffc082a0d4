"""Our DER against asn1crypto as a second reader and writer, and against bytes that are not DER."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from asn1crypto import core, x509
from hypothesis import given
from hypothesis import strategies as st

from pki import asn1, oids
from pki.der_check import check
from pki.errors import MalformedInput
from pki.extensions import read_extensions
from tests.unit.registry.hospital import authority

ARCS = st.lists(st.integers(0, 2**128), min_size=0, max_size=6)


@given(st.integers(-(2**200), 2**200))
def test_integers_are_those_of_asn1crypto(value: int) -> None:
    der = asn1.integer(value)
    assert der == core.Integer(value).dump()
    assert asn1.int_value(der, asn1.read(der)) == value


@given(st.integers(0, 2), st.integers(0, 39), ARCS)
def test_object_identifiers_are_those_of_asn1crypto(first: int, second: int, rest: list[int]) -> None:
    dotted = ".".join(map(str, (first, second, *rest)))
    der = asn1.oid(dotted)
    assert der == core.ObjectIdentifier(dotted).dump()
    assert asn1.oid_value(der, asn1.read(der)) == dotted


@given(st.binary(max_size=70_000))
def test_lengths_of_every_size_are_those_of_asn1crypto(content: bytes) -> None:
    der = asn1.octet_string(content)
    assert der == core.OctetString(content).dump()
    assert asn1.content(der, asn1.whole(der, asn1.OCTET_STRING)) == content


@given(st.integers(-631_152_000, 7_258_118_399))
def test_times_come_back_to_the_second(seconds: int) -> None:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds, microseconds=seconds % 10)
    der = asn1.time(moment)
    assert asn1.time_value(der, asn1.read(der)) == moment.replace(microsecond=0)
    assert der[0] == (asn1.UTC_TIME if moment.year < 2050 else asn1.GENERALIZED_TIME)


def test_a_hybrid_certificate_reads_the_same_in_asn1crypto() -> None:
    root, issuing, _ = authority()
    for ours in (root, issuing):
        theirs = x509.Certificate.load(ours.der, strict=True)
        assert theirs.dump(force=True) == ours.der
        assert theirs.serial_number == ours.serial
        assert theirs.not_valid_after == ours.not_after
        listed = [e["extn_id"].dotted for e in theirs["tbs_certificate"]["extensions"]]
        assert listed == [e.oid for e in ours.extensions]


@pytest.mark.parametrize(
    ("der", "why"),
    [
        (b"", "middle"),
        (b"\x30", "middle"),
        (b"\x30\x80\x00\x00", "indefinite"),
        (b"\x30\x81\x01\x00", "minimal"),
        (b"\x30\x82\x00\x80" + bytes(128), "minimal"),
        (b"\x30\x02\x05", "longer"),
        (b"\x30\x00\x00", "trail"),
        (b"\x30\x03\x02\x01", "longer"),
        (b"\x30\x04\x02\x02\x00\x01", "padded"),
        (b"\x30\x03\x01\x01\x01", "BOOLEAN"),
        (b"\x3f\x81\x01\x00", "multi-byte"),
    ],
)
def test_what_is_not_der_is_refused_in_words(der: bytes, why: str) -> None:
    with pytest.raises(MalformedInput, match=why):
        check(der)


def test_deep_nesting_is_refused_without_recursion() -> None:
    der = b"\x05\x00"
    for _ in range(5_000):
        der = asn1.sequence(der)
    with pytest.raises(MalformedInput, match="nested"):
        check(der)


@given(st.binary(max_size=300))
def test_any_octets_give_a_typed_error_or_pass(octets: bytes) -> None:
    try:
        check(octets)
    except MalformedInput:
        return
    assert asn1.whole(octets, octets[0]).end == len(octets)


@pytest.mark.parametrize(
    ("inside", "why"),
    [
        (b"\x05", "middle"),
        (b"\x05\x01", "longer"),
        (b"\x05\x00\x04\x02\x00", "longer"),
        (b"\x1f\x00", "multi-byte"),
        (b"\x05\x80", "indefinite"),
        (b"\x05\x81\x01\x00", "minimal"),
    ],
)
def test_an_element_stays_inside_what_holds_it(inside: bytes, why: str) -> None:
    der = asn1.tlv(asn1.SEQUENCE, inside) + bytes(200)
    with pytest.raises(MalformedInput, match=why):
        asn1.children(der, asn1.read(der))


@pytest.mark.parametrize(
    "parts",
    [
        (asn1.oid(oids.KEY_USAGE),),
        (asn1.oid(oids.KEY_USAGE), asn1.boolean(False), asn1.octet_string(b"")),
        (asn1.oid(oids.KEY_USAGE), asn1.null(), asn1.octet_string(b"")),
        (asn1.oid(oids.KEY_USAGE), asn1.null()),
        (asn1.oid(oids.KEY_USAGE), asn1.boolean(True), asn1.octet_string(b""), asn1.octet_string(b"")),
    ],
)
def test_a_malformed_extension_is_refused_each_time(parts: tuple[bytes, ...]) -> None:
    der = asn1.sequence(asn1.sequence(*parts))
    for _ in range(2):  # short ones are remembered; refusals are not
        with pytest.raises(MalformedInput):
            read_extensions(der)
