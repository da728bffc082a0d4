"""The status server on a real port: the documents, caching, and what other processes change."""

from __future__ import annotations

import base64
import json
import subprocess
import time

import pytest

from pki.crl_list import CertificateList
from pki.ocsp import build_request, encode_get_path, parse_response
from pki.tbs import Certificate
from registry.publication import publish
from registry.revocation import revoke_certificate
from tests.integration.status_served import OCSP, Served, served
from tests.tools import require_tool
from tests.unit.service.status_fixtures import WHO

__all__ = ["served"]


def test_another_process_revocation_shows_within_a_second(served: Served) -> None:
    record = served.certify()
    request = build_request(Certificate.parse(record.der or b""), served.issuer)
    before = served.http("POST", "/ocsp", request, OCSP)[1]
    assert b"\x80\x00" in before
    revoke_certificate(record.certificate_serial, "superseded", WHO, ports=served.runtime.ports)
    time.sleep(0.9)
    basic = parse_response(served.http("POST", "/ocsp", request, OCSP)[1]).basic
    assert basic is not None
    assert "Revoked" in repr(basic.answers[0].status)


def test_a_new_list_is_served_at_once_and_its_number_rises(served: Served) -> None:
    def number() -> int:
        return CertificateList.parse(served.http("GET", "/crl/issuing.crl")[1]).crl_number

    before = number()
    publish(served.authority.default.list_signer, WHO, ports=served.runtime.ports)
    time.sleep(0.2)
    assert number() == before + 1


@pytest.mark.parametrize("path", ["/ocsp/", "/ocsp//", "/ocsp-pq/"])
def test_get_answers_what_post_answers(served: Served, path: str) -> None:
    request = served.known()
    raw = base64.b64encode(request).decode()
    for form in (encode_get_path(request), raw, raw.rstrip("="), raw.replace("+", "%2b")):
        response, body = served.http("GET", path + form)
        assert response.status == 200
        assert response.headers["Content-Type"] == "application/ocsp-response"
        posted = served.http("POST", path.rstrip("/"), request, OCSP)[1]
        by_get, by_post = parse_response(body).basic, parse_response(posted).basic
        assert by_get is not None
        assert by_post is not None
        assert by_get.algorithm is by_post.algorithm
        assert [one.cert_id for one in by_get.answers] == [one.cert_id for one in by_post.answers]
        assert served.http("GET", path + form)[1] == body


def test_a_caching_client_gets_304_and_fresh_fields(served: Served) -> None:
    for path in ("/ocsp/" + encode_get_path(served.known()), "/crl/issuing.crl", "/ca/root.der"):
        first, body = served.http("GET", path)
        assert body
        assert first.headers["Date"]
        assert "max-age=" in first.headers["Cache-Control"]
        for asked in (
            {"If-None-Match": first.headers["ETag"]},
            {"If-None-Match": f'"x", W/{first.headers["ETag"]}'},
            {"If-Modified-Since": first.headers["Last-Modified"]},
        ):
            again, nothing = served.http("GET", path, headers=asked)
            assert (again.status, nothing) == (304, b"")
            assert again.headers["ETag"] == first.headers["ETag"]
        other, full = served.http("GET", path, headers={"If-None-Match": '"x"'})
        assert (other.status, full) == (200, body)
        far = "Mon, 01 Jan 99999999999999999999 00:00:00"
        for since in ("yesterday", f"{far} GMT", "Mon, 01 Jan 2026 00:00:00 +99999999999999"):
            odd, full = served.http("GET", path, headers={"If-Modified-Since": since})
            assert (odd.status, full) == (200, body)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/crl/issuing.crl", "application/pkix-crl"),
        ("/crl/root.crl", "application/pkix-crl"),
        ("/ca/issuing.der", "application/pkix-cert"),
        ("/ca/root.der", "application/pkix-cert"),
        ("/ca/issuing.pem", "application/x-pem-file"),
        ("/ca/root.pem", "application/x-pem-file"),
        ("/ca/chain.p7c", "application/pkcs7-mime; smime-type=certs-only"),
        ("/trust-bundle.json", "application/json"),
        ("/healthz", "application/json"),
    ],
)
def test_documents_have_their_types_and_head_has_no_body(served: Served, path: str, kind: str) -> None:
    got, body = served.http("GET", path)
    head, nothing = served.http("HEAD", path)
    assert (got.status, got.headers["Content-Type"]) == (200, kind)
    assert (head.status, nothing) == (200, b"")
    assert head.headers["Content-Length"] == str(len(body))
    assert got.headers["Server"] is None


def test_the_documents_are_the_ones_of_this_ca(served: Served) -> None:
    public = served.home.public
    assert served.http("GET", "/ca/issuing.der")[1] == served.issuer.der
    assert served.http("GET", "/ca/root.pem?x=1")[1] == (public / "root.pem").read_bytes()
    assert served.http("GET", "/crl/root.crl")[1] == (public / "root.crl").read_bytes()
    assert served.http("GET", "/trust-bundle.json")[1] == (public / "trust-bundle.json").read_bytes()
    health = json.loads(served.http("GET", "/healthz")[1])
    assert (health["status"], health["problems"]) == ("ok", [])


def test_openssl_reads_the_certificate_bag(served: Served) -> None:
    tool = require_tool("openssl", "reads PKCS #7")
    command = [tool, "pkcs7", "-inform", "DER", "-print_certs", "-noout"]
    ran = subprocess.run(
        command, input=served.http("GET", "/ca/chain.p7c")[1], capture_output=True, timeout=30, check=True
    )
    assert ran.stdout.count(b"subject=") == 2
