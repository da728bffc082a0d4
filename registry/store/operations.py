"""What the running process leaves behind: heartbeats of jobs, effects that must reach the wire, the clock."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

from registry.store.quick import Driver, Quick
from registry.store.tables import ClockRow, EffectRow, HeartbeatRow, table

_HEARTBEAT: Final = table(HeartbeatRow)
_EFFECT: Final = table(EffectRow)
_CLOCK: Final = table(ClockRow)

_CLOCK_SEEN: Final = Quick(select(_CLOCK.c.seen_at))
_MARK_CLOCK: Final = Quick(
    update(_CLOCK).where(_CLOCK.c.seen_at < bindparam("now")).values(seen_at=bindparam("then"))
)
_PROMISE: Final = Quick(insert(_EFFECT), "kind", "device_id", "detail", "created_at")


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A job's last run."""

    job: str
    ran_at: datetime
    succeeded_at: datetime | None
    outcome: str
    """done or failed."""
    detail: str
    every_seconds: int


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that a commit promised to the wire."""

    effect_id: int
    kind: str
    """publish_crl, cut or notice."""
    device_id: str | None
    detail: str
    created_at: datetime
    done_at: datetime | None
    took_ms: float | None
    """From the commit to the end of the effect, milliseconds."""


class Operations:
    """Heartbeats, effects and the clock's mark."""

    def __init__(self, connection: Connection, driver: Driver) -> None:
        self._connection = connection
        self._driver = driver

    def beat(self, heartbeat: Heartbeat) -> None:
        """Record a run; a failed one keeps the last success."""
        values = {f.name: getattr(heartbeat, f.name) for f in fields(Heartbeat)}
        if heartbeat.succeeded_at is None:
            del values["succeeded_at"]
        where = _HEARTBEAT.c.job == heartbeat.job
        if not self._connection.execute(update(_HEARTBEAT).where(where).values(**values)).rowcount:
            self._connection.execute(insert(_HEARTBEAT).values(**values))

    def heartbeats(self) -> list[Heartbeat]:
        """All jobs that ever ran, by name."""
        rows = self._connection.execute(select(_HEARTBEAT).order_by(_HEARTBEAT.c.job)).mappings()
        return [Heartbeat(**{f.name: row[f.name] for f in fields(Heartbeat)}) for row in rows]

    def promise(self, kind: str, device_id: str | None, detail: str, at: datetime) -> None:
        """An effect that is owed to the wire once this transaction commits."""
        row = {"kind": kind, "device_id": device_id, "detail": detail, "created_at": at}
        _PROMISE.run(self._driver, row)

    def owed(self) -> list[Effect]:
        """Effects not done yet, oldest first."""
        query = select(_EFFECT).where(_EFFECT.c.done_at.is_(None)).order_by(_EFFECT.c.effect_id)
        rows = self._connection.execute(query).mappings()
        return [Effect(**{f.name: row[f.name] for f in fields(Effect)}) for row in rows]

    def effects_of(self, device_id: str) -> list[Effect]:
        """All of a device, newest first."""
        query = select(_EFFECT).where(_EFFECT.c.device_id == device_id).order_by(_EFFECT.c.effect_id.desc())
        rows = self._connection.execute(query).mappings()
        return [Effect(**{f.name: row[f.name] for f in fields(Effect)}) for row in rows]

    def automatic_holds_since(self, moment: datetime) -> int:
        """How many sessions automatic holds have promised to cut since the moment."""
        query = select(func.count()).where(
            _EFFECT.c.kind == "cut",
            _EFFECT.c.detail.like("held: automatic%"),
            _EFFECT.c.created_at >= moment,
        )
        return int(self._connection.execute(query).scalar_one())

    def done(self, effect_id: int, at: datetime, took_ms: float) -> None:
        """The effect reached the wire."""
        where = _EFFECT.c.effect_id == effect_id
        self._connection.execute(update(_EFFECT).where(where).values(done_at=at, took_ms=took_ms))

    def clock_seen(self) -> datetime | None:
        """The latest time that was recorded."""
        row = _CLOCK_SEEN.first(self._driver)
        return None if row is None else row["seen_at"]

    def mark_clock(self, now: datetime) -> None:
        """Record the time; never moves back by itself."""
        moved = _MARK_CLOCK.run(self._driver, {"now": now, "then": now})
        if not moved and self.clock_seen() is None:
            self._connection.execute(insert(_CLOCK).values(only=0, seen_at=now))
