"""Issuance in processes of their own on one store: `python -m bench.issuing_process HOME FORM`.

The passphrase is the first line of the input; each further line starts a run, whose answer is a JSON line.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from bench.house import House
from bench.issuing import catalyst, classical, whole
from pki.algorithms import KeyAlgorithm
from service.authority import unlock
from service.home import Home
from service.runtime import open_runtime

_SECONDS = 3.0
_BATCH = 50
_FLEET = 600
FORMS: Final = {"catalyst": "P-256 + ML-DSA-65", "ec-p256": "P-256", "ec-p384": "P-384"}
"""Of what kind the certificates are, by the name that the command line takes."""


@contextmanager
def issuers(house: House, count: int, form: str = "catalyst") -> Iterator[Callable[[], float]]:
    """So many processes that wait; each call lets them issue for a while: certificates a second together."""
    with ExitStack() as open_:
        command = [sys.executable, "-m", "bench.issuing_process", str(house.home.root), form]
        children = [
            open_.enter_context(
                subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            )
            for _ in range(count)
        ]
        for child in children:
            _tell(child, house.passphrase.decode())
        for child in children:
            _answer(child)

        def run() -> float:
            for child in children:
                _tell(child, "go")
            told = [json.loads(_answer(child)) for child in children]
            return float(sum(units / seconds for units, seconds in told))

        try:
            yield run
        finally:
            for child in children:
                if child.stdin is not None:
                    child.stdin.close()  # the end of its input ends it


def _tell(child: subprocess.Popen[str], line: str) -> None:
    if child.stdin is not None:
        child.stdin.write(line + "\n")
        child.stdin.flush()


def _answer(child: subprocess.Popen[str]) -> str:
    line = child.stdout.readline() if child.stdout is not None else ""
    if not line:
        raise RuntimeError("an issuing process ended early")
    return line


def _main() -> None:
    home = Home(Path(sys.argv[1]))
    passphrase = sys.stdin.readline().rstrip("\n").encode()
    with open_runtime(home) as runtime:
        here = House(runtime, unlock(home, runtime.settings, passphrase), passphrase, home.root)
        wanted = sys.argv[2]
        form = (
            catalyst(here, _FLEET) if wanted == "catalyst" else classical(here, KeyAlgorithm(wanted), _FLEET)
        )
        work = whole(here, form, _BATCH, _BATCH)
        work()
        _say("ready")
        while sys.stdin.readline():
            began, units = time.perf_counter(), 0
            while time.perf_counter() - began < _SECONDS:
                units += work()
            _say(json.dumps([units, time.perf_counter() - began]))


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main()
