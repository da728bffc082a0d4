"""The console script: plain `medtrust --help` is a generated page, shown without importing the commands."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

_HELP = Path(__file__).with_name("help.txt")
"""Written by `make generated` from the command line itself; a test holds the two together."""


def main() -> None:
    """`medtrust`."""
    if sys.argv[1:] in (["--help"], ["-h"]) and sys.stdout is not None:
        # No page, or nobody reads: the command line says which, in its own words.
        with suppress(OSError):
            sys.stdout.write(_HELP.read_text())
            sys.stdout.flush()
            return
    from cli.main import main as command_line

    command_line()
