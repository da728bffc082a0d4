"""Hot statements: written in Core, put into the engine's words once, then run by the driver itself.

SQLAlchemy's way through a statement costs ten times what SQLite needs for it. What it does for us stays:
its text, its column types, its errors. Not handled: lists of any length in IN (), and generated keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from sqlalchemy import Connection, Executable
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import Select
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.types import LargeBinary, TypeEngine

from registry.store.columns import UtcTime, from_milliseconds, milliseconds

Parameters = Mapping[str, object]
Row = dict[str, Any]
_NOTHING: Final[Parameters] = {}
_Converters = tuple[tuple[int, Callable[[Any], Any]], ...]
"""(position, conversion) of the columns that do not go to the driver as they are."""


class Driver:
    """The driver's own cursor inside the transaction that SQLAlchemy began."""

    __slots__ = ("_errors", "cursor", "dialect")

    def __init__(self, connection: Connection) -> None:
        self.dialect = connection.dialect
        self.cursor: Any = connection.connection.cursor()
        self._errors = self.dialect.loaded_dbapi.Error

    def run(self, act: Callable[..., Any], text: str, *values: object) -> None:
        """One call of the cursor; what the driver raises leaves as SQLAlchemy's error of that kind."""
        try:
            act(text, *values)
        except self._errors as bad:
            raise DBAPIError.instance(text, None, bad, self._errors, dialect=self.dialect) from bad


@dataclass(frozen=True, slots=True)
class _Text:
    """A statement in one engine's words."""

    sql: str
    names: tuple[str, ...]
    positional: bool
    to_driver: _Converters
    columns: tuple[str, ...]
    from_driver: _Converters

    def values(self, given: Parameters) -> Any:  # noqa: ANN401 - a tuple or a dict, as the driver wants it
        values = [given[name] for name in self.names]
        for at, convert in self.to_driver:
            values[at] = convert(values[at])
        return values if self.positional else dict(zip(self.names, values, strict=True))

    def row(self, found: Sequence[object]) -> Row:
        values = list(found)
        for at, convert in self.from_driver:
            values[at] = convert(values[at])
        return dict(zip(self.columns, values, strict=True))


class Quick:
    """A statement without literals; `columns` are those that an INSERT or UPDATE of a whole table sets."""

    __slots__ = ("_columns", "_statement", "_texts")

    def __init__(self, statement: Executable, *columns: str) -> None:
        self._statement: Any = statement
        self._columns = columns
        self._texts: dict[str, _Text] = {}

    def run(self, driver: Driver, given: Parameters = _NOTHING) -> int:
        """How many rows it changed."""
        text = self._text(driver.dialect)
        driver.run(driver.cursor.execute, text.sql, text.values(given))
        return int(driver.cursor.rowcount)

    def run_each(self, driver: Driver, given: Iterable[Parameters]) -> int:
        """Once for each row, in one go; how many rows it changed in all."""
        text = self._text(driver.dialect)
        values = [text.values(row) for row in given]
        if not values:
            return 0
        if len(values) == 1:
            driver.run(driver.cursor.execute, text.sql, values[0])
        else:
            driver.run(driver.cursor.executemany, text.sql, values)
        return int(driver.cursor.rowcount)

    def rows(self, driver: Driver, given: Parameters = _NOTHING) -> list[Row]:
        """What it finds, by column name."""
        text = self._text(driver.dialect)
        driver.run(driver.cursor.execute, text.sql, text.values(given))
        return [text.row(found) for found in driver.cursor.fetchall()]

    def first(self, driver: Driver, given: Parameters = _NOTHING) -> Row | None:
        """The first row, or None."""
        found = self.rows(driver, given)
        return found[0] if found else None

    def tuples(self, driver: Driver, given: Parameters = _NOTHING) -> Iterator[tuple[Any, ...]]:
        """The same as the driver has it, row by row: for a million, of columns that need no conversion."""
        text = self._text(driver.dialect)
        driver.run(driver.cursor.execute, text.sql, text.values(given))
        return iter(driver.cursor)

    def scalars(self, driver: Driver, given: Parameters = _NOTHING) -> Iterator[Any]:
        """The first column of that."""
        return map(itemgetter(0), self.tuples(driver, given))

    def _text(self, dialect: Dialect) -> _Text:
        text = self._texts.get(dialect.name)
        if text is None:
            text = self._texts[dialect.name] = self._put(dialect)
        return text

    def _put(self, dialect: Dialect) -> _Text:
        compiled: SQLCompiler = self._statement.compile(dialect=dialect, column_keys=self._columns or None)
        names = tuple(compiled.positiontup or compiled.binds)
        listed = list(self._statement.selected_columns) if isinstance(self._statement, Select) else []
        return _Text(
            str(compiled),
            names,
            compiled.positional,
            _converters([_to_driver(compiled.binds[name].type, dialect) for name in names]),
            tuple(str(column.key) for column in listed),
            _converters([_from_driver(column.type, dialect) for column in listed]),
        )


def _converters(found: Sequence[Callable[[Any], Any] | None]) -> _Converters:
    return tuple((at, convert) for at, convert in enumerate(found) if convert is not None)


def _to_driver(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    if isinstance(kind, LargeBinary):
        return None  # both drivers take octets as they are
    return milliseconds if isinstance(kind, UtcTime) else kind.dialect_impl(dialect).bind_processor(dialect)


def _from_driver(kind: TypeEngine[Any], dialect: Dialect) -> Callable[[Any], Any] | None:
    if isinstance(kind, LargeBinary):
        return None
    if isinstance(kind, UtcTime):
        return from_milliseconds
    return kind.dialect_impl(dialect).result_processor(dialect, None)
