"""pkilint has nothing to say about any kind of response and list that the server hands out over HTTP."""

from __future__ import annotations

import time

import pytest

from pki.algorithms import SignatureAlgorithm
from pki.cert_id import CertId
from pki.crl_entry import CrlReason
from pki.ocsp import GOOD, Revoked, build_request, parse_response
from pki.ocsp_parse import BasicResponse
from pki.tbs import Certificate
from registry.revocation import hold_certificate, revoke_certificate
from tests.integration.status_served import OCSP, Served, served
from tests.unit.pki import pkilint_door
from tests.unit.service.ocsp_requests import request_of
from tests.unit.service.status_fixtures import WHO

__all__ = ["served"]

REASONS = {
    "unspecified": CrlReason.UNSPECIFIED,
    "keyCompromise": CrlReason.KEY_COMPROMISE,
    "aACompromise": CrlReason.AA_COMPROMISE,
    "affiliationChanged": CrlReason.AFFILIATION_CHANGED,
    "cACompromise": CrlReason.CA_COMPROMISE,
    "superseded": CrlReason.SUPERSEDED,
    "cessationOfOperation": CrlReason.CESSATION_OF_OPERATION,
    "privilegeWithdrawn": CrlReason.PRIVILEGE_WITHDRAWN,
}


def clean(served: Served, request: bytes, path: str = "/ocsp") -> BasicResponse:
    """The answer, of which pkilint has nothing to say."""
    body = served.http("POST", path, request, OCSP)[1]
    basic = parse_response(body).basic
    assert basic is not None
    assert pkilint_door.of_response(body) == {}
    return basic


@pytest.mark.parametrize("reason", REASONS)
def test_revoked_with_each_reason(served: Served, reason: str) -> None:
    record = served.certify()
    request = build_request(Certificate.parse(record.der or b""), served.issuer)
    revoke_certificate(record.certificate_serial, reason, WHO, ports=served.runtime.ports)
    time.sleep(0.3)
    status = clean(served, request).answers[0].status
    assert isinstance(status, Revoked)
    assert status.reason is REASONS[reason]


def test_hold_and_never_issued(served: Served) -> None:
    record = served.certify()
    request = build_request(Certificate.parse(record.der or b""), served.issuer)
    hold_certificate(record.certificate_serial, WHO, ports=served.runtime.ports)
    time.sleep(0.3)
    for asked in (request, request_of(CertId.of(served.issuer, 0x1234567))):
        status = clean(served, asked).answers[0].status
        assert isinstance(status, Revoked)
        assert status.reason is CrlReason.CERTIFICATE_HOLD


@pytest.mark.parametrize("path", ["/ocsp", "/ocsp-pq"])
def test_good_several_and_with_a_nonce(served: Served, path: str) -> None:
    ours = served.authority.registry.certificate
    usual = SignatureAlgorithm.ML_DSA_65 if path == "/ocsp-pq" else SignatureAlgorithm.ECDSA_SHA256
    several = request_of(*(CertId.of(served.issuer, serial) for serial in (ours.serial, 99)))
    preferring = build_request(ours, served.issuer, preferred=[SignatureAlgorithm.ML_DSA_65])
    for request, algorithm, count in (
        (served.known(), usual, 1),
        (build_request(ours, served.issuer, nonce=b"n" * 32), usual, 1),
        (preferring, SignatureAlgorithm.ML_DSA_65, 1),
        (several, usual, 2),
    ):
        basic = clean(served, request, path)
        assert basic.answers[0].status == GOOD
        assert (basic.algorithm, len(basic.answers)) == (algorithm, count)


def test_pkilint_does_say_something_of_an_answer_whose_time_is_wrong(served: Served) -> None:
    body = served.http("POST", "/ocsp", served.known(), OCSP)[1]
    basic = parse_response(body).basic
    assert basic is not None
    produced = basic.produced_at.strftime("%Y%m%d%H%M%SZ").encode()
    assert pkilint_door.of_response(body.replace(produced, produced[:-1] + b"A")) != {}


@pytest.mark.parametrize("path", ["/crl/issuing.crl", "/crl/root.crl"])
def test_whole_lists(served: Served, path: str) -> None:
    response, body = served.http("GET", path)
    assert response.status == 200
    assert pkilint_door.of_list(body) == {}
