"""`make fuzz`: every target for a while, a line each; what broke is kept in fuzz-out/, with how to repeat it.

python -m tests.fuzz [--seconds 60] [--seed 1] [TARGET ...]
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from tests.fuzz.targets import TARGETS

OUT: Final = Path("fuzz-out")
_DONE: Final = re.compile(r"#(\d+)\s+(?:DONE|pulse|NEW|REDUCE|INITED|RELOAD)\s+cov: (\d+)")
_SLOWEST_SECONDS: Final = 5
"""An input that takes longer counts as a crash: every parser is linear."""


def main() -> int:
    """0 where nothing broke, 1 where something did."""
    asked = _arguments()
    console = Console()
    names = asked.targets or list(TARGETS)
    console.print(f"{len(names)} targets, {asked.seconds} s each, seed {asked.seed}")
    return max(_run(name, asked, console) for name in names)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same run")
    parser.add_argument("targets", nargs="*", choices=[[], *TARGETS], metavar="TARGET")
    return parser.parse_args()


def _run(name: str, asked: argparse.Namespace, console: Console) -> int:
    corpus, broken = OUT / name / "corpus", OUT / name / "broken"
    for folder in (corpus, broken):
        folder.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(TARGETS[name].seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = [
        f"-max_total_time={asked.seconds}",
        f"-seed={asked.seed}",
        f"-timeout={_SLOWEST_SECONDS}",
        f"-artifact_prefix={broken}/",
        "-max_len=65536",
        "-rss_limit_mb=2048",
    ]
    command = [sys.executable, "-m", "tests.fuzz.one", name, *options, str(corpus)]
    with console.status(f"{name} ..."):
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    found = _DONE.findall(done.stderr)
    inputs, coverage = found[-1] if found else ("0", "0")
    console.print(f"  {name:<20} {int(inputs):>10,} inputs  {coverage:>6} edges  {_word(done.returncode)}")
    if done.returncode:
        console.print("\n".join(done.stderr.splitlines()[-25:]), markup=False)
        console.print(f"Again: python -m tests.fuzz.one {name} {broken}/crash-...", markup=False)
    return int(done.returncode != 0)


def _word(returncode: int) -> str:
    return "ok" if returncode == 0 else f"BROKEN (exit code {returncode})"


if __name__ == "__main__":
    sys.exit(main())
