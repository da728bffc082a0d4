"""Certificate revocation lists: the number is taken and committed before the list is signed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Final

from sqlalchemy import and_, bindparam, delete, func, insert, select, true, update

from registry.store.list_tables import DELTA, WHOLE, CrlOctetsRow, CrlRow
from registry.store.quick import Driver, Quick
from registry.store.tables import table

__all__ = ["DELTA", "WHOLE", "ListHead", "Lists", "StoredList"]

_CRL: Final = table(CrlRow)
_OCTETS: Final = table(CrlOctetsRow)
_HEAD: Final = tuple(column for column in _CRL.columns if column.name not in ("crl_id", "recorded"))

_ONE: Final = "LIMIT 1"
"""As text, for limit() would bind it, and an offset, as literals of their own."""
_OF_ISSUER: Final = _CRL.c.issuer == bindparam("of_issuer")
_OF_SCOPE: Final = and_(_OF_ISSUER, _CRL.c.scope == bindparam("of_scope"))
_OF_NUMBER: Final = and_(_OF_ISSUER, _CRL.c.crl_number == bindparam("of_number"))
_NOW: Final = bindparam("now", type_=_CRL.c.next_update.type)
_BY_AGE: Final = select(*_HEAD).where(_CRL.c.recorded).order_by(_CRL.c.crl_number)
_NEWEST: Final = select(*_HEAD).where(_CRL.c.recorded).order_by(_CRL.c.crl_number.desc()).suffix_with(_ONE)
_HIGHEST: Final = Quick(select(func.max(_CRL.c.crl_number).label("highest")).where(_OF_ISSUER))
_LATEST: Final = Quick(_NEWEST.where(_OF_SCOPE))
_HEADS: Final = Quick(_BY_AGE.where(_OF_ISSUER))
_WATERMARKS: Final = Quick(
    select(_CRL.c.scope, func.max(_CRL.c.change)).where(_OF_ISSUER, _CRL.c.recorded).group_by(_CRL.c.scope)
)
_BASE: Final = Quick(_BY_AGE.where(_OF_SCOPE, _CRL.c.next_update > _NOW).suffix_with(_ONE))
_BY_NUMBER: Final = Quick(select(*_HEAD).where(_OF_NUMBER))
_TAKE: Final = Quick(insert(_CRL).inline(), *(column.name for column in _HEAD), "recorded")
_RECORD: Final = Quick(update(_CRL).where(_OF_NUMBER).values(recorded=true()))
_KEEP: Final = Quick(insert(_OCTETS).inline(), "issuer", "crl_number", "der")
_IS_KEPT: Final = and_(
    _OCTETS.c.issuer == bindparam("of_issuer"), _OCTETS.c.crl_number == bindparam("of_number")
)
_DER: Final = Quick(select(_OCTETS.c.der).where(_IS_KEPT))
_EARLIER: Final = and_(_OF_SCOPE, _CRL.c.crl_number < bindparam("of_number"))
_LET_GO: Final = Quick(
    delete(_OCTETS).where(
        _OCTETS.c.issuer == bindparam("of_issuer"),
        _OCTETS.c.crl_number.in_(select(_CRL.c.crl_number).where(_EARLIER)),
    )
)
_FORGET: Final = Quick(delete(_CRL).where(_EARLIER, _CRL.c.next_update <= _NOW))


@dataclass(frozen=True, slots=True)
class ListHead:
    """What is known of a list without its octets."""

    issuer: str
    crl_number: int
    this_update: datetime
    next_update: datetime
    scope: str = WHOLE
    base_number: int | None = None
    change: int = 0

    def signed(self, der: bytes) -> StoredList:
        """The list, with its octets."""
        return StoredList(der=der, **{f.name: getattr(self, f.name) for f in fields(self)})


@dataclass(frozen=True, slots=True)
class StoredList:
    """A signed list."""

    issuer: str
    crl_number: int
    der: bytes
    this_update: datetime
    next_update: datetime
    scope: str = WHOLE
    """`whole`, `delta`, or a part such as `16-3`."""
    base_number: int | None = None
    change: int = 0
    """Every change of the issuer's revocations up to this one is in it."""


