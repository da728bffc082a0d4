"""What /proc says of running processes: their CPU time, their children, their share of memory."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of all threads of these processes until now."""
    return sum(_cpu_ticks(pid) for pid in pids) / os.sysconf("SC_CLK_TCK")


def descendants(pid: int) -> tuple[int, ...]:
    """Children, their children and so on, in the order of their ids."""
    found: list[int] = []
    ahead = [pid]
    while ahead:
        children = _children(ahead.pop())
        found += children
        ahead += children
    return tuple(sorted(found))


def proportional_bytes(pids: Iterable[int]) -> int:
    """Resident memory (PSS): what several processes map is shared out among them and counts once."""
    return sum(_pss_kilobytes(pid) for pid in pids) * 1024


def largest_resident_bytes(pid: int) -> int:
    """Since its program was started, mapped files included (getrusage's also knows what its parent had)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024


def _cpu_ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _pss_kilobytes(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
