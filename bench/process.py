"""The measured side in a process of its own: `python -m bench.process daemon HOME`.

The passphrase is the first line of its input; it serves until its input ends.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from service import logs
from service.authority import unlock
from service.daemon import Daemon
from service.home import Home
from service.runtime import open_runtime


def main() -> None:
    """What `medtrust up` runs."""
    what, home = sys.argv[1], Home(Path(sys.argv[2]))
    if what != "daemon":
        sys.exit(f"there is no process {what!r}")
    passphrase = sys.stdin.buffer.readline().rstrip(b"\n")
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


def _tell(ports: dict[str, int], broker: str) -> None:
    sys.stdout.write(json.dumps({"ports": ports, "broker": broker}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
