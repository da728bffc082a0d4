"""Exported status at its edges: below a path, beside other locations, clocks, signers, runs that collide."""

from __future__ import annotations

import http.client
import subprocess
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from pki import oids
from pki.ocsp import build_request, encode_get_path, parse_response
from registry.ports import Ports
from registry.revocation import revoke_certificate
from service.authority import Authority
from service.home import Home
from service.pem import to_pem
from service.status.export import LOCK_FILE, CannotDate, Export, Exported, Exporter
from tests.integration.exports.servers import nginx_serving
from tests.integration.status.server_process import command_line, running
from tests.tools import require_tool
from tests.unit.service.ocsp_bench import certificate
from tests.unit.service.status_fixtures import WHO, TurnedClock, certify, make_home, opened

Registry = tuple[Home, Authority]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    """A home whose certificates say that status is below /pki."""
    folder = tmp_path_factory.mktemp("edges")
    (folder / "home").mkdir(mode=0o700)
    settings = folder / "home" / "medtrust.toml"
    settings.touch(mode=0o600)
    settings.write_text('[status]\nurl = "http://127.0.0.1:8080/pki"\n')
    return make_home(folder)


@pytest.fixture
def www(tmp_path: Path) -> Path:
    tmp_path.chmod(0o755)  # nginx's workers are another user
    return tmp_path / "www"


