"""Alarms: what a person must see. One open row for each device and rule."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, insert, select, update

from registry.store.tables import AlarmRow, table

_ALARM: Final = table(AlarmRow)


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm; `cleared_at` is None while it is open."""

    alarm_id: int
    device_id: str | None
    rule: str
    severity: str
    message: str
    raised_at: datetime
    cleared_at: datetime | None


class Alarms:
    """Raise, clear and list."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def raise_once(
        self, *, device_id: str | None, rule: str, severity: str, message: str, at: datetime
    ) -> bool:
        """Open an alarm; False where the same is open already."""
        if self._connection.execute(select(_ALARM.c.alarm_id).where(self._open(device_id, rule))).first():
            return False
        row = {"device_id": device_id, "rule": rule, "severity": severity, "message": message}
        self._connection.execute(insert(_ALARM).values(raised_at=at, **row))
        return True

    def clear(self, *, device_id: str | None, rule: str, at: datetime) -> None:
        """Close the open alarm of this device and rule, where there is one."""
        self._connection.execute(update(_ALARM).where(self._open(device_id, rule)).values(cleared_at=at))

    def clear_device(self, device_id: str, at: datetime) -> None:
        """Close every open alarm of a device."""
        mine = (_ALARM.c.device_id == device_id) & _ALARM.c.cleared_at.is_(None)
        self._connection.execute(update(_ALARM).where(mine).values(cleared_at=at))

    def open(self, device_id: str | None = None) -> list[Alarm]:
        """Open alarms, newest first; of one device where it is named."""
        query = select(_ALARM).where(_ALARM.c.cleared_at.is_(None)).order_by(_ALARM.c.raised_at.desc())
        if device_id is not None:
            query = query.where(_ALARM.c.device_id == device_id)
        rows = self._connection.execute(query).mappings()
        return [Alarm(**{f.name: row[f.name] for f in fields(Alarm)}) for row in rows]

    @staticmethod
    def _open(device_id: str | None, rule: str) -> Any:  # noqa: ANN401 - a SQL expression
        return (_ALARM.c.device_id == device_id) & (_ALARM.c.rule == rule) & _ALARM.c.cleared_at.is_(None)
