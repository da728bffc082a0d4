"""Related certificates (RFC 9763): the attribute and the extension, ours and everything that is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from pyasn1.codec.der.decoder import decode
from pyasn1_alt_modules import rfc9763

from pki import asn1, csr, oids, related
from pki.csr import Shown
from pki.csr_build import Holder
from pki.errors import MalformedInput
from pki.issuer_and_serial import IssuerAndSerial
from pki.keys import HybridPrivateKey
from pki.profiles import DEVICE_CLASSICAL, DEVICE_RELATED
from pki.providers.interface import KeyAlgorithm
from pki.related import RelatedCertificate, RelatedRequest
from pki.request_rules import check_request
from pki.tbs import Certificate
from tests.unit.pki.issuing_fixtures import DEVICE_FACTS, NOW, house, issue

NEW = HybridPrivateKey.generate(KeyAlgorithm.ML_DSA_65, None)
OLD = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)


def held() -> Holder:
    return Holder(Certificate.parse(issue(DEVICE_CLASSICAL, key=OLD).der), OLD.classical)


HELD = held()
OTHER = held()
ASKED = RelatedRequest.read(related.ask(HELD.certificate, HELD.key, NOW))
SUBJECT = HELD.certificate.subject


def asked_in(der: bytes) -> csr.Request:
    return csr.Request.parse(der)


def request(holder: Holder = HELD) -> csr.Request:
    return asked_in(csr.build(NEW, common_name="device-0001", bound_to=(holder, NOW)))


def rules(
    found: RelatedRequest, certificate: Certificate = HELD.certificate, now: datetime = NOW
) -> list[str]:
    return [finding.rule for finding in related.check(found, certificate, SUBJECT, now)]


def test_a_related_request_reads_back() -> None:
    assert ASKED.reference.names(HELD.certificate)
    assert ASKED.requested_at == NOW.replace(microsecond=0)
    assert ASKED.enclosed == HELD.certificate.der
    assert RelatedRequest.read(ASKED.encode()) == ASKED
    assert ASKED.proves(HELD.certificate)


def test_another_reader_finds_what_was_written() -> None:
    value, rest = decode(ASKED.encode()[:2] + ASKED.encode()[2:])
    assert rest == b""
    assert int(value[0][1]) == HELD.certificate.serial
    assert int(value[1]) == int(NOW.timestamp())
    assert str(value[2][0]).startswith("data:application/pkix-cert;base64,")
    extension, rest = decode(
        related.related_certificate(HELD.certificate.der), asn1Spec=rfc9763.RelatedCertificate()
    )
    assert (rest, str(extension["hashAlgorithm"]["algorithm"])) == (b"", oids.SHA256)


def test_the_signature_is_over_certid_and_time_one_behind_the_other() -> None:
    expected = IssuerAndSerial.of(HELD.certificate).encode() + asn1.integer(int(NOW.timestamp()))
    assert ASKED.signed == expected
    key = HELD.key.public
    assert key.verify(key.signs_with, ASKED.signature, expected)


def test_a_good_request_is_proved_and_found_good() -> None:
    parsed = replace(request(), shown=Shown(HELD.certificate))
    assert csr.verify_possession(parsed) == ()
    assert rules(ASKED) == []


@pytest.mark.parametrize(
    ("shown", "rule"),
    [
        (None, "request.related_certificate_not_shown"),
        (OTHER.certificate, "request.related_possession_unproven"),
    ],
)
def test_the_proof_is_by_the_certificate_that_is_shown(shown: Certificate | None, rule: str) -> None:
    parsed = replace(request(), shown=Shown(shown))
    assert [finding.rule for finding in csr.verify_possession(parsed)] == [rule]


@pytest.mark.parametrize(
    ("bound", "shown"), [(None, HELD), (OTHER.certificate.der, HELD), (HELD.certificate.der, None)]
)
def test_what_is_written_is_what_was_proved(bound: bytes | None, shown: Holder | None) -> None:
    facts = replace(DEVICE_FACTS, related=related.related_certificate(bound) if bound else None)
    parsed = replace(request(), shown=Shown(shown.certificate if shown else None))
    found = check_request(parsed, DEVICE_RELATED, facts)
    assert [finding.rule for finding in found] == ["request.related_binding_another"]
    good = replace(DEVICE_FACTS, related=related.related_certificate(HELD.certificate.der))
    assert check_request(replace(parsed, shown=Shown(HELD.certificate)), DEVICE_RELATED, good) == ()


def test_a_stranger_cannot_bind_himself_to_anothers_certificate() -> None:
    forged = RelatedRequest.read(related.ask(HELD.certificate, NEW.classical, NOW))
    assert rules(forged) == ["request.related_possession_unproven"]
    bound = asked_in(
        csr.build(NEW, common_name="device-0001", bound_to=(Holder(HELD.certificate, NEW.classical), NOW))
    )
    found = csr.verify_possession(replace(bound, shown=Shown(HELD.certificate)))
    assert [finding.rule for finding in found] == ["request.related_possession_unproven"]


def test_another_certificate_of_the_same_key_is_not_the_one_that_was_named() -> None:
    assert rules(ASKED, OTHER.certificate) == ["request.related_certificate_another"]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        (timedelta(hours=24), []),
        (timedelta(hours=24, seconds=1), ["request.related_request_not_fresh"]),
        (timedelta(minutes=-5), []),
        (timedelta(minutes=-5, seconds=-1), ["request.related_request_not_fresh"]),
    ],
)
def test_a_request_is_fresh_for_a_day(later: timedelta, expected: list[str]) -> None:
    found = rules(ASKED, now=NOW.replace(microsecond=0) + later)
    # Five minutes ago the certificate itself was not valid yet.
    assert [rule for rule in found if rule != "request.related_certificate_not_current"] == expected


def test_an_expired_certificate_binds_nothing() -> None:
    late = HELD.certificate.not_after + timedelta(seconds=1)
    found = RelatedRequest.read(related.ask(HELD.certificate, HELD.key, late))
    assert rules(found, now=late) == ["request.related_certificate_not_current"]


def test_another_subjects_certificate_binds_nothing() -> None:
    found = related.check(ASKED, HELD.certificate, house().issuer.certificate.subject, NOW)
    assert [finding.rule for finding in found] == ["request.related_subject_of_another"]


def parts(**changed: bytes) -> bytes:
    """The attribute's value, one part of it replaced."""
    values = {
        "reference": ASKED.reference.encode(),
        "time": asn1.integer(int(NOW.timestamp())),
        "places": asn1.sequence(asn1.tlv(asn1.IA5_STRING, b"http://a.example/c")),
        "signature": asn1.bit_string(ASKED.signature),
    } | changed
    return asn1.sequence(*values.values())


