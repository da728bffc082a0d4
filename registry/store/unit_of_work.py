"""One transaction and the rooms inside it: leaving it normally commits, an exception undoes all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as NoConnection

from registry.model.errors import Conflict, DependencyDown, Refused
from registry.store.alarms import Alarms
from registry.store.audit_log import AuditLog
from registry.store.certificates import Certificates
from registry.store.devices import Devices
from registry.store.engine import begin_read, begin_write, open_engine
from registry.store.engine_errors import clashing, what_failed
from registry.store.enrollments import Enrollments
from registry.store.lists import Lists
from registry.store.operations import Operations
from registry.store.quick import Driver
from registry.store.reading import open_to_read
from registry.store.revocations import Revocations
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
    revocations: Revocations
    operations: Operations

    @classmethod
    def on(cls, connection: Connection) -> UnitOfWork:
        """All rooms over one connection."""
        driver = Driver(connection)
        revocations = Revocations(connection, driver)
        return cls(
            Devices(connection, driver),
            Certificates(connection, driver, revocations),
            Enrollments(connection, driver),
            Trust(connection),
            Alarms(connection),
            AuditLog(connection, driver),
            Lists(driver),
            revocations,
            Operations(connection, driver),
        )


class Store:
    """A registry's store: `write()` and `read()` give a UnitOfWork."""

    def __init__(self, engine: Engine, *, read_only: bool = False) -> None:
        self.engine = engine
        """For what else in this package speaks with the same database."""
        self._read_only = read_only
        # SQLite has one writer: queueing here is fair and fast, its busy handler sleeps.
        self._writer = threading.Lock() if engine.dialect.name == "sqlite" else None

    @classmethod
    def open(cls, url: str, *, read_only: bool = False) -> Store:
        """A checked store by SQLAlchemy URL: migrated, or left as it is and never written to."""
        return cls(open_to_read(url) if read_only else open_engine(url), read_only=read_only)

    @contextmanager
    def write(self) -> Iterator[UnitOfWork]:
        """A transaction that commits at the end, on disk before this returns. One at a time on any engine."""
        if self._read_only:
            raise Refused(
                "The store is open for reading only: nothing was changed.",
                next_step="Do it where the registry runs (medtrust up), not at a status service.",
                field="store",
            )
        with self._writer or nullcontext(), _translated(), self.engine.connect() as connection:
            begin_write(connection)
            uow = UnitOfWork.on(connection)
            yield uow
            uow.log.announce()
            connection.commit()

    @contextmanager
    def read(self) -> Iterator[UnitOfWork]:
        """A consistent snapshot; nothing written in it stays."""
        with _translated(), self.engine.connect() as connection:
            begin_read(connection)
            yield UnitOfWork.on(connection)
            connection.rollback()

    def close(self) -> None:
        """Give all connections back."""
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError as clash:
        raise Conflict(
            "The store already holds another record with that key.",
            next_step="Look at what is there: medtrust device list, medtrust cert list.",
            field=clashing(clash),
        ) from clash
    except NoConnection as busy:
        raise DependencyDown(
            "The store has no free connection.",
            next_step="Try again; nothing was changed.",
            field="store.url",
        ) from busy
    except DBAPIError as gone:
        raise DependencyDown(
            f"The store could not do it: {what_failed(gone)}.",
            next_step="Nothing was changed. Check the disk and the server: medtrust doctor.",
            field="store.url",
        ) from gone
