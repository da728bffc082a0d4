"""pyhanko-certvalidator judges by our answers, and by our lists."""

from __future__ import annotations

import asyncio

import pytest
from asn1crypto import crl, ocsp, x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, ValidationError

from pki import oids
from pki.ocsp import build_request
from registry.model.certificate import CertificateRecord
from registry.revocation import hold_certificate, revoke_certificate
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


@pytest.mark.parametrize(("how", "accepted"), [("good", True), ("revoked", False), ("held", False)])
def test_pyhanko_judges_by_our_answer(served: Served, how: str, accepted: bool) -> None:
    record = ended(served, how)
    request = build_request(certificate(record), served.issuer, hash_oid=oids.SHA1)
    context = ValidationContext(
        trust_roots=[x509.Certificate.load(served.authority.root.der)],
        other_certs=[x509.Certificate.load(served.issuer.der)],
        crls=[crl.CertificateList.load((served.home.public / "root.crl").read_bytes())],
        ocsps=[ocsp.OCSPResponse.load(served.http("POST", "/ocsp", request, OCSP)[1])],
        revocation_mode="hard-fail",
    )
    validator = CertificateValidator(x509.Certificate.load(record.der or b""), validation_context=context)
    judged = validator.async_validate_usage({"digital_signature"}, {"server_auth"})
    if accepted:
        assert asyncio.run(judged)
        return
    with pytest.raises((ValidationError, PathBuildingError), match="revoked"):
        asyncio.run(judged)
