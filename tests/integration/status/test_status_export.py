"""Exported status behind a real nginx: GET in every form, revocations after a second run, POST passed on."""

from __future__ import annotations

import base64
import http.client
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pki import oids
from pki.crl_list import CertificateList
from pki.ocsp import GOOD, Revoked, build_request, encode_get_path, parse_response
from pki.ocsp_path import decode_get_path
from pki.tbs import Certificate
from registry.model.certificate import CertificateRecord
from registry.revocation import revoke_certificate
from service.authority import Authority
from service.home import Home
from service.pem import to_pem
from tests.integration.exports.servers import nginx_serving
from tests.integration.status.server_process import command_line, running
from tests.tools import require_tool
from tests.unit.service.ocsp_bench import certificate
from tests.unit.service.status_fixtures import WHO, certify, make_home, opened


@dataclass
class Site:
    home: Home
    authority: Authority
    folder: Path
    scratch: Path

    @property
    def issuer(self) -> Certificate:
        return self.authority.issuing.certificate

    def export(self, *arguments: str) -> dict[str, object]:
        ran = command_line(
            self.home, self.scratch, "status", "export", str(self.folder), "--json", *arguments
        )
        assert ran.returncode == 0, ran.stderr
        found: dict[str, object] = json.loads(ran.stdout)
        return found


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Authority]:
    return make_home(tmp_path_factory.mktemp("exported"))


@pytest.fixture
def site(registry: tuple[Home, Authority], tmp_path: Path) -> Site:
    tmp_path.chmod(0o755)  # nginx's workers are another user
    return Site(*registry, tmp_path / "www", tmp_path)


@pytest.fixture
def nginx(site: Site) -> Iterator[str]:
    require_tool("nginx", "exported status served by it")
    site.export()
    with nginx_serving(site.scratch / "nginx", f"include {site.folder}/nginx.conf;") as address:
        yield address


def get(address: str, path: str, headers: dict[str, str] | None = None) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request("GET", path, headers=headers or {})
    response = connection.getresponse()
    body = response.read()
    connection.close()
    return response.status, body, {name.lower(): value for name, value in response.getheaders()}


def base64_of(site: Site, record: CertificateRecord, digest: str) -> str:
    return base64.b64encode(build_request(certificate(record), site.issuer, hash_oid=digest)).decode()


@pytest.mark.parametrize("digest", [oids.SHA1, oids.SHA256])
def test_every_form_of_a_get_finds_its_answer(site: Site, nginx: str, digest: str) -> None:
    with opened(site.home) as runtime:
        records = [certify(site.authority, runtime.ports) for _ in range(24)]
        if digest == oids.SHA256:  # without padding, its base64 may end in a slash
            while not base64_of(site, records[-1], digest).endswith("/") and len(records) < 1_000:
                records.append(certify(site.authority, runtime.ports))
            assert base64_of(site, records[-1], digest).endswith("/")
            records = records[-24:]
    site.export()
    for record in records:
        request = build_request(certificate(record), site.issuer, hash_oid=digest)
        escaped = encode_get_path(request)
        raw = escaped.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
        assert decode_get_path(escaped) == request
        for form in (escaped, escaped.replace("%2F", "%2f"), raw, raw.rstrip("=")):
            status, body, headers = get(nginx, f"/ocsp/{form}")
            assert status == 200, form
            assert headers["content-type"] == "application/ocsp-response"
            assert "max-age=60" in headers["cache-control"]
            basic = parse_response(body).basic
            assert basic is not None
            assert basic.answers[0].status == GOOD
        assert get(nginx, f"/ocsp/{raw}", {"If-None-Match": headers["etag"]})[0] == 304


def test_openssl_believes_a_file_and_a_revocation_shows_after_the_next_run(site: Site, nginx: str) -> None:
    openssl = require_tool("openssl", "a second pair of eyes on exported answers")
    with opened(site.home) as runtime:
        record = certify(site.authority, runtime.ports)
        site.export()
        (site.scratch / "cert.pem").write_bytes(to_pem(record.der or b""))
        request = build_request(certificate(record), site.issuer, hash_oid=oids.SHA1)

        def said() -> str:
            (site.scratch / "answer").write_bytes(get(nginx, f"/ocsp/{encode_get_path(request)}")[1])
            public = site.home.public
            command = [openssl, "ocsp", "-respin", f"{site.scratch}/answer", "-no_nonce"]
            command += ["-issuer", f"{public}/issuing.pem", "-cert", f"{site.scratch}/cert.pem"]
            command += ["-CAfile", f"{public}/root.pem", "-verify_other", f"{public}/issuing.pem"]
            ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
            return ran.stdout + ran.stderr

        assert "Response verify OK" in said()
        assert "cert.pem: good" in said()
        revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=runtime.ports)
        assert "cert.pem: good" in said()
        site.export()
        assert "cert.pem: revoked" in said()
        assert "Reason: keyCompromise" in said()


