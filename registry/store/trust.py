"""The latest trust of each device, and reference values, in and out of the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from registry.store.tables import ReferenceRow, TrustRow, table

_TRUST: Final = table(TrustRow)
_REFERENCE: Final = table(ReferenceRow)


@dataclass(frozen=True, slots=True)
class TrustRecord:
    """An appraisal as data, with the state that the next one needs."""

    device_id: str
    tier: str
    state: Mapping[str, object]
    appraisal: Mapping[str, object]
    claims: Mapping[str, object]
    messages: int
    """Accepted telemetry so far."""
    appraised_at: datetime


class Trust:
    """Trust records by device; firmware references by UDI-DI."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, device_id: str) -> TrustRecord | None:
        """The latest."""
        row = self._connection.execute(select(_TRUST).where(_TRUST.c.device_id == device_id)).mappings()
        found = row.first()
        return None if found is None else _record(found)

    def all(self) -> list[TrustRecord]:
        """Of every device that was ever appraised."""
        return [_record(row) for row in self._connection.execute(select(_TRUST)).mappings()]

    def put(self, record: TrustRecord) -> None:
        """Insert or replace."""
        values = {f.name: getattr(record, f.name) for f in fields(TrustRecord)}
        where = _TRUST.c.device_id == record.device_id
        if not self._connection.execute(update(_TRUST).where(where).values(**values)).rowcount:
            self._connection.execute(insert(_TRUST).values(**values))

    def add_reference(self, *, udi_di: str, sha256: str, name: str, version: str, added_at: datetime) -> None:
        """A firmware that devices of this product may run; the same again replaces."""
        same = (_REFERENCE.c.udi_di == udi_di) & (_REFERENCE.c.sha256 == sha256)
        self._connection.execute(delete(_REFERENCE).where(same))
        row = {"udi_di": udi_di, "sha256": sha256, "name": name, "version": version, "added_at": added_at}
        self._connection.execute(insert(_REFERENCE).values(**row))

    def references(self, udi_di: str | None) -> list[tuple[str, str, str]]:
        """(name, version, sha256) of each firmware known for the product."""
        if udi_di is None:
            return []
        query = select(_REFERENCE.c.name, _REFERENCE.c.version, _REFERENCE.c.sha256)
        found = self._connection.execute(query.where(_REFERENCE.c.udi_di == udi_di))
        return [(name, version, sha256) for name, version, sha256 in found]


def _record(row: Mapping[Any, Any]) -> TrustRecord:
    return TrustRecord(**{f.name: row[f.name] for f in fields(TrustRecord)})
