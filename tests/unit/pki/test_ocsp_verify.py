"""Whose word counts: every way in which a response may not be the CA's is a finding of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pki import asn1, oids, tbs
from pki.algorithms import KeyAlgorithm
from pki.errors import MalformedInput, PkiError
from pki.extensions import KeyUsage
from pki.keys import HybridPublicKey
from pki.ocsp import (
    GOOD,
    CertId,
    OcspResponse,
    Responder,
    SingleAnswer,
    build_response,
    parse_response,
    verify_response,
)
from pki.tbs import Certificate
from tests.unit.pki.path_fixtures import DEVICE, ROOT, Recipe, keys, resealed
from tests.unit.pki.status_fixtures import (
    CA_KEY,
    DAY,
    ISSUING,
    NOW,
    responder_certificate,
    responder_key,
    responder_recipe,
)

CERT_ID = CertId.of(ISSUING, DEVICE.serial)
EC, ML = KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_44
NONCE = b"n" * 32


def made(certificate: Certificate, algorithm: KeyAlgorithm = EC) -> bytes:
    """A good answer of a responder with this certificate."""
    responder = Responder(certificate, responder_key(algorithm).classical)
    answer = SingleAnswer(CERT_ID.der, GOOD, NOW, NOW + DAY)
    return build_response(answers=[answer], responder=responder, produced_at=NOW, nonce=NONCE)


GOOD_DER = made(responder_certificate())
GOOD_RESPONSE = parse_response(GOOD_DER)


def rules(response: OcspResponse, **how: object) -> list[str]:
    now = how.pop("now", NOW)
    cert_id = how.pop("cert_id", CERT_ID)
    found = verify_response(response, cert_id, ISSUING, now, **how)  # type: ignore[arg-type]
    return [f.rule for f in found if f.refuses]


def odd(recipe: Recipe) -> list[str]:
    return rules(parse_response(made(recipe.make())))


def test_a_delegates_good_answer_counts() -> None:
    assert rules(GOOD_RESPONSE, nonce=NONCE) == []
    told = verify_response(GOOD_RESPONSE, CERT_ID, ISSUING, NOW)
    assert [f.rule for f in told] == ["ocsp.signature_classical_only"]


def test_a_post_quantum_delegate_serves_the_day_after() -> None:
    read = parse_response(made(responder_certificate(ML), ML))
    assert verify_response(read, CERT_ID, ISSUING, NOW) == ()
    assert rules(read, classical=False) == []
    assert rules(GOOD_RESPONSE, classical=False) == ["ocsp.signature_not_post_quantum"]


def test_the_ca_itself_may_answer() -> None:
    responder = Responder(ISSUING, CA_KEY.classical)
    answer = SingleAnswer(CERT_ID.der, GOOD, NOW, NOW + DAY)
    der = build_response(answers=[answer], responder=responder, produced_at=NOW)
    assert rules(parse_response(der)) == []
    foreign = keys("other").public
    assert rules(parse_response(der), issuer_keys=foreign) == ["ocsp.signature_invalid"]


def test_nonces_are_compared_where_one_was_sent() -> None:
    assert rules(GOOD_RESPONSE, nonce=b"m" * 32) == ["ocsp.nonce_differs"]
    assert GOOD_RESPONSE.basic is not None
    without = OcspResponse(GOOD_RESPONSE.status, replace(GOOD_RESPONSE.basic, nonce=None))
    assert rules(without, nonce=NONCE) == ["ocsp.nonce_missing"]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (NOW + DAY, []),
        (NOW + DAY + timedelta(seconds=1), ["ocsp.answer_lapsed"]),
        (NOW - timedelta(seconds=1), ["ocsp.response_from_the_future", "ocsp.answer_not_yet_valid"]),
    ],
)
def test_answers_are_fresh(now: datetime, expected: list[str]) -> None:
    assert rules(GOOD_RESPONSE, now=now) == expected


def test_an_answer_without_an_end_could_be_of_any_age() -> None:
    assert GOOD_RESPONSE.basic is not None
    endless = replace(GOOD_RESPONSE.basic.answers[0], next_update=None)
    response = OcspResponse(GOOD_RESPONSE.status, replace(GOOD_RESPONSE.basic, answers=(endless,)))
    assert rules(response) == ["ocsp.answer_without_end"]


def test_another_serial_is_not_answered() -> None:
    assert rules(GOOD_RESPONSE, cert_id=CertId.of(ISSUING, 5)) == ["ocsp.certificate_not_answered"]


def test_another_issuers_certificate_is_not_answered() -> None:
    foreign = CertId.of(ROOT, DEVICE.serial)
    assert rules(GOOD_RESPONSE, cert_id=foreign) == [
        "ocsp.asked_of_another_issuer",
        "ocsp.certificate_not_answered",
    ]


def test_a_responder_that_did_not_come_along_is_not_found() -> None:
    assert GOOD_RESPONSE.basic is not None
    response = OcspResponse(GOOD_RESPONSE.status, replace(GOOD_RESPONSE.basic, certificates=()))
    assert rules(response) == ["ocsp.responder_not_found"]


def test_a_delegate_needs_the_purpose() -> None:
    plain = replace(responder_recipe(), purposes=(oids.EKU_CLIENT_AUTH,))
    assert odd(plain) == ["ocsp.delegate_without_ocsp_signing"]
    assert odd(replace(responder_recipe(), purposes=())) == ["ocsp.delegate_without_ocsp_signing"]


def test_a_delegate_needs_the_usage() -> None:
    recipe = replace(responder_recipe(), usages=(KeyUsage.KEY_AGREEMENT,))
    assert odd(recipe) == ["ocsp.delegate_may_not_sign"]


def test_a_delegate_is_the_cas_own() -> None:
    of_root = replace(responder_recipe(), issuer="Root", issuer_key=keys("root"))
    assert odd(of_root) == [
        "ocsp.delegate_of_another_issuer",
        "ocsp.delegation_signature_invalid",
        "hybrid.alternative_signature_invalid",
    ]
    forged = replace(responder_recipe(), issuer_key=keys("forger"))
    assert odd(forged) == ["ocsp.delegation_signature_invalid", "hybrid.alternative_signature_invalid"]


def test_a_delegate_is_alive_when_its_word_is_used() -> None:
    short = replace(responder_recipe(), not_after=NOW + timedelta(hours=1)).make()
    read = parse_response(made(short))
    assert rules(read, now=NOW + timedelta(hours=1)) == []
    late = rules(read, now=NOW + timedelta(hours=1, seconds=1))
    assert late == ["ocsp.answer_lapsed", "ocsp.delegate_not_valid_now"]


def test_a_delegate_stripped_of_its_alternative_signature_is_found() -> None:
    whole = responder_certificate()
    kept = [e for e in whole.extensions if e.oid not in oids.CATALYST]
    read = parse_response(made(resealed(whole, kept, CA_KEY)))
    assert rules(read) == ["hybrid.alternative_signature_missing"]
    assert rules(read, alternative=False) == []


def test_keys_that_the_path_established_count_not_the_certificates() -> None:
    foreign = HybridPublicKey(keys("other").classical.public, CA_KEY.public.alternative)
    assert rules(GOOD_RESPONSE, issuer_keys=foreign) == ["ocsp.delegation_signature_invalid"]


def test_on_the_day_after_only_the_alternative_signature_delegates() -> None:
    read = parse_response(made(responder_certificate(ML), ML))
    foreign = HybridPublicKey(keys("other").classical.public, CA_KEY.public.alternative)
    assert rules(read, issuer_keys=foreign) == ["ocsp.delegation_signature_invalid"]
    assert rules(read, issuer_keys=foreign, classical=False) == []
    both_foreign = keys("other").public
    found = rules(read, issuer_keys=both_foreign, classical=False)
    assert found == ["hybrid.alternative_signature_invalid"]


def test_a_malformed_delegate_is_a_finding() -> None:
    assert GOOD_RESPONSE.basic is not None
    twice = [e for e in responder_certificate().extensions if e.oid != oids.ALT_SIGNATURE_VALUE]
    twice.append(next(e for e in twice if e.oid == oids.EXTENDED_KEY_USAGE))
    certificate = resealed(responder_certificate(), twice, CA_KEY)
    response = OcspResponse(GOOD_RESPONSE.status, replace(GOOD_RESPONSE.basic, certificates=(certificate,)))
    assert rules(response) == ["ocsp.certificate_malformed"]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD_DER) - 1), st.integers(1, 255))
def test_a_changed_response_is_refused_or_found(at: int, flip: int) -> None:
    hostile = GOOD_DER[:at] + bytes((GOOD_DER[at] ^ flip,)) + GOOD_DER[at + 1 :]
    try:
        read = parse_response(hostile)
    except PkiError:
        return
    assert rules(read)


@pytest.mark.parametrize(
    "der",
    [
        b"",
        GOOD_DER + b"\x00",
        GOOD_DER[:-1],
        asn1.sequence(asn1.tlv(asn1.ENUMERATED, b"\x00")),
        asn1.sequence(asn1.tlv(asn1.ENUMERATED, b"\x04")),
        asn1.sequence(asn1.tlv(asn1.ENUMERATED, b"\x01"), asn1.explicit(0, asn1.sequence())),
        GOOD_DER.replace(asn1.oid(oids.OCSP_BASIC), asn1.oid("1.3.6.1.5.5.7.48.1.3")),
        tbs.seal(asn1.sequence(asn1.null()), CA_KEY.classical.signs_with, b""),
    ],
    ids=[
        "nothing",
        "trailing",
        "cut",
        "no answers",
        "status 4",
        "error with answers",
        "type",
        "a certificate",
    ],
)
def test_what_is_no_response_is_refused(der: bytes) -> None:
    with pytest.raises(MalformedInput) as refused:
        parse_response(der)
    assert refused.value.field


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_random_octets_are_refused_by_type(data: bytes) -> None:
    with pytest.raises(PkiError):
        parse_response(asn1.sequence(asn1.tlv(asn1.ENUMERATED, b"\x00"), asn1.explicit(0, data)))
