"""The measured side in a process of its own: `python -m bench.process daemon|fixed HOME`.

The passphrase is the first line of its input; it serves until its input ends.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

import uvloop

from mqtt_bridge.broker.interface import Address
from service import clock, logs
from service.authority import unlock
from service.daemon import Daemon
from service.home import Home
from service.runtime import open_runtime
from service.status.answers import HttpAnswer
from service.status.protocol import HttpConnection, Patience
from service.status.server import DateLine, open_listener

FIXED_BODY_FILE = "fixed-body"


def main() -> None:
    """One of the two servers."""
    what, home = sys.argv[1], Home(Path(sys.argv[2]))
    passphrase = sys.stdin.buffer.readline().rstrip(b"\n")
    if what == "fixed":
        uvloop.run(_fixed((home.root / FIXED_BODY_FILE).read_bytes()))
    else:
        _daemon(home, passphrase)


def _daemon(home: Home, passphrase: bytes) -> None:
    with open_runtime(home) as runtime:
        logs.configure(runtime.settings.log_level)
        daemon = Daemon(runtime, unlock(home, runtime.settings, passphrase), log=logs.get("medtrust"))
        doors = daemon.start()
        ports = {"bootstrap": doors.bootstrap.port, "ops": doors.ops.port, "status": doors.status.port}
        _tell(ports, doors.broker)
        try:
            sys.stdin.buffer.read()
        finally:
            daemon.stop()


async def _fixed(body: bytes) -> None:
    """The status server's own HTTP, with one answer to everything."""
    loop = asyncio.get_running_loop()
    listener = open_listener(Address("127.0.0.1", 0))
    answer = HttpAnswer(200, b"application/ocsp-response", body)
    connections: set[HttpConnection] = set()
    date = DateLine(clock.now, loop)
    server = await loop.create_server(
        lambda: HttpConnection(lambda _: answer, date, connections, Patience()), sock=listener, backlog=1024
    )
    _tell({"status": listener.getsockname()[1]}, "none")
    await loop.run_in_executor(None, sys.stdin.buffer.read)
    server.close()


def _tell(ports: dict[str, int], broker: str) -> None:
    sys.stdout.write(json.dumps({"ports": ports, "broker": broker}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
