"""One transaction and the rooms inside it: leaving it normally commits, an exception undoes all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from registry.model.errors import Conflict, DependencyDown
from registry.store.alarms import Alarms
from registry.store.audit_log import AuditLog
from registry.store.certificates import Certificates
from registry.store.devices import Devices
from registry.store.engine import open_engine
from registry.store.enrollments import Enrollments
from registry.store.lists import Lists
from registry.store.operations import Operations
from registry.store.trust import Trust


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """The open transaction's rooms."""

    devices: Devices
    certificates: Certificates
    enrollments: Enrollments
    trust: Trust
    alarms: Alarms
    log: AuditLog
    lists: Lists
    operations: Operations

    @classmethod
    def on(cls, connection: Connection) -> UnitOfWork:
        """All rooms over one connection."""
        return cls(
            Devices(connection),
            Certificates(connection),
            Enrollments(connection),
            Trust(connection),
            Alarms(connection),
            AuditLog(connection),
            Lists(connection),
            Operations(connection),
        )


class Store:
    """A registry's store: `write()` and `read()` give a UnitOfWork."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_sqlite = engine.dialect.name == "sqlite"
        # SQLite has one writer: queueing here is fair and fast, its busy handler sleeps.
        self._writer = threading.Lock() if self._is_sqlite else None

    @classmethod
    def open(cls, url: str) -> Store:
        """A checked and migrated store by SQLAlchemy URL."""
        return cls(open_engine(url))

    @contextmanager
    def write(self) -> Iterator[UnitOfWork]:
        """A transaction that commits at the end, on disk before this returns."""
        with self._writer or nullcontext(), _translated(), self._engine.connect() as connection:
            if self._is_sqlite:
                connection.execute(text("BEGIN IMMEDIATE"))
            yield UnitOfWork.on(connection)
            connection.commit()

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        """A consistent snapshot; nothing written in it stays."""
        with _translated(), self._engine.connect() as connection:
            if self._is_sqlite:
                connection.execute(text("BEGIN"))
            yield UnitOfWork.on(connection)
            connection.rollback()

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError as clash:
        raise Conflict(
            "The store already holds another record with that key.",
            next_step="Look at what is there: medtrust device list, medtrust cert list.",
            field=str(clash.orig).rsplit(":", 1)[-1].strip()[:80],
        ) from clash
    except (OperationalError, DBAPIError) as gone:
        raise DependencyDown(
            f"The store could not do it: {str(gone.orig)[:120]}.",
            next_step="Nothing was changed. Check the disk and the server: medtrust doctor.",
            field="store.url",
        ) from gone
