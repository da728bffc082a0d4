"""Certificate revocation lists: the number is taken and committed before the list is signed."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, func, insert, select, update

from registry.store.tables import CrlRow, table

_CRL: Final = table(CrlRow)


@dataclass(frozen=True, slots=True)
class StoredList:
    """A signed list."""

    issuer: str
    crl_number: int
    der: bytes
    this_update: datetime
    next_update: datetime


class Lists:
    """Numbers and signed lists, by issuer."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take_number(self, issuer: str, this_update: datetime, next_update: datetime) -> int:
        """The next number, recorded: it is never used again, whatever happens after the commit."""
        highest = self._connection.execute(
            select(func.max(_CRL.c.crl_number)).where(_CRL.c.issuer == issuer)
        ).scalar()
        number = (highest or 0) + 1
        row = {"issuer": issuer, "crl_number": number, "this_update": this_update, "next_update": next_update}
        self._connection.execute(insert(_CRL).values(**row))
        return number

    def adopt(self, stored: StoredList) -> None:
        """A list that was signed before this store knew of it: the next number follows it."""
        row = {f.name: getattr(stored, f.name) for f in fields(StoredList)}
        self._connection.execute(insert(_CRL).values(**row))

    def record(self, issuer: str, number: int, der: bytes) -> None:
        """The signed list of a number that was taken."""
        where = (_CRL.c.issuer == issuer) & (_CRL.c.crl_number == number)
        self._connection.execute(update(_CRL).where(where).values(der=der))

    def latest(self, issuer: str) -> StoredList | None:
        """The signed list with the highest number."""
        query = select(_CRL).where(_CRL.c.issuer == issuer, _CRL.c.der.is_not(None))
        row = self._connection.execute(query.order_by(_CRL.c.crl_number.desc()).limit(1)).mappings().first()
        return None if row is None else StoredList(**{f.name: row[f.name] for f in fields(StoredList)})
