"""Signing ahead in a process of its own, nothing else on the file: `python -m bench.presigning_process HOME`.

The passphrase is the first line of its input; its output is one line of JSON. Bare signing is measured in the
same process before and after, for a machine that is shared changes its speed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from bench.house import House
from bench.proc import largest_resident_bytes
from bench.status_turns import bare_signing
from service.home import Home
from service.runtime import open_runtime
from service.status.keys import unlock_responders
from service.status.presigned import Presigned, presigned_folder
from service.status.presigner import Presigner

SIGNATURES: Final = 50_000
"""How many bare ones are signed, half of them before."""
_PATIENCE: Final = 900.0


@dataclass(frozen=True, slots=True)
class Walk:
    """One walk over a fleet that nothing is signed for yet."""

    signed: int
    wall: float
    cpu: float
    """Seconds of all its threads."""
    bare_cpu_us: float
    """For a P-256 signature and nothing else."""
    octets: int
    """What the records take in the file."""
    resident: int
    """The process's largest resident memory, the mapped file's pages included."""


def presign(home: House) -> Walk:
    """All certificates of the home's store; RuntimeError where it failed."""
    command = [sys.executable, "-m", "bench.presigning_process", str(home.home.root)]
    done = subprocess.run(
        command, input=home.passphrase + b"\n", capture_output=True, check=False, timeout=_PATIENCE
    )
    if done.returncode:
        raise RuntimeError(f"signing ahead failed: {done.stderr.decode()[-2000:]}")
    return Walk(**json.loads(done.stdout))


def main() -> None:
    """The child's side."""
    home, passphrase = Home(Path(sys.argv[1])), sys.stdin.buffer.readline().rstrip(b"\n")
    with open_runtime(home, read_only=True) as runtime:
        keys, rules = unlock_responders(home, runtime.settings, passphrase), runtime.settings.status
        presigned = Presigned(presigned_folder(home), writable=True)
        before = bare_signing(SIGNATURES // 2).cpu_us
        wall, cpu = time.monotonic(), time.process_time()
        presigner = Presigner(
            keys, runtime.ports, presigned, lifetime=rules.ocsp_lifetime, digests=rules.presign
        )
        while presigner.step():
            pass
        wall, cpu = time.monotonic() - wall, time.process_time() - cpu
        bare = (before + bare_signing(SIGNATURES // 2).cpu_us) / 2
        _, octets = presigned.usage()
        presigned.close()
    resident = largest_resident_bytes(os.getpid())
    print(json.dumps(asdict(Walk(presigner.signed, wall, cpu, bare, octets, resident))))


if __name__ == "__main__":
    main()
