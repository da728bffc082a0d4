"""`medtrust doctor`: is everything that must not fail still far from failing? Findings, and an exit code.

0 healthy, 2 notes, 3 warnings, 4 critical. Reads only; a check that crashes is a critical finding.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from mqtt_bridge.broker.mosquitto import find_mosquitto
from pki.providers import oqs
from registry.ports import BACKWARD_JUMP
from registry.store.lists import DELTA, WHOLE
from registry.store.operations import Heartbeat
from service import control
from service.algorithms_here import missing_here, unmet
from service.authorities import CaState, KeyPlace, read_register
from service.checks import Check, Level
from service.doctor_cas import ca_keys, own_certificates, process
from service.errors import TooOpen
from service.home import refuse_open
from service.profiles import health
from service.runtime import Runtime

__all__ = ["Check", "Level", "Report", "examine"]

_MISSED_RUNS: Final = 3
_LEAST_DISK: Final = 200 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Report:
    """All checks, and the heartbeat of each job."""

    checks: tuple[Check, ...]
    heartbeats: tuple[Heartbeat, ...]

    @property
    def level(self) -> Level:
        """The worst of all."""
        return max((check.level for check in self.checks), default=Level.OK)


def examine(runtime: Runtime) -> Report:
    """Looks at the home, the store, the lists, our own certificates, the jobs, the wire and the machine."""
    now = runtime.ports.clock()
    said = control.status(runtime.home)
    running = said is not None
    with runtime.store.read() as uow:
        beats = tuple(uow.operations.heartbeats())
    looks: tuple[tuple[str, Callable[[], Iterator[Check]]], ...] = (
        ("home", lambda: _home(runtime)),
        ("process", lambda: process(runtime, said)),
        ("clock", lambda: _clock(runtime, now)),
        ("lists", lambda: _lists(runtime, now)),
        ("own certificates", lambda: own_certificates(runtime, now)),
        ("CA keys", lambda: ca_keys(runtime)),
        ("jobs", lambda: _jobs(beats, now, running)),
        ("wire", lambda: _owed(runtime, now)),
        ("alarms", lambda: _alarms(runtime)),
        ("profiles", lambda: _profiles(runtime)),
        ("algorithms", lambda: _algorithms(runtime)),
        ("machine", lambda: _machine(runtime)),
    )
    return Report(tuple(check for name, look in looks for check in _guarded(name, look)), beats)


def _guarded(name: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    try:
        return list(look())
    except Exception as broken:  # noqa: BLE001 - a check that crashes is never a pass
        return [Check(name, Level.CRITICAL, f"This check failed itself: {type(broken).__name__}: {broken}")]


def _home(runtime: Runtime) -> Iterator[Check]:
    closed = True
    for path in (runtime.home.root, runtime.home.keys, *sorted(runtime.home.keys.glob("*.json"))):
        try:
            refuse_open(path)
        except TooOpen as loose:
            closed = False
            yield Check("home", Level.CRITICAL, loose.problem, loose.next_step)
    if closed:
        yield Check("home", Level.OK, f"{runtime.home.root} is closed to others")


def _clock(runtime: Runtime, now: datetime) -> Iterator[Check]:
    with runtime.store.read() as uow:
        seen = uow.operations.clock_seen()
    if seen is not None and now < seen - BACKWARD_JUMP:
        yield Check(
            "clock",
            Level.CRITICAL,
            f"The clock is behind: {seen:%Y-%m-%d %H:%M}Z was seen before; nothing is issued.",
            "Set the clock right.",
        )
    else:
        yield Check("clock", Level.OK, "the clock runs forward")


def _lists(runtime: Runtime, now: datetime) -> Iterator[Check]:
    for entry in read_register(runtime.home).entries:
        if entry.state is CaState.DISTRUSTED or entry.key_place is KeyPlace.FOREIGN:
            continue
        issuer = entry.name
        step = f"medtrust crl publish --issuer {issuer}"
        if entry.key_place is KeyPlace.AWAY:
            step = "medtrust ca refresh-root --root DIR, with the medium that holds its key."
        with runtime.store.read() as uow:
            heads = uow.lists.heads(issuer)
        stored = heads.get(WHOLE)
        lapsed = [s for s, head in heads.items() if s not in (WHOLE, DELTA) and head.next_update <= now]
        if stored is None or stored.next_update <= now or lapsed:
            what = f"{len(lapsed)} of its parts have" if lapsed else "It has"
            message = f"{what} lapsed: whoever checks it locks every device out."
            yield Check(f"{issuer} list", Level.CRITICAL, message, step)
            continue
        left, life = stored.next_update - now, stored.next_update - stored.this_update
        level = Level.WARNING if left < life / 3 else Level.OK
        message = f"number {stored.crl_number}, good until {stored.next_update:%Y-%m-%d %H:%M}Z"
        yield Check(f"{issuer} list", level, message, step if level else "")


def _jobs(beats: tuple[Heartbeat, ...], now: datetime, running: bool) -> Iterator[Check]:
    for beat in beats:
        limit = timedelta(seconds=_MISSED_RUNS * beat.every_seconds)
        stale = beat.succeeded_at is None or now - beat.succeeded_at > limit
        if beat.outcome == "failed":
            yield Check(f"job {beat.job}", Level.WARNING, beat.detail, "See the log of medtrust up.")
        elif stale and running:
            yield Check(f"job {beat.job}", Level.CRITICAL, "It has not succeeded for too long", "Restart.")
        else:
            yield Check(f"job {beat.job}", Level.OK, beat.detail)


def _owed(runtime: Runtime, now: datetime) -> Iterator[Check]:
    with runtime.store.read() as uow:
        owed = [e for e in uow.operations.owed() if now - e.created_at > timedelta(seconds=10)]
    if owed:
        yield Check(
            "wire", Level.WARNING, f"{len(owed)} effects have not reached the wire", "Start it: medtrust up."
        )
    else:
        yield Check("wire", Level.OK, "everything that was decided has reached the wire")


def _alarms(runtime: Runtime) -> Iterator[Check]:
    with runtime.store.read() as uow:
        alarms = uow.alarms.open()
    if alarms:
        yield Check("alarms", Level.NOTE, f"{len(alarms)} alarms are open", "medtrust alarm list")
    else:
        yield Check("alarms", Level.OK, "no open alarms")


def _profiles(runtime: Runtime) -> Iterator[Check]:
    sound, *said = health(runtime.home)
    yield Check("profiles", Level.OK if sound else Level.CRITICAL, *said)


def _algorithms(runtime: Runtime) -> Iterator[Check]:
    refusals = unmet(runtime.home, runtime.settings)
    for gone in refusals:
        yield Check("algorithms", Level.CRITICAL, gone.problem, gone.next_step)
    if not refusals:
        yield Check("algorithms", Level.OK, "all that our keys and settings need work here")
    found, missing = oqs.status(), missing_here()
    if found.native is None:
        message = "not installed; SLH-DSA, fast ML-DSA signing and second opinions would need it"
        yield Check("liboqs", Level.OK, message, found.remedy)
    else:
        without = f", built without {len(missing)} kinds of SLH-DSA" if missing else ""
        yield Check("liboqs", Level.OK, f"{found.native}{without}", found.remedy)


def _machine(runtime: Runtime) -> Iterator[Check]:
    free = shutil.disk_usage(runtime.home.root).free
    level = Level.CRITICAL if free < _LEAST_DISK else Level.OK
    yield Check("disk", level, f"{free // 1024**2} MiB free", "Make room." if level else "")
    if find_mosquitto() is None:
        message = "mosquitto is not installed: the embedded broker serves a first hour, not a hospital"
        yield Check("broker", Level.NOTE, message, "apt-get install mosquitto")
    else:
        yield Check("broker", Level.OK, "mosquitto is installed")
    if os.geteuid() == 0:
        yield Check("user", Level.OK, "runs as root: a user of its own is better", "See docs/operating.md.")
