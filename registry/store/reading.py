"""A store that this process only reads, beside the one that writes it and with no more rights than that.

Never migrates, never creates a file, never writes, whatever the code above asks for. Not handled here:
replicas that lag behind; an answer from one is as old as the replica.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.pool import QueuePool

from registry.model.errors import BadInput, DependencyDown, RegistryError
from registry.store.engine import BUSY_MS, HEAD, reachable, schema_of, url_kept_out


def open_to_read(url: str) -> Engine:
    """An engine whose every connection is read-only; RegistryError for any schema but this code's."""
    with url_kept_out():
        parsed = make_url(url)
        engine = _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)
    with reachable():
        version = schema_of(engine)
    if version != HEAD:
        raise RegistryError(
            f"The store has schema {version or 'none'}, this medtrust needs {HEAD}, and here it only reads.",
            next_step="Start medtrust up of this version once: it migrates the store.",
            field="schema",
        )
    return engine


def _postgresql(url: URL) -> Engine:
    engine = create_engine(url, pool_pre_ping=True, pool_size=8, isolation_level="READ COMMITTED")
    event.listen(engine, "connect", _on_postgresql_connect)
    return engine


def _on_postgresql_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - DB-API has no type
    # A statement and no option of the connection: poolers such as PgBouncer refuse options.
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
    connection.commit()


def _sqlite(url: URL) -> Engine:
    if not url.database or url.database.startswith((":memory:", "file:")):
        raise BadInput(
            "A store that is only read is a file with a name.",
            next_step="For example sqlite:////var/lib/medtrust/registry.db.",
            field="store.url",
        )
    file = Path(url.database).absolute()
    engine = create_engine(
        url.set(database=f"file:{quote(str(file))}", query={"mode": "ro", "uri": "true"}),
        poolclass=QueuePool,
        pool_size=8,
        connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
    )
    event.listen(engine, "do_connect", partial(_before_sqlite_connect, file))
    event.listen(engine, "connect", _on_sqlite_connect)
    return engine


def _before_sqlite_connect(file: Path, *_: object) -> None:
    """Even a reader makes the -wal and -shm files where they are not; another user's must not be ours.

    They would be ours alone, and whoever writes the store could open it no more. `immutable=1` reads without
    them, but takes no lock: the first checkpoint of a writer that starts later would give us torn pages.
    """
    if not file.exists() or all(Path(f"{file}{end}").exists() for end in ("-wal", "-shm")):
        return
    is_ours = os.geteuid() in (0, file.stat().st_uid)  # SQLite gives what root makes to the store's owner
    if not (is_ours and os.access(file.parent, os.W_OK)):
        raise DependencyDown(
            "Nobody has the store open, and this user may not make the files that reading it needs.",
            next_step="Start medtrust up first, then this; or run both as the same user.",
            field="store.url",
        )


def _on_sqlite_connect(connection: Any, _record: object) -> None:  # noqa: ANN401 - DB-API has no type
    connection.isolation_level = None  # we say BEGIN ourselves (engine.begin_read)
    cursor = connection.cursor()
    for pragma in ("query_only=ON", f"busy_timeout={BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
