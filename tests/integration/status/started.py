"""`medtrust status-server` as a real process: started, asked, looked at from outside, ended by its id."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pki.cert_id import CertId
from pki.ocsp import GOOD, CertStatus, parse_response
from registry.model.certificate import CertificateRecord
from service.authority import Authority
from service.home import Home
from tests.unit.service.ocsp_requests import request_of
from tests.unit.service.status_fixtures import PASSPHRASE

ROOT = Path(__file__).parents[3]
RUN = "from cli.entry import main; main()"
PATIENCE = 20.0
"""Seconds for what must come."""


def command(home: Home, folder: Path, *options: str) -> list[str]:
    """The command line; the passphrase comes from a file of 0600."""
    secret = folder / "passphrase"
    secret.write_bytes(PASSPHRASE + b"\n")
    secret.chmod(0o600)
    asked = ["--home", str(home.root), "status-server", "--passphrase-file", str(secret)]
    return [sys.executable, "-B", "-c", RUN, *asked, *(options or ("--listen", "127.0.0.1:0"))]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}


class Running:
    """A parent and its children."""

    def __init__(self, process: subprocess.Popen[str], pid: int, port: int, log: Path) -> None:
        self.process, self.pid, self.port, self._log = process, pid, port, log

    def log(self) -> str:
        return self._log.read_text()

    def children(self) -> list[int]:
        """Process ids, as the kernel has them."""
        return children_of(self.pid)

    def presigner(self) -> int:
        """The child that lets others go first."""
        (found,) = [pid for pid in self.children() if os.getpriority(os.PRIO_PROCESS, pid) == 10]
        return found

    def workers(self) -> list[int]:
        return [pid for pid in self.children() if os.getpriority(os.PRIO_PROCESS, pid) == 0]

    def http(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        headers = {"Content-Type": "application/ocsp-request"} if body else {}
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()

    def says(self, authority: Authority, serial: str) -> CertStatus:
        """What OCSP says of a certificate of the issuing CA."""
        request = request_of(CertId.of(authority.issuing.certificate, int(serial, 16), "1.3.14.3.2.26"))
        status, body = self.http("POST", "/ocsp", request)
        assert status == 200
        basic = parse_response(body).basic
        assert basic is not None, parse_response(body)
        return basic.answers[0].status

    def is_good(self, authority: Authority, record: CertificateRecord) -> bool:
        return self.says(authority, record.certificate_serial) == GOOD

    def end(self) -> int:
        """By SIGTERM; the exit code."""
        os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(PATIENCE)


@contextmanager
def running(
    home: Home, folder: Path, *options: str, under: Sequence[str] = (), name: str = "server"
) -> Iterator[Running]:
    """Until it says where it serves; ended at the end, with whatever it left behind."""
    log = folder / f"{name}.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*under, *command(home, folder, *options)],
            cwd=ROOT,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "status is served http://" in line, log.read_text()
        pid = children_of(process.pid)[0] if under else process.pid
        made = Running(process, pid, int(line.strip().rpartition(":")[2]), log)
        yield made
    finally:
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def children_of(pid: int) -> list[int]:
    """Direct children; none of a process that is gone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def alive(pid: int) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until(holds: Callable[[], bool], what: str) -> None:
    """Waits for what must come."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
