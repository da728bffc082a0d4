"""Killed at any moment: no serial twice, no signature without a row, no row without its leaf."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from registry.audit_trail import entries, verify
from registry.model.actor import job
from registry.model.certificate import CertificateState
from registry.upkeep import reconcile_intentions
from tests.unit.registry.hospital import Hospital, open_hospital

ROOT = Path(__file__).parents[3]
KILLS = 6


def _run_and_kill(folder: Path, after_signatures: int, delay: float) -> None:
    command = [sys.executable, "-m", "tests.integration.store.issuing_forever", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT)
    for _ in range(3000):
        if len(_signed(folder)) >= after_signatures or process.poll() is not None:
            break
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL


def _signed(folder: Path) -> list[str]:
    path = folder / "signed"
    return path.read_text().split() if path.exists() else []


def _check(hospital: Hospital, folder: Path) -> None:
    signed, records = _signed(folder), {c.certificate_serial: c for c in hospital.certificates()}
    leaves = [(leaf.kind, leaf.subject) for _, leaf in entries(ports=hospital.ports, limit=100_000)]
    assert len(set(signed)) == len(signed)
    assert set(signed) <= set(records)
    for serial, record in records.items():
        assert leaves.count(("certificate.intended", serial)) == 1
        assert leaves.count(("certificate.issued", serial)) == (record.der is not None)
        assert (record.state is CertificateState.INTENDED) == (record.der is None) or (
            record.state is CertificateState.ABANDONED
        )
    assert verify([], "", ports=hospital.ports).problems == ()


def test_killed_again_and_again_the_store_keeps_its_word(tmp_path: Path) -> None:
    for kill in range(KILLS):
        before = len(_signed(tmp_path))
        _run_and_kill(tmp_path, before + 2, delay=kill * 0.004)
        hospital = open_hospital(tmp_path)
        _check(hospital, tmp_path)
        hospital.wait(hours=1)
        reconcile_intentions(job("upkeep"), ports=hospital.ports)
        _check(hospital, tmp_path)
        assert [c for c in hospital.certificates() if c.state is CertificateState.INTENDED] == []
        hospital.store.close()
    assert len(_signed(tmp_path)) >= 2 * KILLS
