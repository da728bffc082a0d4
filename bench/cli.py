"""How long a command takes to start, against an interpreter that does nothing."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from bench.figures import Figure, Goal, Report
from bench.house import house

_TRIES = 15
_PATIENCE = 40.0
_GOAL = Goal(most=150)


def measure() -> Report:
    """Medians of 15 starts each, by turns; of fewer, where they take longer than 40 s together."""
    medtrust = str(Path(sys.executable).with_name("medtrust"))
    with house() as home:
        environment = {**os.environ, "MEDTRUST_HOME": str(home.home.root)}
        commands = {
            "python": [sys.executable, "-c", "pass"],
            "medtrust --help": [medtrust, "--help"],
            "medtrust status": [medtrust, "status"],
        }
        codes = {name: _start(command, environment)[1] for name, command in commands.items()}
        taken: dict[str, list[float]] = {name: [] for name in commands}
        cpu: dict[str, list[float]] = {name: [] for name in commands}
        ends = time.monotonic() + _PATIENCE
        while len(taken["python"]) < _TRIES and time.monotonic() < ends:
            for name, command in commands.items():
                before = _cpu_ms()
                taken[name].append(_start(command, environment)[0])
                cpu[name].append(_cpu_ms() - before)
    medians = {name: statistics.median(times) for name, times in taken.items()}
    spent = ", ".join(f"{name} {statistics.median(times):.0f}" for name, times in cpu.items())
    bare = medians.pop("python")
    figures = [
        Figure(f"{name}, start to end", took, "ms", "python -c pass", bare, goal=_GOAL)
        for name, took in medians.items()
    ]
    exits = ", ".join(f"{name} {code}" for name, code in codes.items() if name in medians)
    return Report(
        figures,
        [f"CPU time, ms: {spent}", f"exit codes: {exits}; status is of a home whose process does not run"],
    )


def _cpu_ms() -> float:
    """CPU time of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (used.ru_utime + used.ru_stime) * 1000


def _start(command: Sequence[str], environment: dict[str, str]) -> tuple[float, int]:
    began = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, check=False, timeout=20)
    return (time.perf_counter() - began) * 1000, done.returncode
