"""Other people's OCSP clients and caches on our responder: pyhanko, curl, a caching nginx."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from asn1crypto import crl, ocsp, x509
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import PathBuildingError, ValidationError

from pki import oids
from pki.ocsp import build_request, encode_get_path, parse_response
from registry.model.certificate import CertificateRecord
from registry.revocation import hold_certificate, revoke_certificate
from tests.integration.exports.servers import nginx_serving
from tests.integration.status_served import OCSP, Served, served
from tests.tools import require_tool
from tests.unit.service.ocsp_bench import certificate
from tests.unit.service.status_fixtures import WHO

__all__ = ["served"]


def url(served: Served) -> str:
    return f"http://{served.address.host}:{served.address.port}/ocsp"


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


def curl(*arguments: str) -> str:
    tool = require_tool("curl", "a client that keeps caching's rules")
    ran = subprocess.run([tool, "-sS", *arguments], capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_curl_revalidates_by_etag_and_by_date(served: Served, tmp_path: Path) -> None:
    place = f"{url(served)}/{encode_get_path(served.known())}"
    code, tags = ["-o", f"{tmp_path}/body", "-w", "%{http_code}"], f"{tmp_path}/etag"
    assert curl(*code, "--etag-save", tags, place) == "200"
    first = (tmp_path / "body").read_bytes()
    assert curl(*code, "--etag-compare", tags, place) == "304"
    assert curl(*code, "-R", place) == "200"
    assert curl("-o", f"{tmp_path}/again", "-w", "%{http_code}", "-z", f"{tmp_path}/body", place) == "304"
    assert (tmp_path / "body").read_bytes() == first


def test_the_fields_are_what_rfc_5019_asks_for(served: Served, tmp_path: Path) -> None:
    request = served.known()
    body = tmp_path / "body"
    head = curl("-o", str(body), "-D", "-", f"{url(served)}/{encode_get_path(request)}")
    fields = dict(line.lower().split(": ", 1) for line in head.splitlines() if ": " in line)
    basic = parse_response(body.read_bytes()).basic
    assert basic is not None
    answer = basic.answers[0]
    assert parsedate_to_datetime(fields["last-modified"]) == answer.this_update
    assert parsedate_to_datetime(fields["expires"]) == answer.next_update
    assert parsedate_to_datetime(fields["date"]) >= answer.this_update - timedelta(seconds=1)
    assert fields["cache-control"] == "max-age=60, public, no-transform, must-revalidate"
    assert fields["content-length"] == str(len(body.read_bytes()))


@pytest.mark.parametrize("path", ["/ocsp/AAAA", "/nothing", "/healthz"])
def test_what_must_not_be_kept_says_so(served: Served, path: str) -> None:
    assert "cache-control: no-store" in curl("-D", "-", "-o", "/dev/null", url(served).replace("/ocsp", path))


@pytest.fixture
def proxied(served: Served, tmp_path: Path) -> Iterator[str]:
    before = f"proxy_cache_path {tmp_path}/cache keys_zone=status:1m;"
    upstream = url(served).removesuffix("/ocsp")
    inside = (
        f"merge_slashes off; location / {{ proxy_pass {upstream}; proxy_cache status; "
        "proxy_cache_revalidate on; add_header X-Cache $upstream_cache_status; }"
    )
    with nginx_serving(tmp_path / "nginx", inside, before) as address:
        yield address


def test_a_caching_proxy_keeps_a_get_and_passes_on_nonces_and_posts(served: Served, proxied: str) -> None:
    def seen(*arguments: str) -> str:
        head = curl("-D", "-", "-o", "/dev/null", *arguments)
        return next(line[9:] for line in head.splitlines() if line.startswith("X-Cache: "))

    place = f"http://{proxied}/ocsp/{encode_get_path(served.known())}"
    assert [seen(place), seen(place)] == ["MISS", "HIT"]
    for octet in (b"a", b"b"):
        nonce = build_request(served.authority.registry.certificate, served.issuer, nonce=octet * 16)
        asked = f"http://{proxied}/ocsp/{encode_get_path(nonce)}"
        assert [seen(asked), seen(asked)] == ["MISS", "MISS"]
