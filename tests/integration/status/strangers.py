"""Certificates that the served CA signed and its store has never heard of."""

from __future__ import annotations

import shutil
from pathlib import Path

from service.home import Home
from tests.integration.status_served import Served
from tests.unit.service.status_fixtures import certify, opened


def never_issued(served: Served, folder: Path) -> bytes:
    """Issued by a copy of the home: a true signature, a serial that the server does not know."""
    copy = Home(folder / "copied-home")
    shutil.copytree(served.home.root, copy.root, ignore=shutil.ignore_patterns("*.sock"))
    with opened(copy) as runtime:
        der = certify(served.authority, runtime.ports, "stranger.ward").der
    shutil.rmtree(copy.root)
    return der or b""
