"""Answers say what they were told, no longer than their signer lives; openssl and cryptography agree."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, mldsa
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509 import ocsp as other_ocsp

from pki import asn1, oids
from pki.algorithms import KeyAlgorithm
from pki.crl import CrlReason
from pki.errors import RequestRefused
from pki.ocsp import (
    GOOD,
    NEVER_ISSUED,
    UNKNOWN,
    CertId,
    CertStatus,
    Responder,
    ResponderUnusable,
    ResponseStatus,
    Revoked,
    SingleAnswer,
    build_response,
    error_response,
    parse_response,
    verify_response,
)
from tests.unit.pki.path_fixtures import DEVICE
from tests.unit.pki.status_fixtures import (
    DAY,
    ISSUING,
    NOW,
    not_after,
    pem_file,
    responder_certificate,
    responder_key,
    responder_recipe,
)

CERT_ID = CertId.of(ISSUING, DEVICE.serial)
REVOKED = Revoked(NOW - DAY, CrlReason.KEY_COMPROMISE)
KINDS = (KeyAlgorithm.EC_P256, KeyAlgorithm.EC_P384, KeyAlgorithm.ML_DSA_44, KeyAlgorithm.ML_DSA_65)


def responder(algorithm: KeyAlgorithm = KeyAlgorithm.EC_P256) -> Responder:
    return Responder(responder_certificate(algorithm), responder_key(algorithm).classical)


def answer(status: CertStatus = GOOD, cert_id: CertId = CERT_ID) -> SingleAnswer:
    return SingleAnswer(cert_id.der, status, NOW, NOW + DAY)


def response(
    *answers: SingleAnswer,
    by: Responder | None = None,
    nonce: bytes | None = None,
    extended_revoke: bool = False,
) -> bytes:
    return build_response(
        answers=answers or [answer()],
        responder=by or responder(),
        produced_at=NOW,
        nonce=nonce,
        extended_revoke=extended_revoke,
    )


@pytest.mark.parametrize("algorithm", KINDS)
@pytest.mark.parametrize("status", [GOOD, REVOKED, Revoked(NOW - DAY), UNKNOWN])
def test_a_response_comes_back_as_it_was_built(algorithm: KeyAlgorithm, status: CertStatus) -> None:
    read = parse_response(response(answer(status), by=responder(algorithm), nonce=b"n" * 32))
    assert read.status is ResponseStatus.SUCCESSFUL
    assert read.basic is not None
    assert read.basic.answers == (answer(status),)
    assert read.basic.answer_for(CERT_ID) == answer(status)
    assert (read.basic.produced_at, read.basic.nonce) == (NOW, b"n" * 32)
    found = verify_response(read, CERT_ID, ISSUING, NOW, nonce=b"n" * 32)
    assert [f.rule for f in found if f.refuses] == []


@pytest.mark.parametrize("algorithm", KINDS)
def test_cryptography_reads_and_verifies(algorithm: KeyAlgorithm) -> None:
    by = responder(algorithm)
    read = other_ocsp.load_der_ocsp_response(response(answer(REVOKED), by=by, nonce=b"n" * 32))
    assert read.response_status is other_ocsp.OCSPResponseStatus.SUCCESSFUL
    assert read.certificate_status is other_ocsp.OCSPCertStatus.REVOKED
    assert read.revocation_time_utc == NOW - DAY
    assert (read.serial_number, read.next_update_utc) == (DEVICE.serial, NOW + DAY)
    public = load_der_public_key(by.certificate.spki)
    if isinstance(public, ec.EllipticCurvePublicKey):
        assert read.signature_hash_algorithm is not None
        public.verify(read.signature, read.tbs_response_bytes, ec.ECDSA(read.signature_hash_algorithm))
    else:
        assert isinstance(public, mldsa.MLDSA44PublicKey | mldsa.MLDSA65PublicKey)
        public.verify(read.signature, read.tbs_response_bytes)


@pytest.mark.parametrize(
    ("status", "shown"), [(GOOD, ": good"), (REVOKED, ": revoked"), (UNKNOWN, ": unknown")]
)
@pytest.mark.parametrize("digest", [oids.SHA1, oids.SHA256])
def test_openssl_verifies_the_chain_and_agrees(
    tmp_path: Path, status: CertStatus, shown: str, digest: str
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    der = tmp_path / "response.der"
    der.write_bytes(response(answer(status, CertId.of(ISSUING, DEVICE.serial, digest))))
    issuer, cert = pem_file(tmp_path / "ca.pem", ISSUING), pem_file(tmp_path / "d.pem", DEVICE)
    moment = ["-attime", str(int(NOW.timestamp())), "-validity_period", str(10**9)]
    asked = ["-sha256"] * (digest == oids.SHA256) + ["-issuer", issuer, "-cert", cert]
    trust = ["-CAfile", issuer, "-partial_chain", "-respin", str(der), "-no_nonce"]
    done = subprocess.run(
        ["openssl", "ocsp", *asked, *trust, *moment], capture_output=True, text=True, timeout=30, check=False
    )
    assert "Response verify OK" in done.stdout + done.stderr
    assert shown in done.stdout


def test_openssl_refuses_another_cas_response(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    der = tmp_path / "response.der"
    der.write_bytes(response())
    other = pem_file(tmp_path / "ca.pem", DEVICE)
    done = subprocess.run(
        ["openssl", "ocsp", "-CAfile", other, "-respin", str(der)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert "Response Verify Failure" in done.stdout + done.stderr


def test_the_cert_id_is_echoed_octet_by_octet() -> None:
    without_null = CERT_ID.der.replace(b"\x05\x00", b"", 1)
    algorithm = asn1.sequence(asn1.oid(oids.SHA256))
    odd = asn1.sequence(algorithm, without_null[2 + len(algorithm) :])
    assert CertId.parse(odd) == CERT_ID
    read = parse_response(response(SingleAnswer(odd, GOOD, NOW, NOW + DAY)))
    assert read.basic is not None
    assert read.basic.answers[0].cert_id == odd


def test_a_response_never_outlives_its_signer() -> None:
    dying = not_after(responder_recipe(), NOW + timedelta(hours=1))
    by = Responder(dying, responder_key(KeyAlgorithm.EC_P256).classical)
    read = parse_response(response(by=by))
    assert read.basic is not None
    assert read.basic.answers[0].next_update == NOW + timedelta(hours=1)


def test_a_lapsed_delegate_signs_nothing() -> None:
    gone = not_after(responder_recipe(), NOW - timedelta(seconds=1))
    with pytest.raises(ResponderUnusable):
        response(by=Responder(gone, responder_key(KeyAlgorithm.EC_P256).classical))
    last_second = not_after(responder_recipe(), NOW)
    assert response(by=Responder(last_second, responder_key(KeyAlgorithm.EC_P256).classical))


def test_a_delegate_needs_its_own_key() -> None:
    with pytest.raises(ResponderUnusable):
        Responder(responder_certificate(), responder_key(KeyAlgorithm.EC_P384).classical)


def test_never_issued_is_said_only_with_extended_revoke() -> None:
    with pytest.raises(RequestRefused) as refused:
        response(answer(NEVER_ISSUED))
    assert refused.value.field == "extended_revoke"
    read = parse_response(response(answer(NEVER_ISSUED), extended_revoke=True))
    assert read.basic is not None
    assert read.basic.extended_revoke
    assert read.basic.answers[0].status == NEVER_ISSUED


def test_extended_revoke_is_null_and_not_critical() -> None:
    der = response(answer(NEVER_ISSUED), extended_revoke=True)
    wanted = asn1.sequence(asn1.oid(oids.OCSP_EXTENDED_REVOKE), asn1.octet_string(b"\x05\x00"))
    assert wanted in der


def test_several_answers_are_told_apart() -> None:
    other = CertId.of(ISSUING, 5)
    read = parse_response(response(answer(), answer(REVOKED, other)))
    assert read.basic is not None
    found = [read.basic.answer_for(c) for c in (CERT_ID, other, CertId.of(ISSUING, 6))]
    assert [f.status if f else None for f in found] == [GOOD, REVOKED, None]


def test_a_certificate_answered_twice_is_not_answered() -> None:
    read = parse_response(response(answer(REVOKED), answer(GOOD)))
    rules = {f.rule for f in verify_response(read, CERT_ID, ISSUING, NOW)}
    assert "ocsp.certificate_not_answered" in rules


@pytest.mark.parametrize("status", [s for s in ResponseStatus if s is not ResponseStatus.SUCCESSFUL])
def test_errors_are_five_octets(status: ResponseStatus) -> None:
    der = error_response(status)
    assert len(der) == 5
    assert parse_response(der).status is status
    assert other_ocsp.load_der_ocsp_response(der).response_status.value == status
    rules = [f.rule for f in verify_response(parse_response(der), CERT_ID, ISSUING, NOW)]
    assert rules == ["ocsp.response_not_successful"]


def test_success_is_no_error() -> None:
    with pytest.raises(RequestRefused):
        error_response(ResponseStatus.SUCCESSFUL)


@pytest.mark.parametrize("single", [(), (replace(answer(), next_update=NOW - DAY),)])
def test_empty_and_backward_answers_are_not_built(single: tuple[SingleAnswer, ...]) -> None:
    with pytest.raises(RequestRefused):
        build_response(answers=single, responder=responder(), produced_at=NOW)