def export(registry: Registry, www: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return command_line(registry[0], www.parent, "status", "export", str(www), "--json", *arguments)


def export_here(registry: Registry, ports: Ports, www: Path) -> Exported:
    what = Export(www, timedelta(hours=24), (oids.SHA1,), prefix="/pki")
    return Exporter(registry[1], registry[0], ports, what, lambda _text: None).run()


def asked(address: str, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(address, timeout=10)
    connection.request(method, path, body, {"Content-Type": "application/ocsp-request"})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, content


def own_request(registry: Registry) -> bytes:
    _, authority = registry
    return build_request(authority.registry.certificate, authority.issuing.certificate, hash_oid=oids.SHA1)


def held(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_below_the_path_of_status_url_and_beside_a_regular_expression_of_others(
    registry: Registry, www: Path
) -> None:
    assert export(registry, www).returncode == 0
    theirs = r"location ~ (\.crl|\.der|=)$ { return 410; }"
    with nginx_serving(www.parent / "nginx", f"include {www}/nginx.conf; {theirs}") as address:
        path = f"/pki/ocsp/{encode_get_path(own_request(registry))}"
        for form in (path, path.replace("%3D", "="), path.replace("%3D", "")):
            status, body = asked(address, "GET", form)
            assert (status, parse_response(body).basic is not None) == (200, True)
        assert asked(address, "GET", "/pki/crl/issuing.crl")[0] == 200
        assert asked(address, "GET", "/pki/ca/issuing.der") == (200, registry[1].issuing.certificate.der)
        assert asked(address, "GET", "/pki/trust-bundle.json")[0] == 200
        assert asked(address, "GET", "/pki/status.json")[0] == 200


def test_other_methods_are_405_and_a_post_with_a_slash_reaches_the_live_service(
    registry: Registry, www: Path
) -> None:
    request = own_request(registry)
    path = f"/pki/ocsp/{encode_get_path(request)}"
    assert export(registry, www).returncode == 0
    with nginx_serving(www.parent / "nginx", f"include {www}/nginx.conf;") as address:
        for method in ("POST", "PUT", "DELETE"):
            for target in ("/pki/ocsp", "/pki/ocsp/", path):
                assert asked(address, method, target, request)[0] == 405, (method, target)
        assert asked(address, "HEAD", path) == (200, b"")
    with running(registry[0], www.parent) as live:
        assert export(registry, www, "--upstream", live.url.removesuffix("/pki")).returncode == 0
        with nginx_serving(www.parent / "second", f"include {www}/nginx.conf;") as address:
            for target in ("/pki/ocsp", "/pki/ocsp/"):
                status, body = asked(address, "POST", target, request)
                assert (status, parse_response(body).basic is not None) == (200, True)
            never = build_request(registry[1].root, registry[1].issuing.certificate, hash_oid=oids.SHA1)
            status, body = asked(address, "GET", f"/pki/ocsp/{encode_get_path(never)}")
            assert (status, parse_response(body).basic is not None) == (200, True)


@pytest.mark.parametrize(
    "upstream",
    ["http://127.0.0.1:8080/path", "http://x; return 200", "http://", "http://x:port", "http://[x"],
)
def test_an_upstream_that_nginx_would_not_take_is_refused(
    registry: Registry, www: Path, upstream: str
) -> None:
    ran = export(registry, www, "--upstream", upstream)
    assert (ran.returncode, "--upstream" in ran.stderr, "Traceback" in ran.stderr) == (2, True, False)
    assert not www.exists()


def test_no_answer_outlives_its_delegate_and_one_that_ended_writes_none(
    registry: Registry, www: Path
) -> None:
    end = registry[1].cas[0].ocsp_ecdsa.certificate.not_after
    clock = TurnedClock()
    with opened(registry[0]) as runtime:
        ports = replace(runtime.ports, clock=clock)
        clock.ahead = end - timedelta(hours=2) - clock()
        assert export_here(registry, ports, www).until <= end
        bodies = [parse_response(body).basic for body in held(www / "ocsp").values()]
        assert {answer.next_update for basic in bodies if basic for answer in basic.answers} == {end}
        before = held(www)
        clock.ahead += timedelta(hours=3)
        with pytest.raises(CannotDate, match="ended"):
            export_here(registry, ports, www)
    assert held(www) == before


def test_a_clock_behind_what_was_seen_writes_none(registry: Registry, www: Path) -> None:
    with opened(registry[0]) as runtime:
        with runtime.store.write() as uow:
            uow.operations.mark_clock(runtime.ports.clock())
        ports = replace(runtime.ports, clock=TurnedClock(-timedelta(hours=1)))
        with pytest.raises(CannotDate, match="before"):
            export_here(registry, ports, www)
    assert not www.exists()


def test_a_second_run_at_once_is_refused(registry: Registry, www: Path) -> None:
    assert export(registry, www).returncode == 0
    before = held(www / "ocsp")
    with FileLock(www / LOCK_FILE):
        ran = export(registry, www)
    assert (ran.returncode, "Another run" in ran.stderr) == (5, True)
    assert held(www / "ocsp") == before
    assert export(registry, www).returncode == 0


def test_no_bundle_no_file_and_a_certificate_that_is_gone_goes(registry: Registry, www: Path) -> None:
    assert export(registry, www).returncode == 0
    bundle, stray = registry[0].public / "trust-bundle.json", www / "ca" / "gone.der"
    stray.write_bytes(b"a CA that was taken out")
    aside = bundle.rename(bundle.with_suffix(".aside"))
    try:
        time.sleep(0.05)
        assert export(registry, www).returncode == 0
    finally:
        aside.rename(bundle)
    assert not stray.exists()
    assert not (www / "trust-bundle.json").exists()


def test_gnutls_believes_a_file(registry: Registry, www: Path) -> None:
    tool = require_tool("ocsptool", "GnuTLS's OCSP client")
    home, authority = registry
    answer = www.parent / "answer"

    def said(request: bytes, nginx: str) -> str:
        assert export(registry, www).returncode == 0
        with nginx_serving(www.parent / nginx, f"include {www}/nginx.conf;") as address:
            answer.write_bytes(asked(address, "GET", f"/pki/ocsp/{encode_get_path(request)}")[1])
        trust = f"--load-trust={home.public}/issuing.pem"
        command = [tool, "--verify-response", f"--load-response={answer}", trust]
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        return ran.stdout + ran.stderr

    with opened(home) as runtime:
        record = certify(authority, runtime.ports)
        (www.parent / "cert.pem").write_bytes(to_pem(record.der or b""))
        request = build_request(certificate(record), authority.issuing.certificate, hash_oid=oids.SHA1)
        good = said(request, "n1")
        revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=runtime.ports)
        revoked = said(request, "n2")
    assert "Success" in good
    assert "Certificate Status: good" in good
    assert "Success" in revoked
    assert "Certificate Status: revoked" in revoked
