"""Column types: times as whole milliseconds since 1970 UTC, so both engines keep the same value."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Column
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def milliseconds(value: datetime | None) -> int | None:
    """datetime -> milliseconds; a naive time is a defect of the caller."""
    if value is None:
        return None
    if value.tzinfo is None:
        raise TypeError("a naive datetime reached the store")
    return (value - _EPOCH) // _MILLISECOND


def moment(value: int) -> datetime:
    """milliseconds -> datetime."""
    return _EPOCH + value * _MILLISECOND


def from_milliseconds(value: int | None) -> datetime | None:
    """milliseconds -> datetime."""
    return None if value is None else moment(value)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC datetime, stored as milliseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """datetime -> milliseconds."""
        return milliseconds(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """milliseconds -> datetime."""
        return from_milliseconds(value)


def utc(*, nullable: bool = False, index: bool = False) -> Column[Any]:
    """A time column."""
    return Column(UtcTime(), nullable=nullable, index=index)
