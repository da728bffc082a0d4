"""Runs of `medtrust demo` as processes of their own, in a folder of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Played:
    """One run that has ended."""

    code: int
    out: Path
    temporary: Path
    printed: str

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.out / "demo.json").read_bytes())
        return found


def start(folder: Path, *options: str, path: str | None = None) -> subprocess.Popen[str]:
    (folder / "tmp").mkdir()
    environment = {**os.environ, "TMPDIR": str(folder / "tmp")}
    if path is not None:
        environment["PATH"] = path
    return subprocess.Popen(
        [sys.executable, "-m", "cli.main", "demo", "--out", str(folder / "demo-out"), *options],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(process: subprocess.Popen[str], folder: Path) -> Played:
    printed, _ = process.communicate(timeout=110)
    return Played(process.returncode, folder / "demo-out", folder / "tmp", printed)


def running(marker: Path) -> list[tuple[int, str]]:
    """Processes whose command line names a path below the run's own folder, by their ids."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(marker) in line:
            found.append((int(path.parent.name), line))
    return found