class Lists:
    """Numbers and signed lists, by issuer and scope."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def take_numbers(self, planned: Sequence[ListHead]) -> list[int]:
        """A number for each of one issuer's lists, above all that it ever took; none is used twice."""
        if not planned:
            return []
        first = self.highest(planned[0].issuer) + 1
        rows = [_values(head) | {"crl_number": first + at} for at, head in enumerate(planned)]
        _TAKE.run_each(self._driver, rows)
        return [first + at for at in range(len(rows))]

    def highest(self, issuer: str) -> int:
        """The highest number that the issuer ever took; 0 before the first."""
        row = _HIGHEST.first(self._driver, {"of_issuer": issuer})
        return int(row["highest"] or 0) if row else 0

    def skip_to(self, issuer: str, number: int, now: datetime) -> None:
        """Take a number that was used before this store knew of it: the next one follows it."""
        if self.highest(issuer) < number:
            head = ListHead(issuer, number, now, now)
            _TAKE.run(self._driver, _values(head))

    def adopt(self, stored: StoredList) -> None:
        """A list that was signed before this store knew of it: the next number follows it."""
        row = {f.name: getattr(stored, f.name) for f in fields(ListHead)} | {"recorded": True}
        _TAKE.run(self._driver, row)
        self._keep(stored.issuer, stored.crl_number, stored.der)

    def record(self, issuer: str, number: int, der: bytes, *, scope: str = WHOLE) -> None:
        """The signed list of a number that was taken; the octets of those before it are let go."""
        given = {"of_issuer": issuer, "of_number": number, "of_scope": scope}
        _RECORD.run(self._driver, given)
        self._keep(issuer, number, der)
        _LET_GO.run(self._driver, given)

    def _keep(self, issuer: str, number: int, der: bytes) -> None:
        _KEEP.run(self._driver, {"issuer": issuer, "crl_number": number, "der": der})

    def forget(self, issuer: str, scope: str, now: datetime) -> None:
        """Rows of lists that lapsed and were replaced: nothing can build upon them any more."""
        latest = self.head(issuer, scope)
        if latest is not None:
            given = {"of_issuer": issuer, "of_number": latest.crl_number, "of_scope": scope, "now": now}
            _FORGET.run(self._driver, given)

    def latest(self, issuer: str, scope: str = WHOLE) -> StoredList | None:
        """The signed list with the highest number."""
        head = self.head(issuer, scope)
        return None if head is None else head.signed(self.octets(head))

    def octets(self, head: ListHead) -> bytes:
        """A signed list's DER; only the newest of each scope is kept."""
        given = {"of_issuer": head.issuer, "of_number": head.crl_number}
        (der,) = _DER.scalars(self._driver, given)
        return bytes(der)

    def head(self, issuer: str, scope: str = WHOLE) -> ListHead | None:
        """The same without its octets, which may be fifty megabytes."""
        return self._head(_LATEST, {"of_issuer": issuer, "of_scope": scope})

    def heads(self, issuer: str) -> dict[str, ListHead]:
        """The newest signed list of each scope."""
        rows = _HEADS.rows(self._driver, {"of_issuer": issuer})
        return {row["scope"]: ListHead(**row) for row in rows}

    def watermarks(self, issuer: str) -> dict[str, int]:
        """By scope, the change up to which its newest list knows all."""
        return dict(_WATERMARKS.tuples(self._driver, {"of_issuer": issuer}))

    def by_number(self, issuer: str, number: int) -> ListHead | None:
        """One of the issuer's signed lists."""
        return self._head(_BY_NUMBER, {"of_issuer": issuer, "of_number": number})

    def delta_base(self, issuer: str, now: datetime) -> ListHead | None:
        """The oldest whole list that is still in force: a delta upon it serves whoever holds any since."""
        return self._head(_BASE, {"of_issuer": issuer, "of_scope": WHOLE, "now": now})

    def _head(self, query: Quick, given: dict[str, object]) -> ListHead | None:
        row = query.first(self._driver, given)
        return None if row is None else ListHead(**row)


def _values(head: ListHead) -> dict[str, object]:
    return {f.name: getattr(head, f.name) for f in fields(ListHead)} | {"recorded": False}
