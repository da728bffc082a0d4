"""The status server from outside: what it opens, what it survives, how it ends, what it refuses."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

from registry.revocation import hold_certificate, release_certificate, revoke_certificate
from service.authority import Authority
from service.home import Home
from tests.integration.status.started import Running, alive, command, environment, running, until
from tests.tools import require_tool
from tests.unit.service.status_fixtures import WHO, certify, opened

pytestmark = pytest.mark.timeout(120)
TWO = ("--listen", "127.0.0.1:0", "--workers", "2")
WATCHED = "open,openat,openat2,write,pwrite64,writev,pwritev,ftruncate,unlink,rename"
WRITTEN = re.compile(r"^.*(?:write|truncate|unlink|rename)\w*\([^)]*registry\.db(?!-shm).*$", re.MULTILINE)
OPENED = "O_RDONLY|O_NOFOLLOW|O_CLOEXEC"
KEY_OF_A_CA = re.compile(r"keys/(issuing|root)\.[^/]*$")


def hide_ca_keys(home: Home, folder: Path) -> list[Path]:
    """As on a machine that was never given them."""
    away = folder / "away"
    away.mkdir()
    hidden = [path for path in home.keys.iterdir() if path.name.startswith(("issuing.", "root."))]
    return [path.rename(away / path.name) for path in hidden]


def test_it_answers_without_a_cas_key(home: Home, authority: Authority, tmp_path: Path) -> None:
    with opened(home) as runtime:
        record = certify(authority, runtime.ports)
    assert hide_ca_keys(home, tmp_path)
    with running(home, tmp_path) as server:
        assert server.is_good(authority, record)
        assert server.http("GET", "/crl/issuing.crl")[0] == 200
        assert server.http("GET", "/ca/issuing.der")[0] == 200
        assert json.loads(server.http("GET", "/healthz")[1])["status"] == "ok"
        assert server.end() == 0


def opens(trace: str) -> list[tuple[str, str]]:
    """(path, flags) of each open."""
    return re.findall(r'open(?:at)?\((?:[^,"]+, )?"([^"]+)", ([A-Z_|0-9]+)', trace)


def test_no_cas_key_is_opened_and_the_store_only_for_reading(
    home: Home, authority: Authority, tmp_path: Path
) -> None:
    strace = require_tool("strace", "sees which files a process opens")
    trace = tmp_path / "trace"
    with opened(home) as runtime:
        record = certify(authority, runtime.ports)
    under = (strace, "-f", "-qq", "-s", "4096", "-o", str(trace), "-y", "-e", f"trace={WATCHED}")
    with running(home, tmp_path, under=under) as server:
        assert server.is_good(authority, record)
        assert server.http("GET", "/crl/issuing.crl")[0] == 200
        server.end()
    text = trace.read_text()
    found = opens(text)
    keys = {Path(path).name for path, _ in found if f"{home.keys}/" in path}
    assert any("ocsp" in name for name in keys), keys
    assert [name for name in keys if KEY_OF_A_CA.search(f"keys/{name}")] == []
    assert {flags for path, flags in found if path == f"{home.root}/registry.db"} == {OPENED}
    # SQLite opens the journal as a writer would; nothing is written there.
    assert WRITTEN.findall(text) == []


def test_a_worker_that_is_killed_is_replaced_while_the_other_answers(
    home: Home, authority: Authority, tmp_path: Path
) -> None:
    serial = authority.registry.certificate.serial
    with running(home, tmp_path, *TWO) as server:
        before = server.workers()
        assert len(before) == 2
        for victim in before:
            os.kill(victim, signal.SIGKILL)
            until(lambda gone=victim: not alive(gone), "the kill")  # type: ignore[misc]
            server.says(authority, f"{serial:x}")
            until(lambda: len(server.workers()) == 2, "another worker")
        assert not set(before) & set(server.workers())
        for _ in range(20):
            server.says(authority, f"{serial:x}")


def test_a_presigner_that_is_killed_is_replaced_and_goes_on(
    home: Home, authority: Authority, tmp_path: Path
) -> None:
    with running(home, tmp_path) as server:
        workers, victim = server.workers(), server.presigner()
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(server.children()) == 2 and server.presigner() != victim, "another presigner")
        assert server.workers() == workers
        with opened(home) as runtime:
            record = certify(authority, runtime.ports)

        def signed_ahead() -> bool:
            assert server.is_good(authority, record)
            return counted(server, 'medtrust_ocsp_answers_total{how="presigned"}') > 0

        until(signed_ahead, "an answer that the new presigner signed")


def counted(server: Running, line: str) -> float:
    page = server.http("GET", "/metrics")[1].decode()
    found = [each.rpartition(" ")[2] for each in page.splitlines() if each.startswith(line)]
    return float(found[0]) if found else 0.0


def test_children_end_with_a_parent_that_is_killed(home: Home, tmp_path: Path) -> None:
    with running(home, tmp_path, *TWO) as server:
        children = server.children()
        assert len(children) == 3
        os.kill(server.pid, signal.SIGKILL)
        server.process.wait()
        until(lambda: not any(map(alive, children)), "the children's end")
        bind(server.port)


def test_sigterm_ends_all_of_them_and_frees_the_port(home: Home, tmp_path: Path) -> None:
    with running(home, tmp_path, *TWO) as server:
        children = server.children()
        with socket.create_connection(("127.0.0.1", server.port)) as idle:  # a client that says nothing
            assert server.end() == 0
            assert not any(map(alive, children))
            idle.settimeout(5)
            assert idle.recv(1) == b""
        bind(server.port)
        assert "Traceback" not in server.log()


def bind(port: int) -> None:
    with socket.socket() as again:
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", port))
        again.listen()


def test_two_servers_on_one_store_hear_of_a_third_process_revocation(
    home: Home, authority: Authority, tmp_path: Path
) -> None:
    with (
        running(home, tmp_path, name="one") as one,
        running(home, tmp_path, name="two") as two,
        opened(home) as third,
    ):
        for _ in range(3):
            record = certify(authority, third.ports)
            assert one.is_good(authority, record)
            assert two.is_good(authority, record)
            revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=third.ports)
            time.sleep(1.0)
            assert not one.is_good(authority, record)
            assert not two.is_good(authority, record)


def refused(home: Home, folder: Path, *options: str) -> tuple[int, str]:
    ran = subprocess.run(
        command(home, folder, *options),
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "Traceback" not in ran.stderr
    lines = ran.stderr.splitlines()
    assert [line.partition(":")[0] for line in lines] == ["error", "field", "next"], ran.stderr
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("lived_on", [False, True], ids=["as it was", "that lived on"])
def test_an_older_copy_of_the_store_is_believed_not_what_was_signed_from_the_newer(
    home: Home, authority: Authority, tmp_path: Path, lived_on: bool
) -> None:
    with opened(home) as runtime:
        record = certify(authority, runtime.ports)
        hold_certificate(record.certificate_serial, WHO, ports=runtime.ports)
    older = tmp_path / "older.db"
    older.write_bytes((home.root / "registry.db").read_bytes())
    with opened(home) as runtime:
        release_certificate(record.certificate_serial, WHO, ports=runtime.ports)
    with running(home, tmp_path) as server:

        def signed_ahead() -> bool:
            assert server.is_good(authority, record)
            return counted(server, 'medtrust_ocsp_answers_total{how="presigned"}') > 0

        until(signed_ahead, "good, signed ahead")
    for path in home.root.glob("registry.db*"):
        path.unlink()
    older.rename(home.root / "registry.db")
    if lived_on:  # its log is as long as the newer one's was, and tells another story
        with opened(home) as runtime:
            for _ in range(3):
                certify(authority, runtime.ports)
    with running(home, tmp_path, name="again") as server:
        for _ in range(50):
            assert not server.is_good(authority, record)


def test_a_port_that_is_taken(home: Home, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = refused(home, tmp_path, "--listen", f"127.0.0.1:{port}")
    assert (code, str(port) in said) == (5, True)


def test_a_passphrase_that_is_wrong(home: Home, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"not this one\n")
    other.chmod(0o600)
    code, _ = refused(home, tmp_path, "--passphrase-file", str(other), "--listen", "127.0.0.1:0")
    assert code == 3


def test_a_store_that_is_missing(home: Home, tmp_path: Path) -> None:
    for path in home.root.glob("registry.db*"):
        path.unlink()
    code, _ = refused(home, tmp_path)
    assert code in (4, 6)
    assert not list(home.root.glob("registry.db*"))
