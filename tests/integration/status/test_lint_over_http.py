"""pkilint has nothing to say about any kind of response and list that the server hands out over HTTP."""

from __future__ import annotations

import time

import pytest

from pki.algorithms import SignatureAlgorithm
from pki.cert_id import CertId
from pki.ocsp import build_request, parse_response
from pki.tbs import Certificate
from registry.revocation import hold_certificate, revoke_certificate
from tests.integration.status_served import OCSP, Served, served
from tests.unit.pki import pkilint_door
from tests.unit.service.ocsp_requests import request_of
from tests.unit.service.status_fixtures import WHO

__all__ = ["served"]

REASONS = ("keyCompromise", "affiliationChanged", "superseded", "cessationOfOperation", "privilegeWithdrawn")


def clean(served: Served, request: bytes, path: str = "/ocsp") -> str:
    """Lints the answer; its first status in words."""
    body = served.http("POST", path, request, OCSP)[1]
    basic = parse_response(body).basic
    assert basic is not None
    assert pkilint_door.of_response(body) == {}
    return repr(basic.answers[0].status)


@pytest.mark.parametrize("reason", REASONS)
def test_revoked_with_each_reason(served: Served, reason: str) -> None:
    record = served.certify()
    request = build_request(Certificate.parse(record.der or b""), served.issuer)
    revoke_certificate(record.certificate_serial, reason, WHO, ports=served.runtime.ports)
    time.sleep(1)
    assert "Revoked" in clean(served, request)


def test_hold_and_never_issued(served: Served) -> None:
    record = served.certify()
    request = build_request(Certificate.parse(record.der or b""), served.issuer)
    hold_certificate(record.certificate_serial, WHO, ports=served.runtime.ports)
    time.sleep(1)
    assert "Revoked" in clean(served, request)
    assert "Revoked" in clean(served, request_of(CertId.of(served.issuer, 0x1234567)))


@pytest.mark.parametrize("path", ["/ocsp", "/ocsp-pq"])
def test_good_several_and_with_a_nonce(served: Served, path: str) -> None:
    ours = served.authority.registry.certificate
    several = request_of(*(CertId.of(served.issuer, serial) for serial in (ours.serial, 99)))
    for request in (
        served.known(),
        build_request(ours, served.issuer, nonce=b"n" * 32),
        build_request(ours, served.issuer, preferred=[SignatureAlgorithm.ML_DSA_65]),
        several,
    ):
        assert "Revoked" not in clean(served, request, path)


@pytest.mark.parametrize("path", ["/crl/issuing.crl", "/crl/root.crl"])
def test_whole_lists(served: Served, path: str) -> None:
    response, body = served.http("GET", path)
    assert response.status == 200
    assert pkilint_door.of_list(body) == {}
