"""Hearing of other processes' commits on PostgreSQL (LISTEN/NOTIFY) instead of asking again and again.

Not handled here: what changed (registry.status), and whether it is still being asked. A notice hastens the
next look and replaces none: a connection that died silently is found after some twenty seconds only, a
standby refuses LISTEN, a pooler in transaction mode swallows it. SQLite tells nobody anything.
"""

from __future__ import annotations

import random
import select
import socket
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from registry.store.audit_log import CHANNEL
from registry.store.unit_of_work import Store

if TYPE_CHECKING:
    import psycopg

_FIRST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 10.0
_JOIN: Final = 10.0
"""Seconds that `stop` waits: a connection that is just being made is not cut off."""
_ALIVE: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
    "application_name": "medtrust-notices",
}
"""Whoever has better ideas says so in the store's URL."""


def notices_for(store: Store) -> Notices | None:
    """The listener of this store's commits, not yet started; None where the engine has none (SQLite)."""
    engine = store.engine
    if engine.dialect.name != "postgresql":
        return None
    import psycopg  # here at the latest SQLAlchemy has loaded it

    arguments, named = engine.dialect.create_connect_args(engine.url)
    given: dict[str, Any] = {**_ALIVE, **named}

    def connect() -> psycopg.Connection:
        return psycopg.connect(*arguments, **given, autocommit=True)

    return Notices(connect)


class Notices:
    """A thread with a connection of its own; calls back on each commit that grew the log.

    Commits that come together are one call. A call follows each connection too, the first included: something
    may have been missed before it. Whatever fails, a callback too, is begun anew after a pause.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection]) -> None:
        self._connect = connect
        self._called: list[Callable[[], object]] = []
        self._connected = False
        self._stopping = threading.Event()
        self._awake, self._waker = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="medtrust-notices", daemon=True)

    @property
    def connected(self) -> bool:
        """Whether commits are being heard of, as far as we know."""
        return self._connected

    def on_change(self, call: Callable[[], object]) -> None:
        """Call this, in the listening thread: it must be quick. Before `start`."""
        self._called.append(call)

    def start(self) -> None:
        """Begin to listen; returns at once, whether or not the server is there. Once."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no more; nothing is called after this returned. Also before `start`, and again."""
        self._stopping.set()
        self._waker.close()
        if self._thread.is_alive():
            self._thread.join(_JOIN)
        else:
            self._awake.close()

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                with self._connect() as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._connected = True
                    self._tell()
                    pause = _FIRST_PAUSE
                    self._hear(connection)
            except Exception:  # noqa: BLE001 - this thread must live as long as its owner; `connected` tells
                self._connected = False
                self._stopping.wait(pause * random.uniform(0.5, 1.5))  # noqa: S311 - jitter, no secret
                pause = min(2 * pause, _LONGEST_PAUSE)
        self._connected = False
        self._awake.close()

    def _hear(self, connection: psycopg.Connection) -> None:
        while not self._stopping.is_set():
            select.select([connection.fileno(), self._awake.fileno()], [], [])
            if any(True for _ in connection.notifies(timeout=0)):
                self._tell()

    def _tell(self) -> None:
        for call in self._called:
            if not self._stopping.is_set():
                call()
