"""Requests under foreign eyes: another DER reader takes them apart, another ML-DSA checks the proof."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from asn1crypto import core
from asn1crypto.csr import CertificationRequest
from cryptography import x509
from pqcrypto import InvalidSignatureError
from pqcrypto.sign import ml_dsa_65

from pki import asn1, csr, oids
from pki.csr_build import Holder, build, build_for_kem
from pki.keys import HybridPrivateKey
from pki.profiles import DEVICE_CLASSICAL
from pki.providers.interface import KeyAlgorithm
from pki.tbs import Certificate
from tests.tools import require_tool
from tests.unit.pki.issuing_fixtures import NOW, issue
from tests.unit.pki.request_fixtures import MINE

PLAIN = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
HOLDER = Holder(Certificate.parse(issue(DEVICE_CLASSICAL, key=PLAIN).der), PLAIN.classical)
REQUESTS = {
    "catalyst": build(MINE, common_name="device-0001"),
    "related": build(PLAIN, common_name="device-0001", bound_to=(HOLDER, NOW)),
}


class _Attributes(core.SetOf):  # type: ignore[misc]
    _child_spec = core.Any


def test_the_alternative_signature_is_over_what_others_find_without_it() -> None:
    info = CertificationRequest.load(REQUESTS["catalyst"])["certification_request_info"]
    attributes = [attribute.dump() for attribute in info["attributes"]]
    [value] = [der for der in attributes if asn1.oid(oids.ALT_SIGNATURE_VALUE) in der[:12]]
    [key] = [der for der in attributes if asn1.oid(oids.SUBJECT_ALT_PUBLIC_KEY_INFO) in der[:12]]
    kept = _Attributes([core.Any.load(der) for der in attributes if der != value])
    body = b"".join((info["version"].dump(), info["subject"].dump(), info["subject_pk_info"].dump()))
    listed = b"\xa0" + kept.dump()[1:]
    signed = core.Sequence(contents=body + listed).dump()
    signature = value[-ml_dsa_65.SIGNATURE_SIZE :]
    public = key[-ml_dsa_65.PUBLIC_KEY_SIZE :]
    assert ml_dsa_65.verify(public, signed, signature) is None
    with pytest.raises(InvalidSignatureError):
        ml_dsa_65.verify(public, signed[:-1] + b"\x00", signature)


@pytest.mark.parametrize("form", REQUESTS)
def test_openssl_and_cryptography_verify_the_main_signature(form: str, tmp_path: Path) -> None:
    der = REQUESTS[form]
    assert x509.load_der_x509_csr(der).is_signature_valid
    path = tmp_path / "request"
    path.write_bytes(der)
    openssl = require_tool("openssl", "a second pair of eyes on requests")
    command = [openssl, "req", "-inform", "DER", "-in", path, "-verify", "-noout"]
    done = subprocess.run(command, capture_output=True, check=False)
    assert b"verify OK" in done.stderr


@pytest.mark.parametrize("holder", [None, HOLDER])
def test_openssl_reads_the_request_of_a_key_that_cannot_sign(holder: Holder | None, tmp_path: Path) -> None:
    kem = HybridPrivateKey.generate(KeyAlgorithm.ML_KEM_768, None).classical.public
    path = tmp_path / "request"
    path.write_bytes(csr.to_pem(build_for_kem(kem, common_name="device-0001", stated_by=holder)))
    openssl = require_tool("openssl", "a second pair of eyes on requests")
    done = subprocess.run([openssl, "asn1parse", "-in", path], capture_output=True, check=False)
    assert done.returncode == 0
    assert (b"id-alg-noSignature" in done.stdout) is (holder is None)
    shown = subprocess.run(
        [openssl, "req", "-in", path, "-noout", "-subject"], capture_output=True, check=False
    )
    assert b"device-0001" in shown.stdout
