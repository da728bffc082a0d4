"""Requests: what we write, others verify; what they write, we read; every proof is asked for."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pki import asn1, csr, names, oids
from pki.algorithms import algorithm_identifier
from pki.errors import MalformedInput
from pki.keys import HybridPrivateKey
from pki.providers.interface import KeyAlgorithm
from tests.tools import require_tool
from tests.unit.pki.issuing_fixtures import house
from tests.unit.pki.request_fixtures import MINE, attribute, catalyst_attributes, request


def rules(der: bytes) -> list[str]:
    return [finding.rule for finding in csr.verify_possession(csr.Request.parse(der))]


def test_a_hybrid_request_reads_back() -> None:
    parsed = csr.Request.parse(csr.build(MINE, common_name="device-0001", organization="Hospital"))
    assert names.show(parsed.subject) == "O=Hospital, CN=device-0001"
    assert parsed.public == MINE.public
    assert parsed.extensions_asked == ()
    assert csr.verify_possession(parsed) == ()


@pytest.mark.parametrize("kind", [KeyAlgorithm.EC_P256, KeyAlgorithm.EC_P384, KeyAlgorithm.ML_DSA_65])
def test_a_request_with_one_key_reads_back(kind: KeyAlgorithm) -> None:
    key = HybridPrivateKey.generate(kind, None)
    parsed = csr.Request.parse(csr.build(key, common_name="device-0001"))
    assert parsed.public == key.public
    assert csr.verify_possession(parsed) == ()


def test_the_alternative_signature_is_over_the_request_without_it() -> None:
    parsed = csr.Request.parse(csr.build(MINE, common_name="device-0001"))
    value = parsed.alternative.signature
    assert value is not None
    assert len(parsed.info) - len(parsed.alternative.signed) == len(
        attribute(oids.ALT_SIGNATURE_VALUE, asn1.bit_string(value))
    )
    assert attribute(oids.ALT_SIGNATURE_VALUE, asn1.bit_string(value)) not in parsed.alternative.signed


def test_openssl_verifies_our_request(tmp_path: Path) -> None:
    openssl = require_tool("openssl", "a second pair of eyes on requests")
    path = tmp_path / "request.pem"
    path.write_bytes(csr.to_pem(csr.build(MINE, common_name="device-0001")))
    done = subprocess.run(
        [openssl, "req", "-verify", "-noout", "-in", path], capture_output=True, check=False
    )
    assert done.returncode == 0
    assert b"verify OK" in done.stderr


def test_certtool_reads_our_request(tmp_path: Path) -> None:
    certtool = require_tool("certtool", "a third pair of eyes on requests")
    path = tmp_path / "request.pem"
    path.write_bytes(csr.to_pem(csr.build(MINE, common_name="device-0001")))
    done = subprocess.run([certtool, "--crq-info", "--infile", path], capture_output=True, check=False)
    assert done.returncode == 0
    assert b"CN=device-0001" in done.stdout
    assert b"Self signature: verified" in done.stdout


def test_we_read_openssls_request(tmp_path: Path) -> None:
    openssl = require_tool("openssl", "makes requests that are not ours")
    out = tmp_path / "request.pem"
    command = [openssl, "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names_ = ["-subj", "/CN=device-0001", "-addext", "subjectAltName=DNS:a.example"]
    subprocess.run(
        [*command, *names_, "-keyout", tmp_path / "key.pem", "-out", out], capture_output=True, check=True
    )
    parsed = csr.Request.parse(csr.der_from_pem_or_der(out.read_bytes()))
    assert [extension.oid for extension in parsed.extensions_asked] == [oids.SUBJECT_ALT_NAME]
    assert csr.verify_possession(parsed) == ()


def test_a_classical_signature_by_another_key_is_found() -> None:
    assert rules(request(signer=house().device_key.classical)) == ["request.classical_possession_unproven"]


def test_an_alternative_signature_by_another_key_is_found() -> None:
    other = house().device_key.alternative
    assert other is not None
    assert rules(request(catalyst_attributes(signer=other))) == ["request.alternative_possession_unproven"]


def test_both_proofs_are_asked_for() -> None:
    other = house().device_key
    assert other.alternative is not None
    found = rules(request(catalyst_attributes(signer=other.alternative), signer=other.classical))
    assert found == ["request.classical_possession_unproven", "request.alternative_possession_unproven"]


@pytest.mark.parametrize("missing", [oids.ALT_SIGNATURE_ALGORITHM, oids.ALT_SIGNATURE_VALUE])
def test_an_alternative_key_without_its_proof_is_found(missing: str) -> None:
    kept = {dotted: value for dotted, value in catalyst_attributes().items() if dotted != missing}
    assert rules(request(kept)) == ["request.alternative_proof_missing"]


def test_an_alternative_proof_without_a_key_is_found() -> None:
    kept = catalyst_attributes()
    del kept[oids.SUBJECT_ALT_PUBLIC_KEY_INFO]
    assert rules(request(kept)) == ["request.alternative_proof_without_key"]


def test_an_algorithm_that_is_not_the_keys_proves_nothing() -> None:
    changed = catalyst_attributes()
    wrong = HybridPrivateKey.generate(KeyAlgorithm.ML_DSA_44, None).classical.signs_with
    changed[oids.ALT_SIGNATURE_ALGORITHM] = algorithm_identifier(wrong)
    assert rules(request(changed)) == ["request.alternative_possession_unproven"]


def test_pem_and_der_give_the_same_bytes() -> None:
    der = csr.build(MINE, common_name="device-0001")
    assert csr.der_from_pem_or_der(csr.to_pem(der)) == der
    assert csr.der_from_pem_or_der(der) == der
    assert csr.der_from_pem_or_der(csr.to_pem(der).replace(b"\n", b"\r\n")) == der
    assert csr.der_from_pem_or_der(b"Subject: CN=device-0001\n\n" + csr.to_pem(der)) == der


PEM = csr.to_pem(csr.build(MINE, common_name="device-0001"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"hello",
        PEM + PEM,
        PEM + b"Subject: me\n",
        b"-----BEGIN X509 CRL-----\n" + PEM,
        PEM.replace(b"CERTIFICATE REQUEST", b"CERTIFICATE"),
        PEM.replace(b"MII", b"M\xc3\xa9I", 1),
        PEM.replace(b"MII", b"M=I", 1),
        b"-----BEGIN CERTIFICATE REQUEST-----\n-----END CERTIFICATE REQUEST-----\n",
        b"\x30" * (csr.MAX_BYTES + 1),
    ],
)
def test_anything_but_one_pem_block_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedInput) as refused:
        csr.der_from_pem_or_der(data)
    assert refused.value.field == csr.LABEL
