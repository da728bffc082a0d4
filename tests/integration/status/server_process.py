"""`medtrust status-server` as a process, for tests: started, asked, looked into."""

from __future__ import annotations

import http.client
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pki import oids
from pki.ocsp import OcspResponse, build_request, parse_response
from pki.tbs import Certificate
from service.home import Home
from tests.unit.service.status_fixtures import PASSPHRASE

ROOT = Path(__file__).parents[3]


class ServerProcess:
    """A parent process and where it serves."""

    def __init__(self, process: subprocess.Popen[str], url: str, log: Path) -> None:
        self.process, self.url, self._log = process, url, log

    @property
    def log(self) -> str:
        return self._log.read_text()

    def children(self) -> list[int]:
        """Its children's process ids, the ones that live."""
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(pid) for pid in listed if not state(int(pid)).startswith("Z")]

    def get(self, path: str) -> bytes:
        return ask(self.url, "GET", path)

    def ocsp(self, certificate: Certificate, issuer: Certificate, nonce: bytes | None = None) -> OcspResponse:
        der = build_request(certificate, issuer, hash_oid=oids.SHA1, nonce=nonce)
        return parse_response(ask(self.url, "POST", "/ocsp", der))


def ask(url: str, method: str, path: str, body: bytes | None = None) -> bytes:
    """The body of one answer."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    connection.request(method, path, body, {"Content-Type": "application/ocsp-request"})
    answer = connection.getresponse().read()
    connection.close()
    return answer


def state(pid: int) -> str:
    """A process's state letter; Z where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].strip()
    except OSError:
        return "Z"


def command(home: Home, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "cli.main", "--home", str(home.root), "status-server", *arguments]


def command_line(
    home: Home, folder: Path, *arguments: str, wrapped: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """One command to its end."""
    return subprocess.run(
        [*wrapped, sys.executable, "-m", "cli.main", "--home", str(home.root), *arguments],
        cwd=ROOT,
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )


def environment(folder: Path) -> dict[str, str]:
    file = folder / "pass"
    if not file.exists():
        file.touch(0o600)
        file.write_bytes(PASSPHRASE)
    return {**os.environ, "MEDTRUST_PASSPHRASE_FILE": str(file)}


@contextmanager
def running(
    home: Home, folder: Path, *arguments: str, wrapped: Sequence[str] = ()
) -> Iterator[ServerProcess]:
    """A server on a free port until the block ends."""
    log = folder / f"server-{time.monotonic_ns()}.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*wrapped, *command(home, "--listen", "127.0.0.1:0", *arguments)],
            cwd=ROOT,
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        assert process.stdout is not None
        said = process.stdout.readline()
        found = re.search(r"http://\S+", said)
        try:
            assert found, said + log.read_text()
            yield ServerProcess(process, found[0], log)
        finally:
            process.terminate()
            process.wait(15)
            process.stdout.close()


def eventually(true: Callable[[], bool], seconds: float = 15.0) -> bool:
    """Whether it becomes true in time; what fails meanwhile is tried again."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if true():
                return True
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.02)
    return False