def test_lists_certificates_and_facts_are_there(site: Site, nginx: str) -> None:
    status, body, headers = get(nginx, "/crl/issuing.crl")
    assert (status, headers["content-type"]) == (200, "application/pkix-crl")
    assert CertificateList.parse(body).crl_number >= 1
    assert get(nginx, "/ca/issuing.der")[1] == site.issuer.der
    assert get(nginx, "/trust-bundle.json")[1] == (site.home.public / "trust-bundle.json").read_bytes()
    facts = json.loads(get(nginx, "/status.json")[1])
    assert facts["made_at"] < facts["valid_until"]
    assert get(nginx, "/ocsp/MEUwQzBBMD8wPTAJBgUrDgMCGgUABBQ=")[0] == 404


def test_a_post_is_refused_or_goes_to_the_live_server(site: Site, nginx: str) -> None:
    def post(address: str) -> int:
        connection = http.client.HTTPConnection(address, timeout=10)
        request = build_request(site.authority.registry.certificate, site.issuer, nonce=bytes(32))
        connection.request("POST", "/ocsp", request, {"Content-Type": "application/ocsp-request"})
        response = connection.getresponse()
        body = response.read()
        if response.status == 200:
            assert parse_response(body).basic is not None
        connection.close()
        return response.status

    assert post(nginx) == 405
    with running(site.home, site.scratch) as live:
        site.export("--upstream", live.url)
        include = f"include {site.folder}/nginx.conf;"
        with nginx_serving(site.scratch / "second", include) as address:
            assert post(address) == 200
            nonce = build_request(site.authority.registry.certificate, site.issuer, nonce=bytes(16))
            status, body, _ = get(address, f"/ocsp/{encode_get_path(nonce)}")
            basic = parse_response(body).basic
            assert status == 200
            assert basic is not None
            assert basic.nonce == bytes(16)


def test_other_users_may_read_all_of_it(site: Site) -> None:
    site.export()
    modes = {(path.is_dir(), path.stat().st_mode & 0o777) for path in (site.folder, *site.folder.rglob("*"))}
    assert modes == {(True, 0o755), (False, 0o644)}


def test_what_is_gone_is_removed_and_a_foreign_folder_is_left_alone(site: Site) -> None:
    site.export()
    stray = site.folder / "ocsp" / "MEold"
    stray.write_bytes(b"an answer about a certificate that has expired since")
    time.sleep(0.05)
    assert site.export()["removed"] == 1
    assert not stray.exists()
    other = site.scratch / "other"
    other.mkdir()
    (other / "index.html").write_text("hello")
    ran = command_line(site.home, site.scratch, "status", "export", str(other))
    assert ran.returncode == 5
    assert [path.name for path in other.iterdir()] == ["index.html"]


def test_killed_in_the_middle_every_file_is_whole_and_the_next_run_does_the_rest(site: Site) -> None:
    strace, renames = require_tool("strace", "kills at a chosen call"), "rename,renameat,renameat2"
    with opened(site.home) as runtime:
        records = [certify(site.authority, runtime.ports) for _ in range(10)]
        killed = [strace, "-f", "-o", "/dev/null", "-e", f"inject={renames}:signal=SIGKILL:when=9"]
        command_line(site.home, site.scratch, "status", "export", str(site.folder), wrapped=killed)
        revoke_certificate(records[0].certificate_serial, "superseded", WHO, ports=runtime.ports)
    there = [path for path in (site.folder / "ocsp").rglob("*") if path.is_file() and path.name != ".new"]
    assert 0 < len(there) < 2 * len(records)
    assert [path for path in there if parse_response(path.read_bytes()).basic is None] == []
    site.export()
    answers = [path for path in (site.folder / "ocsp").rglob("*") if path.is_file()]
    statuses = [parse_response(path.read_bytes()).basic for path in answers]
    assert any(basic and isinstance(basic.answers[0].status, Revoked) for basic in statuses)
    assert len(answers) >= 2 * len(records)
    assert [path for path in answers if path.name == ".new"] == []


@pytest.mark.parametrize(
    ("arguments", "field"),
    [(["--hours", "0"], "--hours"), (["--hash", "md5"], "--hash"), (["--upstream", "ftp://x"], "--upstream")],
)
def test_nonsense_is_refused_by_its_name(site: Site, arguments: list[str], field: str) -> None:
    ran = command_line(site.home, site.scratch, "status", "export", str(site.folder), *arguments)
    assert (ran.returncode, field in ran.stderr) == (2, True)
