"""Killed at every rename while all keys are sealed anew: one way in works for all of them, old or new."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pki.errors import WrongPassphrase
from service.keystore import KeyReader, KeyWriter
from tests.quick_seals import CHEAP, seals_at
from tests.tools import require_tool

ROOT = Path(__file__).parents[3]
OLD, NEW = b"a passphrase of a test", b"the next passphrase"
NAMES = ("issuing.classical", "log.ed25519")
RENAMES = "rename,renameat,renameat2"
PROGRAM = f"""
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from pki.envelope import KdfParameters, Opener, Sealer
from service import keystore
cheap, now = KdfParameters({CHEAP.n}), datetime(2026, 11, 22, tzinfo=UTC)
keystore.Sealer = partial(Sealer, parameters=cheap, floor=cheap)
keystore.Opener = partial(Opener, floor=cheap)
keystore.reseal(Path(sys.argv[1]), {OLD!r}, {NEW!r}, besides={{"quorum.json": b"slot"}}, now=now)
"""


def _keys(folder: Path) -> Path:
    writer = KeyWriter(folder, OLD, datetime(2026, 11, 22, tzinfo=UTC))
    for name in NAMES:
        writer.write_secret(name, name.encode())
    return folder


def _reseal(keys: Path, kill_at: int) -> int:
    strace = require_tool("strace", "ends a process at a chosen system call")
    inject = ["-e", f"inject={RENAMES}:signal=KILL:when={kill_at}"] if kill_at else []
    trace = keys.with_name(f"{keys.name}-trace")
    command = [strace, "-f", "-o", str(trace), "-e", f"trace={RENAMES}", *inject]
    done = subprocess.run(
        [*command, sys.executable, "-B", "-c", PROGRAM, str(keys)], cwd=ROOT, capture_output=True, check=False
    )
    assert kill_at or done.returncode == 0, done.stderr.decode()
    return len(re.findall(r"^\d+ +rename", trace.read_text(), re.MULTILINE))


def _opens(keys: Path, passphrase: bytes) -> bool:
    reader = KeyReader(keys, passphrase)
    try:
        return all(reader.read_secret(name) == name.encode() for name in NAMES)
    except WrongPassphrase:
        return False


@pytest.fixture(autouse=True)
def cheap_seals() -> Iterator[None]:
    """Each way in costs a scrypt, and there are some twenty."""
    with seals_at(CHEAP):
        yield


@pytest.mark.timeout(120)  # some fifteen Pythons, one after the other under strace
def test_killed_at_each_rename_all_keys_open_in_one_way(tmp_path: Path) -> None:
    before = _keys(tmp_path / "before")
    renames = _reseal(shutil.copytree(before, tmp_path / "whole"), 0)
    assert renames == len(NAMES) + 3, "each key, the slot, and the folder twice"
    ways = []
    for kill_at in range(1, renames + 1):
        keys = shutil.copytree(before, tmp_path / f"killed-{kill_at}")
        _reseal(keys, kill_at)
        old, new = _opens(keys, OLD), _opens(keys, NEW)
        assert old is not new, f"killed at rename {kill_at}"
        assert (keys / "quorum.json").exists() is new
        ways.append(new)
        if old:
            _reseal(keys, 0)
            assert _opens(keys, NEW), "it can be done again"
    assert ways == sorted(ways)
    assert {True, False} == set(ways)
