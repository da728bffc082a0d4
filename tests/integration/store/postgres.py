"""A PostgreSQL cluster of the tests' own: made in a folder, on a free port, stopped by its pid."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.tools import require_tool

_WHAT = "the registry on PostgreSQL"


def _program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else require_tool(name, _WHAT)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Cluster:
    """A server that can be taken away and brought back under the same URL."""

    def __init__(self, data: Path, port: int, user: str | None) -> None:
        self._data, self._port, self._user = data, port, user
        self.url = f"postgresql+psycopg://medtrust@127.0.0.1:{port}/"

    def start(self) -> None:
        """Until it answers."""
        data = str(self._data)
        serve = [_program("postgres"), "-D", data, "-p", str(self._port), "-h", "127.0.0.1", "-k", data, "-F"]
        self._server = subprocess.Popen(serve, user=self._user, cwd=data, stderr=subprocess.DEVNULL)
        _wait(_program("pg_isready"), self._port)

    def stop(self) -> None:
        """At once, whoever is connected (a fast shutdown)."""
        self._server.send_signal(signal.SIGINT)
        self._server.wait(30)


@contextmanager
def cluster() -> Iterator[str]:
    """The URL of an empty server, gone afterwards."""
    with own_cluster() as made:
        yield made.url


@contextmanager
def own_cluster() -> Iterator[Cluster]:
    """A running server, gone afterwards."""
    initdb = _program("initdb")
    # Not below pytest's folder: every pytest that starts closes that one to other users again.
    data, port = Path(tempfile.mkdtemp(prefix="medtrust-pg-")), _free_port()
    user = "postgres" if os.geteuid() == 0 else None  # initdb refuses to run as root
    if user is not None:
        shutil.chown(data, user)
    make = [initdb, "-D", str(data), "-U", "medtrust", "-A", "trust", "-E", "UTF8", "--no-sync"]
    subprocess.run(make, user=user, check=True, capture_output=True, cwd=data)
    made = Cluster(data, port, user)
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(data, ignore_errors=True)


def _wait(ready: str, port: int) -> None:
    asked = [ready, "-h", "127.0.0.1", "-p", str(port), "-U", "medtrust", "-t", "1"]
    for _ in range(120):
        if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            return
    raise TimeoutError("PostgreSQL did not start")
