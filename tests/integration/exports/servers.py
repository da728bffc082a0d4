"""Real servers on loopback, started on free ports and ended by process; and a client that tries one."""

from __future__ import annotations

import contextlib
import getpass
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.integration.exports.conftest import Party
from tests.tools import require_tool


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(command: list[str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The server's process, once its port answers."""
    with log.open("wb") as said:
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=said, stderr=said)
        try:
            _wait(child, port, log)
            yield child
        finally:
            child.terminate()
            child.wait(10)


def _wait(child: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        assert child.poll() is None, log.read_text()
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 0.2).close()
            return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on {port}: {log.read_text()}")


def talks(port: int, ca: Path, client: Party, first: bytes) -> bytes:
    """What a server answers to a client's first words, or nothing where it refuses the certificate."""
    context = ssl.create_default_context(cafile=str(ca))
    context.load_cert_chain(client.certificate, client.key)
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as plain,
            context.wrap_socket(plain, server_hostname="localhost") as stream,
        ):
            stream.sendall(first)
            return stream.recv(4096)
    except (ssl.SSLError, ConnectionError):
        return b""


_NGINX = """\
user {user};
worker_processes 1;
daemon off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    {before}
    server {{ listen 127.0.0.1:{port}; {inside} }}
}}
"""


@contextlib.contextmanager
def nginx_serving(folder: Path, inside: str, before: str = "") -> Iterator[str]:
    """HOST:PORT of an nginx with these lines inside its server block, and these before it."""
    folder.mkdir()
    folder.chmod(0o755)
    port = free_port()
    page = _NGINX.format(user=getpass.getuser(), folder=folder, port=port, inside=inside, before=before)
    (folder / "nginx.conf").write_text(page)
    program = require_tool("nginx", "status behind nginx")
    with running([program, "-c", str(folder / "nginx.conf")], port, folder / "said"):
        yield f"127.0.0.1:{port}"