ONE = asn1.integer(1)
PLACES: dict[str, bytes] = {
    "none": asn1.sequence(),
    "nine": asn1.sequence(*[asn1.tlv(asn1.IA5_STRING, b"http://a")] * 9),
    "UTF-8": asn1.sequence(asn1.utf8_string("http://a")),
    "control": asn1.sequence(asn1.tlv(asn1.IA5_STRING, b"http://a\n")),
    "not ASCII": asn1.sequence(asn1.tlv(asn1.IA5_STRING, b"http://\xff")),
    "no list": asn1.tlv(asn1.IA5_STRING, b"http://a"),
}
HOSTILE: dict[str, tuple[str, Callable[[], bytes]]] = {
    **{f"places: {name}": ("locationInfo", partial(parts, places=der)) for name, der in PLACES.items()},
    "before 1970": ("requestTime", partial(parts, time=asn1.integer(-1))),
    "after 9999": ("requestTime", partial(parts, time=asn1.integer(1 << 64))),
    "a time of another type": ("offset", partial(parts, time=asn1.time(NOW))),
    "no serial": ("certID", partial(parts, reference=asn1.sequence(HELD.certificate.issuer))),
    "an issuer that is no name": (
        "name",
        partial(parts, reference=asn1.sequence(asn1.null(), ONE)),
    ),
    "unused bits": ("offset", partial(parts, signature=asn1.bit_string(b"\x80", 4))),
    "a fifth part": ("relatedCertRequest", partial(parts, more=asn1.null())),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_malformed_attribute_names_the_field(case: str) -> None:
    field, make = HOSTILE[case]
    with pytest.raises(MalformedInput) as refused:
        RelatedRequest.read(make())
    assert refused.value.field.startswith(field)


def test_a_broken_data_uri_encloses_nothing() -> None:
    broken = replace(ASKED, locations=("data:application/pkix-cert;base64,@@",))
    assert broken.enclosed is None
    assert replace(ASKED, locations=("http://a.example",)).enclosed is None


def test_the_extension_names_the_certificate_by_its_hash() -> None:
    found = RelatedCertificate.read(related.related_certificate(HELD.certificate.der))
    assert found.matches(HELD.certificate.der)
    assert not found.matches(OTHER.certificate.der)


@pytest.mark.parametrize(
    "value",
    [
        asn1.sequence(asn1.sequence(asn1.oid(oids.SHA1)), asn1.octet_string(bytes(20))),
        asn1.sequence(asn1.sequence(asn1.oid(oids.SHA256)), asn1.octet_string(bytes(31))),
        asn1.sequence(asn1.sequence(asn1.oid(oids.SHA256), asn1.integer(1)), asn1.octet_string(bytes(32))),
        asn1.sequence(asn1.sequence(), asn1.octet_string(bytes(32))),
        asn1.sequence(asn1.octet_string(bytes(32))),
        asn1.null(),
    ],
)
def test_an_extension_of_another_shape_is_malformed(value: bytes) -> None:
    with pytest.raises(MalformedInput):
        RelatedCertificate.read(value)


def test_parameters_null_are_read_as_others_write_them() -> None:
    value = asn1.sequence(asn1.sequence(asn1.oid(oids.SHA384), asn1.null()), asn1.octet_string(bytes(48)))
    assert RelatedCertificate.read(value).digest_name == "sha384"


def test_times_are_utc() -> None:
    assert ASKED.requested_at.tzinfo is UTC
