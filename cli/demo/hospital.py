"""The hospital of the demo: a throw-away home, `medtrust up` as a process of its own, real commands.

Commands run inside this process by the same door as the console script's: what is measured is the command
and not the start of an interpreter.
"""

from __future__ import annotations

import base64
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import cli
from cli.demo.errors import HospitalDown
from cli.errors import INTERRUPTED
from cli.main import run
from service import clock, control
from service.home import Home, make_private, write_private
from service.settings import BrokerKind

_READY_WITHIN: Final = 30.0
_ENDS_WITHIN: Final = 15.0
_SETTINGS: Final = """\
[status]
url = "http://127.0.0.1:{status}"
listen = "127.0.0.1:{status}"

[mqtt]
broker = "{broker}"
listen = "127.0.0.1"
bootstrap_port = {bootstrap}
ops_port = {ops}
names = ["127.0.0.1", "localhost"]

[ca]
organization = "Example General Hospital"
"""


class Hospital:
    """Made on entering, stopped and removed on leaving, whatever happened between."""

    def __init__(self, log: Path, broker: BrokerKind) -> None:
        self._log, self._broker = log, broker
        self._process: subprocess.Popen[bytes] | None = None
        self._room = Path(tempfile.mkdtemp(prefix="medtrust-demo-"))
        self.home = Home(self._room / "home")
        self.passphrase = base64.b32encode(clock.entropy(20))
        self._passphrase_file = self._room / "passphrase"
        self._ports = _free_ports(3)

    def __enter__(self) -> Hospital:
        make_private(self.home.root)
        status, bootstrap, ops = self._ports
        settings = _SETTINGS.format(status=status, bootstrap=bootstrap, ops=ops, broker=self._broker)
        write_private(self.home.settings_file, settings.encode())
        write_private(self._passphrase_file, self.passphrase + b"\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.stop()
        finally:
            shutil.rmtree(self._room, ignore_errors=True)

    def room(self, name: str) -> Path:
        """A private folder that goes with the hospital."""
        return make_private(self._room / name)

    @property
    def bootstrap(self) -> tuple[str, int]:
        """Where strangers enrol."""
        return "127.0.0.1", self._ports[1]

    @property
    def status_address(self) -> tuple[str, int]:
        """Where OCSP and lists are served."""
        return "127.0.0.1", self._ports[0]

    def command(self, *arguments: str, may_end_with: tuple[int, ...] = (0,)) -> Any:  # noqa: ANN401 - JSON
        """`medtrust ARGUMENTS --json`: its document. HospitalDown with its own words where it failed."""
        out, err = io.StringIO(), io.StringIO()
        with ExitStack() as stack:
            stack.enter_context(redirect_stdout(out))
            stack.enter_context(redirect_stderr(err))
            code = run(["--home", str(self.home.root), *arguments, "--json"])
        if code == INTERRUPTED:
            raise KeyboardInterrupt
        if code not in may_end_with:
            said = err.getvalue().strip() or out.getvalue().strip()
            raise HospitalDown(
                f"medtrust {' '.join(arguments[:2])} ended with {code}: {said}", field="command"
            )
        return json.loads(out.getvalue())

    def with_passphrase(self, *arguments: str) -> Any:  # noqa: ANN401 - JSON
        """A command that opens the CA's keys."""
        return self.command(*arguments, "--passphrase-file", str(self._passphrase_file))

    def start(self) -> dict[str, object]:
        """`medtrust up`, until it says that it is ready; what it says of itself."""
        began = time.monotonic()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", *self._up()],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=Path(cli.__path__[0]).parent,
                # Ctrl-C is ours to pass on: otherwise the hospital would end before the story can say so.
                start_new_session=True,
            )
        while time.monotonic() < began + _READY_WITHIN:
            said = control.status(self.home)
            if said is not None and said.get("ready"):
                return said
            if self._process.poll() is not None:
                break
            time.sleep(0.02)
        raise HospitalDown(
            f"medtrust up is not ready: {self._last_words()}",
            next_step=f"See {self._log.name} in the output folder.",
            field="medtrust up",
        )

    def _up(self) -> list[str]:
        return ["--home", str(self.home.root), "up", "--passphrase-file", str(self._passphrase_file)]

    def _last_words(self) -> str:
        lines = self._log.read_text("utf-8", "replace").strip().splitlines()
        return " ".join(lines[-3:]) or "it said nothing"

    def stop(self) -> int | None:
        """Ends the process that we started, by its id; its exit code, None where none was started."""
        process, self._process = self._process, None
        if process is None:
            return None
        if process.poll() is None:
            process.terminate()
        try:
            return process.wait(_ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def get(self, path: str) -> bytes:
        """What the status server answers to GET; HospitalDown unless it is 200."""
        return self._http("GET", path, None)

    def ask_ocsp(self, request: bytes) -> bytes:
        """An OCSP request by POST (RFC 6960 A.1)."""
        return self._http("POST", "/ocsp", request)

    def _http(self, method: str, path: str, body: bytes | None) -> bytes:
        connection = HTTPConnection(*self.status_address, timeout=5.0)
        headers = {"Content-Type": "application/ocsp-request"} if body else {}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        except OSError as bad:
            raise HospitalDown(f"The status server did not answer {path}: {bad}.", field=path) from bad
        finally:
            connection.close()
        if answer.status != 200:
            raise HospitalDown(f"{method} {path} was answered {answer.status}.", field=path)
        return content


def _free_ports(count: int) -> list[int]:
    """Distinct ports of this machine that nobody uses now; held together so that they differ."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def without_proxies() -> dict[str, str]:
    """Our environment for programs that must speak to this machine directly."""
    return {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
