"""pyhanko-certvalidator judges by our answers, and by our lists."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from asn1crypto import crl, ocsp, x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, ValidationError
from pyhanko_certvalidator.fetchers.aiohttp_fetchers import AIOHttpFetcherBackend
from pyhanko_certvalidator.path import ValidationPath

from pki import oids
from pki.ocsp import build_request
from registry.model.certificate import CertificateRecord
from registry.revocation import hold_certificate, revoke_certificate
from tests.integration.status.named import Named, served_where_named
from tests.integration.status_served import OCSP, Served, served
from tests.unit.service.ocsp_bench import certificate
from tests.unit.service.status_fixtures import WHO

__all__ = ["served"]


def ended(served: Served, how: str) -> CertificateRecord:
    """A certificate that is good, revoked, or on hold."""
    record = served.certify()
    ports = served.runtime.ports
    if how == "revoked":
        revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=ports)
    if how == "held":
        hold_certificate(record.certificate_serial, WHO, ports=ports)
    return record


def judge(
    named: Served | Named, leaf: bytes, answers: list[bytes], backend: AIOHttpFetcherBackend | None = None
) -> ValidationPath:
    """The path, where pyhanko accepts it; who asks for itself is given a backend and no answers."""
    context = ValidationContext(
        trust_roots=[x509.Certificate.load(named.authority.root.der)],
        other_certs=[x509.Certificate.load(named.authority.issuing.certificate.der)],
        crls=[crl.CertificateList.load((named.home.public / "root.crl").read_bytes())],
        ocsps=[ocsp.OCSPResponse.load(answer) for answer in answers],
        revocation_mode="hard-fail",
        allow_fetching=backend is not None,
        fetcher_backend=backend,
    )

    async def validated() -> ValidationPath:
        validator = CertificateValidator(x509.Certificate.load(leaf), validation_context=context)
        found: ValidationPath = await validator.async_validate_usage({"digital_signature"}, {"server_auth"})
        if backend is not None:
            await backend.close()
        return found

    return asyncio.run(validated())


@pytest.mark.parametrize("path", ["/ocsp", "/ocsp-pq"])
@pytest.mark.parametrize(("how", "accepted"), [("good", True), ("revoked", False), ("held", False)])
def test_pyhanko_judges_by_our_answer(served: Served, how: str, accepted: bool, path: str) -> None:
    record = ended(served, how)
    leaf = record.der or b""
    time.sleep(0.3)
    request = build_request(certificate(record), served.issuer, hash_oid=oids.SHA1)
    answer = served.http("POST", path, request, OCSP)[1]
    if accepted:
        assert len(judge(served, leaf, [answer])) == 3
        return
    with pytest.raises((ValidationError, PathBuildingError), match="revoked"):
        judge(served, leaf, [answer])


@pytest.mark.parametrize("path", ["/ocsp", "/ocsp-pq"])
def test_pyhanko_verifies_the_signature_that_it_judges_by(served: Served, path: str) -> None:
    record = served.certify()
    time.sleep(0.3)
    request = build_request(certificate(record), served.issuer, hash_oid=oids.SHA1)
    answer = ocsp.OCSPResponse.load(served.http("POST", path, request, OCSP)[1])
    basic = answer["response_bytes"]["response"].parsed
    signature = bytearray(basic["signature"].native)
    signature[-1] ^= 1
    basic["signature"] = bytes(signature)
    answer["response_bytes"]["response"] = basic
    with pytest.raises((ValidationError, PathBuildingError), match="Unable to verify OCSP"):
        judge(served, record.der or b"", [answer.dump(force=True)])


def test_pyhanko_asks_where_the_certificate_says(tmp_path: Path) -> None:
    with served_where_named(tmp_path) as named:
        record = named.certify()
        leaf = record.der or b""
        assert len(judge(named, leaf, [], AIOHttpFetcherBackend())) == 3
        revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=named.runtime.ports)
        time.sleep(0.5)
        with pytest.raises((ValidationError, PathBuildingError), match="compromised"):
            judge(named, leaf, [], AIOHttpFetcherBackend())
