"""Killed at, or failed by, each n-th system call that writes: every promise of the store holds after each.

strace ends the process, or makes the call fail, at exactly that call; then another life goes on from there.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pki.crl_list import CertificateList
from registry.model.actor import job
from registry.model.certificate import CertificateState
from registry.publication import publish
from registry.upkeep import reconcile_intentions
from tests.integration.store.issuance_kept import check_issuance
from tests.integration.store.one_life import TOLD, opened, prepare
from tests.tools import require_tool
from tests.unit.registry.hospital import ENGINEER, Hospital

ROOT = Path(__file__).parents[3]
WRITES = "write,pwrite64,pwritev,writev,fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,ftruncate"
KILLS = 14
FAILURES = ("fsync,fdatasync:error=EIO", "pwrite64:error=ENOSPC", "rename,renameat,renameat2:error=EIO")


def _live(folder: Path, inject: str) -> subprocess.CompletedProcess[str]:
    strace = require_tool("strace", "ends a process at a chosen system call")
    trace = folder / "trace"
    command = [strace, "-f", "-o", str(trace), "-e", f"trace={WRITES}"]
    command += ["-e", f"inject={inject}"] if inject else []
    child = [sys.executable, "-B", "-m", "tests.integration.store.one_life", str(folder)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [*command, *child],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


def _calls(folder: Path) -> int:
    return len(re.findall(r"^\d+ +\w+\(", (folder / "trace").read_text(), re.MULTILINE))


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def _check(hospital: Hospital, folder: Path) -> None:
    check_issuance(hospital, folder)
    records = {c.certificate_serial: c for c in hospital.certificates()}
    with hospital.store.read() as uow:
        latest = uow.lists.latest("issuing")
    for act, what in (line.split() for line in _lines(folder / "acknowledged")):
        if act == "published":
            assert latest is not None
            assert latest.crl_number >= int(what)
        else:
            assert records[what].der is not None
            assert act != "revoked" or records[what].state is CertificateState.REVOKED
    file = folder / "issuing.crl"
    if file.exists():
        assert latest is not None
        assert CertificateList.parse(file.read_bytes()).crl_number <= latest.crl_number


def _go_on(folder: Path) -> None:
    """The next life: everything kept, nothing half-done stays, lists rise."""
    hospital = opened(folder)
    try:
        _check(hospital, folder)
        with hospital.store.read() as uow:
            before = uow.lists.latest("issuing")
        hospital.wait(hours=1)
        reconcile_intentions(job("upkeep"), ports=hospital.ports)
        after = publish(hospital.signer, ENGINEER, ports=hospital.ports)
        assert before is None or after.crl_number > before.crl_number
        states = [c.state for c in hospital.certificates()]
        assert CertificateState.INTENDED not in states
    finally:
        hospital.store.close()


@pytest.mark.timeout(500)
def test_killed_at_each_nth_system_call_that_writes(tmp_path: Path) -> None:
    prepare(tmp_path)
    whole = _live(tmp_path, "")
    assert whole.returncode == 0, whole.stderr
    total = _calls(tmp_path)
    assert total > KILLS
    killed = 0
    for kill in range(KILLS):
        when = 1 + kill * total // KILLS
        done = _live(tmp_path, f"{WRITES}:signal=SIGKILL:when={when}")
        killed += done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        _go_on(tmp_path)
    assert killed >= KILLS - 2, f"{killed} of {KILLS} lives were ended"


@pytest.mark.timeout(500)
@pytest.mark.parametrize("failure", FAILURES, ids=["disk-broken", "disk-full", "rename-fails"])
def test_a_disk_that_fails_stops_it_with_a_sentence_and_loses_nothing(tmp_path: Path, failure: str) -> None:
    prepare(tmp_path)
    calls = failure.partition(":")[0]
    assert _live(tmp_path, "").returncode == 0
    total = len(re.findall(rf"^\d+ +(?:{calls.replace(',', '|')})\(", (tmp_path / "trace").read_text(), re.M))
    stopped = 0
    for point in range(4):
        # From that call on, each one fails: a disk does not heal by itself.
        done = _live(tmp_path, f"{failure}:when={1 + point * total // 4}+")
        assert "Traceback" not in done.stderr
        assert done.returncode in (0, TOLD), done.stderr
        stopped += done.returncode == TOLD
        _go_on(tmp_path)
    assert stopped >= 1
