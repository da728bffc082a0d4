"""Stories that do not come to their end: nothing is claimed, nothing is left running."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.integration.demo_runs import ended, running, start


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With a short name: the hospital's control socket stands below it, and its path has 107 bytes."""
    return tmp_path_factory.mktemp("d")


def wait_for_the_hospital(process: subprocess.Popen[str], folder: Path) -> None:
    log = folder / "demo-out" / "medtrust.log"
    end = time.monotonic() + 60
    while not (log.exists() and "medtrust is up" in log.read_text()):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, "the hospital never came up"
        time.sleep(0.02)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_an_interrupted_demo_leaves_nothing_running_and_claims_nothing(
    number: signal.Signals, folder: Path
) -> None:
    process = start(folder, "--broker", "embedded")
    wait_for_the_hospital(process, folder)
    process.send_signal(number)
    played = ended(process, folder)
    assert played.code == 130
    assert running(played.temporary) == []
    assert list(played.temporary.iterdir()) == []
    assert played.document["ok"] is False


def test_a_hospital_that_ends_in_the_middle_fails_the_demo_by_name(folder: Path) -> None:
    process = start(folder, "--broker", "embedded")
    wait_for_the_hospital(process, folder)
    hospital = next(pid for pid, line in running(folder / "tmp") if "cli.main" in line)
    os.kill(hospital, signal.SIGTERM)
    played = ended(process, folder)
    assert played.code == 1
    assert [step["name"] for step in played.document["steps"] if not step["ok"]]
    assert "FAILED" in played.printed
    assert running(played.temporary) == []


def test_a_foreign_folder_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "demo-out").mkdir()
    (tmp_path / "demo-out" / "thesis.txt").write_text("years of work")
    played = ended(start(tmp_path), tmp_path)
    assert played.code == 5
    assert "field: --out" in played.printed
    assert [path.name for path in played.out.iterdir()] == ["thesis.txt"]


def test_an_unknown_broker_is_refused_by_name(tmp_path: Path) -> None:
    played = ended(start(tmp_path, "--broker", "rabbit"), tmp_path)
    assert played.code == 2
    assert "field: --broker" in played.printed
    assert not played.out.exists()
