"""Killed at any moment: no serial twice, no signature without a row, no row without its leaf."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from registry.model.actor import job
from registry.model.certificate import CertificateState
from registry.upkeep import reconcile_intentions
from tests.integration.store.issuance_kept import check_issuance, signed_serials
from tests.unit.registry.hospital import open_hospital

ROOT = Path(__file__).parents[3]
KILLS = 6


def _run_and_kill(folder: Path, after_signatures: int, delay: float) -> None:
    command = [sys.executable, "-m", "tests.integration.store.issuing_forever", str(folder)]
    process = subprocess.Popen(command, cwd=ROOT)
    for _ in range(3000):
        if len(signed_serials(folder)) >= after_signatures or process.poll() is not None:
            break
        time.sleep(0.01)
    time.sleep(delay)
    process.send_signal(signal.SIGKILL)
    assert process.wait(10) == -signal.SIGKILL


def test_killed_again_and_again_the_store_keeps_its_word(tmp_path: Path) -> None:
    for kill in range(KILLS):
        before = len(signed_serials(tmp_path))
        _run_and_kill(tmp_path, before + 2, delay=kill * 0.004)
        hospital = open_hospital(tmp_path)
        check_issuance(hospital, tmp_path)
        hospital.wait(hours=1)
        reconcile_intentions(job("upkeep"), ports=hospital.ports)
        check_issuance(hospital, tmp_path)
        assert [c for c in hospital.certificates() if c.state is CertificateState.INTENDED] == []
        hospital.store.close()
    assert len(signed_serials(tmp_path)) >= 2 * KILLS
