"""The one door to APScheduler: when jobs run. What they do is in service/jobs.py, their state in the store.

Each run is one idempotent use case and leaves a heartbeat whatever happens; missed runs are made up once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from registry.ports import Ports
from registry.store.operations import Heartbeat


class Outcome(StrEnum):
    """How a run ended."""

    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Job:
    """A name for heartbeats and the log, an interval in seconds, and what to do: a sentence comes back."""

    name: str
    every_seconds: int
    run: Callable[[], tuple[Outcome, str]]


class Scheduler:
    """Runs jobs on their intervals, each alone with itself."""

    def __init__(self, jobs: Sequence[Job], *, ports: Ports, log: Any) -> None:  # noqa: ANN401
        self._jobs, self._ports, self._log = jobs, ports, log
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            executors={"default": ThreadPoolExecutor(2)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": 3600},
        )

    def start(self) -> None:
        """Every job once now, in order, then on its interval."""
        for job in self._jobs:
            self.run(job)
        for job in self._jobs:
            trigger = IntervalTrigger(seconds=job.every_seconds, timezone="UTC")
            self._scheduler.add_job(self.run, trigger, args=[job], id=job.name)
        self._scheduler.start()

    def stop(self) -> None:
        """Waits for the runs in hand."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    def run(self, job: Job) -> Outcome:
        """One run with its heartbeat; a failure is told, never raised into the scheduler."""
        try:
            outcome, detail = job.run()
        except Exception as failed:  # noqa: BLE001 - a job that breaks must not stop the others
            outcome, detail = Outcome.FAILED, f"{type(failed).__name__}: {failed}"[:300]
            self._log.error("job.failed", job=job.name, error=type(failed).__name__, problem=str(failed))
        now = self._ports.clock()
        good = now if outcome is not Outcome.FAILED else None
        beat = Heartbeat(job.name, now, good, outcome.value, detail, job.every_seconds)
        try:
            with self._ports.store.write() as uow:
                uow.operations.beat(beat)
        except Exception as failed:  # noqa: BLE001 - the store may be what is broken
            self._log.error("job.no_heartbeat", job=job.name, error=type(failed).__name__)
        return outcome
