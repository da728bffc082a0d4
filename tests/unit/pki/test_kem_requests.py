"""Requests for keys that cannot sign: unsigned ones, and those for which another key speaks (RFC 9883)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from pyasn1.codec.der.decoder import decode
from pyasn1_alt_modules import rfc2986, rfc9883

from pki import asn1, csr, kem_statement, oids
from pki.algorithms import PrivateKey, algorithm_identifier
from pki.csr import Shown
from pki.csr_attributes import attribute, request_info
from pki.csr_build import NO_SIGNATURE, Holder, build_for_kem
from pki.errors import MalformedInput, RequestRefused
from pki.kem_statement import Statement
from pki.keys import HybridPrivateKey
from pki.profiles import DEVICE_CLASSICAL, DEVICE_KEM
from pki.providers.interface import KeyAlgorithm
from pki.tbs import Certificate
from tests.unit.pki.issuing_fixtures import DEVICE_FACTS, NOW, entropy, house, issue
from tests.unit.pki.request_fixtures import SUBJECT, request

KEM = PrivateKey.generate(KeyAlgorithm.ML_KEM_768)
SIGNING = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
CERTIFICATE = Certificate.parse(issue(DEVICE_CLASSICAL, key=SIGNING).der)
HOLDER = Holder(CERTIFICATE, SIGNING.classical)
UNSIGNED = csr.Request.parse(build_for_kem(KEM.public, common_name="device-0001"))
STATED = csr.Request.parse(build_for_kem(KEM.public, common_name="device-0001", stated_by=HOLDER))


def rules(parsed: csr.Request, shown: Shown | None = None) -> list[str]:
    return [finding.rule for finding in csr.verify_possession(replace(parsed, shown=shown or Shown()))]


def by_hand(attributes: list[bytes], algorithm: bytes, signature: bytes | None = None) -> csr.Request:
    info = request_info(SUBJECT, KEM.public.spki, attributes)
    return csr.Request.parse(
        asn1.sequence(info, algorithm, asn1.bit_string(signature or SIGNING.classical.sign(info)))
    )


def test_an_unsigned_request_proves_nothing_by_itself() -> None:
    assert UNSIGNED.algorithm is None
    assert rules(UNSIGNED) == ["request.kem_possession_unproven"]
    assert rules(UNSIGNED, Shown(challenge_answered=True)) == []


def test_a_statement_holds_with_its_certificate_at_hand() -> None:
    assert STATED.statement is not None
    assert STATED.statement.certificate == CERTIFICATE.der
    assert rules(STATED) == ["request.statement_signer_not_shown"]
    assert rules(STATED, Shown(CERTIFICATE)) == []


def test_another_reader_finds_the_statement() -> None:
    parsed, rest = decode(STATED.der, asn1Spec=rfc2986.CertificationRequest())
    assert rest == b""
    [found] = [
        item
        for item in parsed["certificationRequestInfo"]["attributes"]
        if item["type"] == rfc9883.id_statementOfPossession
    ]
    statement, rest = decode(found["values"][0], asn1Spec=rfc9883.PrivateKeyPossessionStatement())
    assert rest == b""
    assert int(statement["signer"]["serialNumber"]) == CERTIFICATE.serial
    assert statement["cert"].isValue


def test_a_statement_by_a_key_that_did_not_sign_is_found() -> None:
    forger = Holder(CERTIFICATE, PrivateKey.generate(KeyAlgorithm.EC_P256))
    forged = csr.Request.parse(build_for_kem(KEM.public, common_name="device-0001", stated_by=forger))
    assert rules(forged, Shown(CERTIFICATE)) == ["request.statement_unproven"]


def test_another_certificate_of_the_same_key_is_not_the_one_that_was_named() -> None:
    other = Certificate.parse(issue(DEVICE_CLASSICAL, key=SIGNING).der)
    assert rules(STATED, Shown(other)) == ["request.statement_unproven"]


def test_a_statement_over_no_signature_is_found() -> None:
    listed = [attribute(oids.STATEMENT_OF_POSSESSION, Statement.by(CERTIFICATE).encode())]
    assert rules(by_hand(listed, NO_SIGNATURE), Shown(CERTIFICATE)) == [
        "request.digest_another",
        "request.statement_unproven",
    ]


def test_a_signature_without_a_statement_is_nobodys() -> None:
    found = by_hand([], algorithm_identifier(SIGNING.classical.signs_with))
    assert rules(found) == ["request.statement_missing"]
    assert rules(found, Shown(CERTIFICATE, challenge_answered=True)) == ["request.statement_missing"]


def test_the_digest_is_the_requests() -> None:
    torn = by_hand([], NO_SIGNATURE, asn1.octet_string(bytes(32)))
    assert rules(torn, Shown(challenge_answered=True)) == ["request.digest_another"]


def test_a_key_that_can_sign_must() -> None:
    der = request({})
    info = csr.Request.parse(der).info
    unsigned = csr.Request.parse(asn1.sequence(info, NO_SIGNATURE, asn1.bit_string(bytes(34))))
    assert rules(unsigned) == ["request.signature_missing"]
    assert rules(unsigned, Shown(challenge_answered=True)) == ["request.signature_missing"]


def test_a_statement_buys_no_certificate_that_signs() -> None:
    parsed = csr.Request.parse(request({oids.STATEMENT_OF_POSSESSION: Statement.by(CERTIFICATE).encode()}))
    assert rules(parsed, Shown(CERTIFICATE)) == ["request.statement_for_signing_key"]


def test_a_statement_carries_the_certificate_that_it_names() -> None:
    other = Certificate.parse(issue(DEVICE_CLASSICAL, key=SIGNING).der)
    mixed = asn1.sequence(Statement.by(other).signer.encode(), CERTIFICATE.der)
    with pytest.raises(MalformedInput) as refused:
        Statement.read(mixed)
    assert refused.value.field == "signer"


def test_a_statement_may_leave_the_certificate_out() -> None:
    bare = Statement.by(CERTIFICATE, enclose=False)
    assert Statement.read(bare.encode()) == bare


@pytest.mark.parametrize(
    "value", [asn1.sequence(), asn1.null(), asn1.sequence(asn1.null()), asn1.sequence(*[asn1.null()] * 3)]
)
def test_a_statement_of_another_shape_is_malformed(value: bytes) -> None:
    with pytest.raises(MalformedInput):
        Statement.read(value)


def test_the_signature_certificate_is_judged() -> None:
    statement = Statement.by(CERTIFICATE)
    assert kem_statement.check(statement, CERTIFICATE, CERTIFICATE.subject, NOW) == ()
    root = house().issuer.certificate
    late = CERTIFICATE.not_after + timedelta(days=1)
    found = kem_statement.check(statement, root, CERTIFICATE.subject, NOW)
    assert [f.rule for f in found] == [
        "request.statement_signer_another",
        "request.statement_subject_of_another",
    ]
    expired = kem_statement.check(statement, CERTIFICATE, CERTIFICATE.subject, late)
    assert [f.rule for f in expired] == ["request.statement_signer_not_current"]


def test_a_certificate_that_is_not_for_signatures_states_nothing() -> None:
    kem = Certificate.parse(issue(DEVICE_KEM, key=HybridPrivateKey(KEM)).der)
    found = kem_statement.check(Statement.by(kem), kem, kem.subject, NOW)
    assert [f.rule for f in found] == ["request.statement_signer_cannot_sign"]


def test_the_issuer_signs_for_a_proof_and_for_nothing_less() -> None:
    def prepare(parsed: csr.Request) -> int:
        token = house().issuer.prepare(DEVICE_KEM, DEVICE_FACTS, parsed, now=NOW, entropy=entropy)
        return token.certificate_serial

    assert prepare(replace(UNSIGNED, shown=Shown(challenge_answered=True))) > 0
    assert prepare(replace(STATED, shown=Shown(CERTIFICATE))) > 0
    with pytest.raises(RequestRefused, match="kem_possession_unproven"):
        prepare(UNSIGNED)
    with pytest.raises(RequestRefused, match="statement_signer_not_shown"):
        prepare(STATED)


def test_a_challenge_opens_with_the_private_key_only() -> None:
    secret, ciphertext = UNSIGNED.public.classical.encapsulate()
    assert KEM.decapsulate(ciphertext) == secret
    assert PrivateKey.generate(KeyAlgorithm.ML_KEM_768).decapsulate(ciphertext) != secret
