"""`medtrust status-server` as a process: no CA's key, a store that is only read, children that end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pki.ocsp import GOOD, CertStatus, Revoked
from pki.profiles import SubjectFacts
from pki.tbs import Certificate
from registry.model.actor import job
from registry.revocation import revoke_certificate
from service import clock
from service.authority import Authority
from service.home import Home
from service.keystore import KeyWriter
from service.own_signers import RESPONDERS, keep_certificate
from service.own_signers import certify as certify_own
from service.pem import read_certificate
from service.runtime import Runtime
from tests.integration.status.server_process import ServerProcess, command, environment, eventually, running
from tests.tools import require_tool
from tests.unit.service.ocsp_bench import certificate
from tests.unit.service.status_fixtures import PASSPHRASE, WHO, certify, make_home, opened


@dataclass
class Scene:
    """A registry whose CAs' keys were carried away, and its status server."""

    home: Home
    authority: Authority
    runtime: Runtime
    server: ServerProcess

    @property
    def issuer(self) -> Certificate:
        return self.authority.issuing.certificate

    def status(self, about: Certificate, server: ServerProcess | None = None) -> CertStatus:
        basic = (server or self.server).ocsp(about, self.issuer).basic
        assert basic is not None
        return basic.answers[0].status

    def workers(self) -> list[int]:
        """The children that listen for clients: all but the one that signs ahead, which is nice."""
        return [pid for pid in self.server.children() if os.getpriority(os.PRIO_PROCESS, pid) == 0]

    def presigners(self) -> list[int]:
        return [pid for pid in self.server.children() if os.getpriority(os.PRIO_PROCESS, pid) > 0]


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Authority]:
    folder = tmp_path_factory.mktemp("standalone")
    home, authority = make_home(folder)
    for key in (*home.keys.glob("issuing.*"), *home.keys.glob("root.*"), *home.keys.glob("registry.*")):
        key.rename(folder / key.name)
    return home, authority


@pytest.fixture
def scene(registry: tuple[Home, Authority], tmp_path: Path) -> Iterator[Scene]:
    home, authority = registry
    with opened(home) as runtime, running(home, tmp_path, "--workers", "2") as server:
        yield Scene(home, authority, runtime, server)


def test_it_answers_without_any_cas_key_and_shows_another_process_revocation(scene: Scene) -> None:
    record = certify(scene.authority, scene.runtime.ports)
    assert scene.status(certificate(record)) == GOOD
    revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=scene.runtime.ports)
    began = time.monotonic()
    assert eventually(lambda: isinstance(scene.status(certificate(record)), Revoked))
    assert time.monotonic() - began < 1.0
    assert scene.server.get("/crl/issuing.crl")
    assert b"ok" in scene.server.get("/healthz")


def test_two_servers_on_one_store_agree_within_a_second(scene: Scene, tmp_path: Path) -> None:
    records = [certify(scene.authority, scene.runtime.ports) for _ in range(5)]
    (tmp_path / "second").mkdir()
    with running(scene.home, tmp_path / "second") as second:
        for record in records:
            about = certificate(record)
            assert [scene.status(about), scene.status(about, second)] == [GOOD, GOOD]
            revoke_certificate(record.certificate_serial, "superseded", WHO, ports=scene.runtime.ports)
            time.sleep(0.9)
            for server in (scene.server, second) * 3:
                assert isinstance(scene.status(about, server), Revoked)


def test_a_worker_that_is_killed_is_replaced_and_the_others_go_on(scene: Scene) -> None:
    about = read_certificate(scene.home.certificates / "registry.pem")
    before = scene.workers()
    assert len(before) == 2
    os.kill(before[0], signal.SIGKILL)
    assert eventually(lambda: scene.status(about) == GOOD)
    assert eventually(lambda: len(set(scene.workers()) - {before[0]}) == 2)
    assert before[1] in scene.workers()
    assert scene.status(about) == GOOD
    assert "process.ended" in scene.server.log


def test_a_presigner_that_is_killed_is_replaced_and_goes_on(scene: Scene) -> None:
    assert eventually(lambda: len(scene.presigners()) == 1)
    (before,) = scene.presigners()
    os.kill(before, signal.SIGKILL)
    assert eventually(lambda: scene.presigners() not in ([], [before]))
    record = certify(scene.authority, scene.runtime.ports)

    def signed_ahead() -> int:
        found = re.search(rb'answers_total\{how="presigned"\} (\d+)', scene.server.get("/metrics"))
        return int(found[1]) if found else 0

    shown = signed_ahead()
    assert eventually(lambda: scene.status(certificate(record)) == GOOD and signed_ahead() > shown + 1)


