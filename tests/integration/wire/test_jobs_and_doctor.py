"""Jobs leave heartbeats whatever happens, and `medtrust doctor` says with its exit code how bad it is."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from cli.main import run
from registry.store.operations import Heartbeat
from service import logs
from service.scheduler import Job, Outcome, Scheduler
from tests.integration.wire.hospital_running import RunningHospital, eventually

JOBS = {"clock", "crl", "reconcile", "void", "expire", "sweep", "checkpoint", "prune"}


def beats(hospital: RunningHospital) -> dict[str, Heartbeat]:
    with hospital.ports.store.read() as uow:
        return {beat.job: beat for beat in uow.operations.heartbeats()}


def doctor(hospital: RunningHospital, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """(exit code, the document)."""
    capsys.readouterr()
    code = run(["--home", str(hospital.home.root), "doctor", "--json"])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, found


def checks_at(found: dict[str, Any], level: str) -> list[str]:
    return [check["name"] for check in found["checks"] if check["level"] == level]


def put(hospital: RunningHospital, beat: Heartbeat) -> None:
    with hospital.ports.store.write() as uow:
        uow.operations.beat(beat)


def test_every_job_has_run_before_we_call_ourselves_ready(hospital: RunningHospital) -> None:
    found = beats(hospital)
    assert set(found) == JOBS
    assert {beat.outcome for beat in found.values()} == {"done"}


def test_healthy_is_zero(hospital: RunningHospital, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = doctor(hospital, capsys)
    assert (code, found["level"]) == (0, "ok"), checks_at(found, "warning") + checks_at(found, "critical")
    assert {beat["job"] for beat in found["heartbeats"]} == JOBS


def test_a_job_that_breaks_is_told_and_stops_no_other(
    hospital: RunningHospital, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[str] = []

    def breaks() -> tuple[Outcome, str]:
        ran.append("breaks")
        raise RuntimeError("no luck")

    def works() -> tuple[Outcome, str]:
        ran.append("works")
        return Outcome.DONE, "fine"

    jobs = [Job("breaks", 1, breaks), Job("works", 1, works)]
    scheduler = Scheduler(jobs, ports=hospital.ports, log=logs.get("test"))
    scheduler.start()
    assert eventually(lambda: ran.count("breaks") > 1 and ran.count("works") > 1, within=20)
    scheduler.stop()
    found = beats(hospital)
    assert (found["breaks"].outcome, found["breaks"].succeeded_at) == ("failed", None)
    assert "no luck" in found["breaks"].detail
    assert found["works"].outcome == "done"
    assert [line["job"] for line in hospital.events("job.failed")][:1] == ["breaks"]
    code, said = doctor(hospital, capsys)
    assert (code, checks_at(said, "warning")) == (3, ["job breaks"])


def test_notes_are_two_and_silence_of_a_job_is_critical(
    hospital: RunningHospital, capsys: pytest.CaptureFixture[str]
) -> None:
    now = hospital.ports.clock()
    for name in ("breaks", "works"):
        put(hospital, Heartbeat(name, now, now, "done", "fine", 3600))
    long_ago = now - timedelta(hours=1)
    put(hospital, Heartbeat("sweep", long_ago, long_ago, "done", "fine", 60))
    code, said = doctor(hospital, capsys)
    assert (code, checks_at(said, "critical")) == (4, ["job sweep"])
    hospital.stop()
    try:
        code, said = doctor(hospital, capsys)
        assert (code, checks_at(said, "note")) == (2, ["process"])
    finally:
        hospital.start()
    assert doctor(hospital, capsys)[0] == 0


def test_a_clock_that_went_back_fails_its_job_and_is_critical(
    hospital: RunningHospital, capsys: pytest.CaptureFixture[str]
) -> None:
    ahead = hospital.ports.clock() + timedelta(minutes=30)
    with hospital.ports.store.write() as uow:
        uow.operations.mark_clock(ahead)
    hospital.stop()
    hospital.start()
    assert beats(hospital)["clock"].outcome == "failed"
    code, said = doctor(hospital, capsys)
    assert (code, checks_at(said, "critical")) == (4, ["clock"])
