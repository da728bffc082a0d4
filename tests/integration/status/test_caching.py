"""The caching rules of RFC 9919 6 and RFC 9111, as curl and a caching nginx keep them on our responder."""

from __future__ import annotations

import hashlib
import subprocess
import time
from collections.abc import Iterator
from datetime import timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from pki.ocsp import build_request, encode_get_path, parse_response
from registry.revocation import revoke_certificate
from tests.integration.exports.servers import nginx_serving
from tests.integration.status_served import Served, served
from tests.tools import require_tool
from tests.unit.service.ocsp_bench import certificate
from tests.unit.service.status_fixtures import WHO

__all__ = ["served"]


def url(served: Served) -> str:
    return f"http://{served.address.host}:{served.address.port}/ocsp"


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


def test_head_and_post_say_what_get_says(served: Served, tmp_path: Path) -> None:
    request, body = served.known(), tmp_path / "body"
    (tmp_path / "request").write_bytes(request)
    place = f"{url(served)}/{encode_get_path(request)}"
    got = curl("-D", "-", "-o", str(body), place)
    names = ("etag", "last-modified", "expires", "content-length", "content-type", "cache-control")
    fields = [line for line in got.splitlines() if line.lower().startswith(names)]
    assert len(fields) == len(names)
    assert [line for line in curl("-I", place).splitlines() if line.lower().startswith(names)] == fields
    kind, posted = "Content-Type: application/ocsp-request", tmp_path / "posted"
    curl("-o", str(posted), "-H", kind, "--data-binary", f"@{tmp_path}/request", url(served))
    assert posted.read_bytes() == body.read_bytes()
    etag = next(line for line in fields if line.lower().startswith("etag"))
    assert hashlib.sha256(body.read_bytes()).hexdigest() in etag  # RFC 9919 6.2


def test_an_answer_to_a_nonce_is_kept_by_nobody(served: Served) -> None:
    nonce = build_request(served.authority.registry.certificate, served.issuer, nonce=b"n" * 32)
    head = curl("-D", "-", "-o", "/dev/null", f"{url(served)}/{encode_get_path(nonce)}").lower()
    assert head.startswith("http/1.1 200 ")
    assert "cache-control: no-store" in head
    assert "etag" not in head
    assert "expires" not in head


def test_a_caching_proxy_revalidates_and_learns_of_a_revocation(served: Served, tmp_path: Path) -> None:
    record = served.certify()
    time.sleep(0.3)  # the server hears of it: an answer of before is signed once more
    path = encode_get_path(build_request(certificate(record), served.issuer))
    before = f"proxy_cache_path {tmp_path}/cache keys_zone=status:1m;"
    upstream = url(served).removesuffix("/ocsp")
    inside = (
        f"merge_slashes off; location / {{ proxy_pass {upstream}; proxy_cache status; "
        # As if a minute had passed: what we say of freshness is put aside, our validators are used.
        "proxy_ignore_headers Cache-Control Expires; proxy_cache_valid 200 1s; proxy_cache_revalidate on; "
        "add_header X-Cache $upstream_cache_status; add_header X-Upstream $upstream_status; }"
    )

    def seen(address: str) -> tuple[str, str]:
        head = curl("-D", "-", "-o", f"{tmp_path}/body", f"http://{address}/ocsp/{path}")
        fields = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
        return fields["X-Cache"], fields.get("X-Upstream", "")

    with nginx_serving(tmp_path / "nginx", inside, before) as address:
        assert seen(address) == ("MISS", "200")
        first = (tmp_path / "body").read_bytes()
        assert seen(address) == ("HIT", "")
        time.sleep(2.1)
        assert seen(address) == ("REVALIDATED", "304")
        assert (tmp_path / "body").read_bytes() == first
        revoke_certificate(record.certificate_serial, "superseded", WHO, ports=served.runtime.ports)
        time.sleep(2.1)
        assert seen(address) == ("EXPIRED", "200")
    basic = parse_response((tmp_path / "body").read_bytes()).basic
    assert basic is not None
    assert "Revoked" in repr(basic.answers[0].status)
