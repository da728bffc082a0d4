"""Other people's eyes on our certificates, and ours on theirs."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509

from pki.csr import to_pem
from pki.keys import HybridPrivateKey
from pki.profiles import DEVICE_CLASSICAL, OCSP_ML_DSA, SubjectFacts
from pki.providers.interface import KeyAlgorithm
from pki.tbs import Certificate, read_alternative
from tests.tools import require_tool
from tests.unit.pki.issuing_fixtures import DEVICE_FACTS, NOW, house, issue

ANCHORS = Path(__file__).parents[4] / "shared" / "data" / "pki" / "catalyst"


def pem(path: Path, *ders: bytes) -> Path:
    path.write_bytes(b"".join(to_pem(der, "CERTIFICATE") for der in ders))
    return path


def run(*command: object) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([str(part) for part in command], capture_output=True, check=False)


def leaves() -> dict[str, bytes]:
    classical = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
    return {
        "device": issue().der,
        "device-classical": issue(DEVICE_CLASSICAL, DEVICE_FACTS, classical).der,
    }


@pytest.mark.parametrize("kind", ["device", "device-classical"])
def test_openssl_verifies_the_chain(tmp_path: Path, kind: str) -> None:
    openssl = require_tool("openssl", "verifies chains with code that is not ours")
    root = pem(tmp_path / "root.pem", house().root.der)
    issuing = pem(tmp_path / "issuing.pem", house().issuing.der)
    leaf = pem(tmp_path / "leaf.pem", leaves()[kind])
    strict = ("-x509_strict", "-check_ss_sig", "-purpose", "sslclient", "-attime", int(NOW.timestamp()))
    done = run(openssl, "verify", *strict, "-CAfile", root, "-untrusted", issuing, leaf)
    assert done.returncode == 0, done.stderr


def test_openssl_does_not_verify_without_the_issuing_ca(tmp_path: Path) -> None:
    openssl = require_tool("openssl", "verifies chains with code that is not ours")
    root = pem(tmp_path / "root.pem", house().root.der)
    done = run(openssl, "verify", "-CAfile", root, pem(tmp_path / "leaf.pem", issue().der))
    assert done.returncode != 0


def test_certtool_verifies_the_chain(tmp_path: Path) -> None:
    certtool = require_tool("certtool", "a third pair of eyes on chains")
    now = datetime.now(UTC)  # certtool takes no other time than the machine's
    root = pem(tmp_path / "root.pem", house(now).root.der)
    chain = pem(tmp_path / "chain.pem", issue(now=now).der, house(now).issuing.der)
    done = run(certtool, "--verify", "--load-ca-certificate", root, "--infile", chain)
    assert done.returncode == 0, done.stdout + done.stderr
    assert b"The certificate is trusted" in done.stdout


def test_openssl_prints_what_we_meant(tmp_path: Path) -> None:
    openssl = require_tool("openssl", "reads extensions with code that is not ours")
    leaf = pem(tmp_path / "leaf.pem", issue().der)
    shown = run(openssl, "x509", "-in", leaf, "-noout", "-text").stdout.decode("utf-8", "replace")
    for expected in (
        "Subject: O = Hospital, CN = device-0001, serialNumber = SN-77",
        "CA:FALSE",
        "Digital Signature",
        "TLS Web Client Authentication",
        "URI:http://pki.hospital.example/issuing.crl",
        "OCSP - URI:http://pki.hospital.example/ocsp",
        "1.3.6.1.5.5.7.8.4",
        "2.5.29.72",
        "2.5.29.73",
        "2.5.29.74",
    ):
        assert expected in shown


def test_cryptography_reads_every_extension() -> None:
    certificate = x509.load_der_x509_certificate(issue().der)
    assert certificate.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [name.type_id.dotted_string for name in names.get_values_for_type(x509.OtherName)] == [
        "1.3.6.1.5.5.7.8.4"
    ]
    issuing = x509.load_der_x509_certificate(house().issuing.der)
    certificate.verify_directly_issued_by(issuing)


def test_cryptography_reads_an_ml_dsa_responder() -> None:
    key = HybridPrivateKey.generate(KeyAlgorithm.ML_DSA_65, None)
    der = issue(OCSP_ML_DSA, SubjectFacts(common_name="Hospital OCSP"), key).der
    certificate = x509.load_der_x509_certificate(der)
    certificate.verify_directly_issued_by(x509.load_der_x509_certificate(house().issuing.der))
    assert certificate.extensions.get_extension_for_class(x509.OCSPNoCheck) is not None


@pytest.mark.parametrize("level", ["17", "19"])
def test_bouncy_castles_anchors_verify_by_our_reading_of_the_form(level: str) -> None:
    found = sorted(ANCHORS.glob(f"*4.3.{level}_ta.der")) if ANCHORS.is_dir() else []
    if not found:
        pytest.skip(f"Bouncy Castle's catalyst anchors are not at {ANCHORS.name}")
    anchor = Certificate.parse(found[0].read_bytes())
    alternative, findings = read_alternative(anchor.extensions)
    key = anchor.alternative_public_key
    assert findings == ()
    assert alternative is not None
    assert key is not None
    assert key.verify(alternative.algorithm, alternative.value, anchor.pre_tbs)
    assert anchor.public_key.verify(anchor.signed.algorithm, anchor.signed.signature, anchor.signed.tbs)
    assert not key.verify(alternative.algorithm, alternative.value, anchor.signed.tbs)
