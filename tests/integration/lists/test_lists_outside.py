"""Other programs read our parts and deltas, verify them, and come to the same answer about a certificate."""

from __future__ import annotations

import asyncio
import subprocess

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import RevokedError

from pki.crl import read_pem
from registry.model.certificate import CertificateRecord
from registry.publication import DELTA, WHOLE
from registry.revocation import hold_certificate, release_certificate, revoke_certificate
from tests.integration.lists.outside_eyes import Cut
from tests.tools import require_tool
from tests.unit.registry.hospital import ENGINEER, authority

DELTAS = ("-use_deltas", "-extended_crl")


def revoke(cut: Cut, record: CertificateRecord) -> None:
    revoke_certificate(record.certificate_serial, "superseded", ENGINEER, ports=cut.hospital.ports)


def test_openssl_judges_by_a_part(cut: Cut) -> None:
    good, bad = cut.certify("good"), cut.certify("bad")
    revoke(cut, bad)
    for name, record in (("good", good), ("bad", bad)):
        cut.publish(cut.part_of(record), name)
    assert "good.pem: OK" in cut.openssl_verify("good", cut.folder / "good.crl.pem", options=DELTAS)
    said = cut.openssl_verify("bad", cut.folder / "bad.crl.pem", options=DELTAS)
    assert "certificate revoked" in said
    assert "OK" not in said


def test_openssl_does_not_take_another_part_for_the_right_one(cut: Cut) -> None:
    record = cut.certify("one")
    index = int(cut.part_of(record).partition("-")[2])
    other = cut.publish(f"16-{(index + 1) % 16}")
    assert "different CRL scope" in cut.openssl_verify("one", other, options=DELTAS)


def test_openssl_judges_by_the_whole_list_too(cut: Cut) -> None:
    cut.certify("good")
    revoke(cut, cut.certify("bad"))
    whole = cut.publish(WHOLE)
    assert "good.pem: OK" in cut.openssl_verify("good", whole)
    assert "certificate revoked" in cut.openssl_verify("bad", whole)


def test_openssl_combines_a_list_with_its_delta(cut: Cut) -> None:
    cut.certify("good")
    bad, held = cut.certify("bad"), cut.certify("held")
    hold_certificate(held.certificate_serial, ENGINEER, ports=cut.hospital.ports)
    base = cut.publish(WHOLE)
    revoke(cut, bad)
    release_certificate(held.certificate_serial, ENGINEER, ports=cut.hospital.ports)
    delta = cut.publish(DELTA)
    assert "bad.pem: OK" in cut.openssl_verify("bad", base)
    assert "certificate revoked" in cut.openssl_verify("held", base)
    assert "certificate revoked" in cut.openssl_verify("bad", base, delta, options=DELTAS)
    assert "held.pem: OK" in cut.openssl_verify("held", base, delta, options=DELTAS)
    assert "good.pem: OK" in cut.openssl_verify("good", base, delta, options=DELTAS)


@pytest.mark.parametrize("scope", [WHOLE, DELTA, "16-3", "256-255"])
def test_every_kind_of_list_is_read_and_verified(cut: Cut, scope: str) -> None:
    revoke(cut, cut.certify("bad"))
    cut.publish(WHOLE)
    path = cut.publish(scope)
    read = ["openssl", "crl", "-in", str(path), "-CAfile", "issuing.pem", "-noout", "-text"]
    require_tool("openssl", "reads our lists")
    shown = subprocess.run(read, cwd=cut.folder, capture_output=True, text=True, timeout=30, check=True)
    assert "verify OK" in shown.stderr
    assert ("X509v3 Delta CRL Indicator: critical" in shown.stdout) == (scope == DELTA)
    assert ("X509v3 Issuing Distribution Point: critical" in shown.stdout) == ("-" in scope)
    assert ("X509v3 Freshest CRL" in shown.stdout) == (scope == WHOLE)
    assert "verified" in cut.certtool_verify(path).lower()
    parsed = x509.load_der_x509_crl(read_pem(path.read_text()))
    public = x509.load_der_x509_certificate(authority()[1].der).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert parsed.is_signature_valid(public)


def test_pyhanko_judges_by_a_part(cut: Cut) -> None:
    good, bad = cut.certify("good"), cut.certify("bad")
    revoke(cut, bad)
    root, issuing, _ = authority()
    lists = [read_pem(cut.publish(cut.part_of(r), n).read_text()) for n, r in (("good", good), ("bad", bad))]

    def validate(record: CertificateRecord) -> None:
        context = ValidationContext(
            trust_roots=[_asn1(root.der)],
            other_certs=[_asn1(issuing.der)],
            crls=lists,
            revocation_mode="soft-fail",
            moment=cut.hospital.now,
            best_signature_time=cut.hospital.now,
        )
        validator = CertificateValidator(_asn1(record.der or b""), validation_context=context)
        asyncio.run(validator.async_validate_usage({"digital_signature"}))  # type: ignore[no-untyped-call]

    validate(good)
    with pytest.raises(RevokedError):
        validate(bad)


def _asn1(der: bytes) -> object:
    from asn1crypto.x509 import Certificate

    return Certificate.load(der)
