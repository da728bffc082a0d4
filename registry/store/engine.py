"""Opening a store: SQLite (WAL, synchronous=FULL) or PostgreSQL by URL; migrated, never newer than us."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.pool import QueuePool

from registry.model.errors import BadInput, DependencyDown, RegistryError
from registry.store.engine_errors import what_failed
from registry.store.quick import Driver

HEAD: Final = "0003"
"""The newest migration that this code knows."""
_KNOWN: Final = (None, "0001", "0002", "0003")
BUSY_MS: Final = 5_000
"""How long a statement waits for whoever holds the store."""
_GLANCE_MS: Final = 1
"""How long one look at a held store waits inside SQLite, which is not much when it is asked a second time."""
_WRITER: Final = 0x6D65_6474
"""PostgreSQL's advisory lock of the writer."""


def open_engine(url: str) -> Engine:
    """A checked, migrated engine; DependencyDown where the store is not reachable."""
    with url_kept_out():
        engine = _create(url)
    with reachable():
        if schema_of(engine) != HEAD:
            _migrate(engine)
        _check_durability(engine)
    return engine


@contextmanager
def url_kept_out() -> Iterator[None]:
    """BadInput for a URL that leads to no engine, without the URL: it may hold a password."""
    try:
        yield
    except (ArgumentError, NoSuchModuleError, ImportError):
        raise BadInput(
            "The store's URL is not one that we can open.",
            next_step="For example sqlite:////var/lib/medtrust/registry.db or postgresql+psycopg://host/name.",
            field="store.url",
        ) from None


@contextmanager
def reachable() -> Iterator[None]:
    """DependencyDown where the store does not answer."""
    try:
        yield
    except DBAPIError as gone:
        raise DependencyDown(
            f"The store does not answer: {what_failed(gone)}.",
            next_step="Check store.url and that the disk or the server is there: medtrust doctor.",
            field="store.url",
        ) from gone


def begin_write(connection: Connection) -> None:
    """One writer at a time on either engine, waited for five seconds: what it reads stays true."""
    if connection.dialect.name == "sqlite":
        _begin_alone(connection)
        return
    connection.execute(text(f"SET LOCAL lock_timeout = {BUSY_MS}"))
    connection.execute(text(f"SELECT pg_advisory_xact_lock({_WRITER})"))


def begin_read(connection: Connection) -> None:
    """A snapshot on either engine."""
    if connection.dialect.name == "sqlite":
        _begin(connection, "BEGIN")
        return
    connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))


def _begin(connection: Connection, how: str) -> None:
    connection.begin()  # what SQLAlchemy knows of it: its commit and rollback belong to this transaction
    driver = Driver(connection)
    driver.run(driver.cursor.execute, how)


def _begin_alone(connection: Connection) -> None:
    """SQLite's own wait sleeps longer each time, past the moment at which another process is done."""
    connection.begin()
    driver = Driver(connection)
    deadline = time.monotonic() + BUSY_MS / 1000
    driver.run(driver.cursor.execute, f"PRAGMA busy_timeout={_GLANCE_MS}")
    try:
        while True:
            try:
                driver.run(driver.cursor.execute, "BEGIN IMMEDIATE")
            except OperationalError as held:
                if time.monotonic() > deadline or not _is_busy(held):
                    raise
            else:
                return
    finally:
        driver.run(driver.cursor.execute, f"PRAGMA busy_timeout={BUSY_MS}")


def _is_busy(error: OperationalError) -> bool:
    code: int = getattr(error.orig, "sqlite_errorcode", 0)
    return code & 0xFF == sqlite3.SQLITE_BUSY


def _create(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, pool_size=8, isolation_level="READ COMMITTED")
    engine = create_engine(
        url,
        poolclass=QueuePool,
        pool_size=8,
        connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
    )
    event.listen(engine, "connect", _on_sqlite_connect)
    return engine


def _on_sqlite_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - DB-API has no type
    # We say BEGIN ourselves (IMMEDIATE for writers), so the driver must not.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _check_durability(engine: Engine) -> None:
    if engine.dialect.name != "sqlite":
        return
    with engine.connect() as connection:
        mode = connection.execute(text("PRAGMA journal_mode")).scalar()
        synchronous = connection.execute(text("PRAGMA synchronous")).scalar()
    if str(mode).lower() != "wal" or synchronous != 2:
        raise RegistryError(
            f"The store runs with journal_mode={mode}, synchronous={synchronous}; what is acknowledged "
            "must be on disk.",
            next_step="Put the store on a local file system that supports WAL.",
            field="store.url",
        )


def schema_of(engine: Engine) -> str | None:
    """The store's schema, None for an empty database; an error for one that this code does not know."""
    version = _version(engine)
    if version not in _KNOWN:
        raise RegistryError(
            f"The store has schema {version}, newer than this medtrust ({HEAD}).",
            next_step="Upgrade medtrust, or restore the backup that belongs to this version.",
            field="schema",
        )
    return version


def _version(engine: Engine) -> str | None:
    if not inspect(engine).has_table("alembic_version"):
        return None
    with engine.connect() as connection:
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found


def _migrate(engine: Engine) -> None:
    # alembic costs 150 ms to import: only when there is something to do.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        begin_write(connection)
        command.upgrade(config, "head")
        connection.commit()