def test_children_end_with_their_parent_however_that_ends(scene: Scene) -> None:
    children = scene.server.children()
    assert len(children) == 3
    scene.server.process.kill()
    scene.server.process.wait(5)
    assert eventually(lambda: all(not Path(f"/proc/{pid}").exists() for pid in children), 5.0)


def test_it_ends_in_order_and_frees_its_port(scene: Scene, tmp_path: Path) -> None:
    children = scene.server.children()
    scene.server.process.terminate()
    assert scene.server.process.wait(10) == 0
    assert [pid for pid in children if Path(f"/proc/{pid}").exists()] == []
    at = scene.server.url.removeprefix("http://")
    with running(scene.home, tmp_path, "--listen", at) as again:
        assert again.url == scene.server.url


def test_responders_that_were_made_new_are_taken_over_without_a_failed_request(scene: Scene) -> None:
    about = read_certificate(scene.home.certificates / "registry.pem")
    profile, title = RESPONDERS[0]
    made = certify_own(
        "ocsp-ecdsa",
        profile,
        SubjectFacts(common_name=title, organization=scene.authority.organization),
        scene.authority.issuer,
        actor=job("own-signers"),
        ports=scene.runtime.ports,
        writer=KeyWriter(scene.home.keys, PASSPHRASE, clock.now()),
    )
    keep_certificate(scene.home, "ocsp-ecdsa", made.certificate)
    failed: list[object] = []

    def taken_over() -> bool:
        basic = scene.server.ocsp(about, scene.issuer).basic
        if basic is None or basic.answers[0].status != GOOD:
            failed.append(basic)
        return basic is not None and basic.certificates[0].serial == made.certificate.serial

    assert eventually(taken_over, 25.0)
    assert failed == []


def test_the_store_is_opened_for_reading_and_no_key_of_a_ca_is(
    registry: tuple[Home, Authority], tmp_path: Path
) -> None:
    strace = require_tool("strace", "which files a process opens, and how")
    home, _ = registry
    trace = tmp_path / "trace"
    about = read_certificate(home.certificates / "registry.pem")
    issuer = read_certificate(home.certificates / "issuing.pem")
    wrapped = [strace, "-D", "-f", "-e", "trace=openat,open", "-o", str(trace)]
    with running(home, tmp_path, wrapped=wrapped) as server:
        basic = server.ocsp(about, issuer).basic
        assert basic is not None
    opened_files = re.findall(r'"([^"]+)", ([A-Z_|]+)', trace.read_text())
    assert [flags for path, flags in opened_files if path.endswith("registry.db")]
    assert all("O_RDONLY" in flags for path, flags in opened_files if path.endswith("registry.db"))
    keys = {Path(path).name for path, _ in opened_files if "/keys/" in path and path.endswith(".json")}
    assert keys == {name for name in keys if name.startswith("ocsp-")} != set()


@pytest.mark.parametrize(
    ("spoil", "field", "code"),
    [("passphrase", "passphrase", 3), ("listen", "status.listen", 5), ("store", "store.url", 6)],
)
def test_what_keeps_it_from_starting_is_told_in_three_lines(
    registry: tuple[Home, Authority], tmp_path: Path, spoil: str, field: str, code: int
) -> None:
    home, _ = registry
    given = environment(tmp_path)
    arguments = ["--listen", "127.0.0.1:0"]
    store = home.root / "registry.db"
    with running(home, tmp_path) as other:
        if spoil == "passphrase":
            (tmp_path / "pass").write_bytes(b"wrong")
        if spoil == "listen":
            arguments = ["--listen", other.url.removeprefix("http://")]
        if spoil == "store":
            store.rename(tmp_path / "away")
        try:
            ran = subprocess.run(
                command(home, *arguments),
                env=given,
                cwd=Path(__file__).parents[3],
                capture_output=True,
                text=True,
                timeout=30,
                check=False,
            )
        finally:
            if spoil == "store":
                (tmp_path / "away").rename(store)
    assert "Traceback" not in ran.stderr
    assert field in ran.stderr
    assert ran.returncode == code, ran.stderr
    assert ran.stdout == ""
