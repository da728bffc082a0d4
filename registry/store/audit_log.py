"""The audit log's storage (audit.log.LogStore) inside the transaction of the act."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, func, insert, select, update

import audit.log
from audit.errors import NotInLog
from audit.leaf import Leaf
from audit.log import Entry
from audit.merkle import HASH_SIZE, Frontier, Node
from registry.store.quick import Driver, Quick
from registry.store.tables import CheckpointRow, EntryRow, FrontierRow, NodeRow, table

_ENTRY: Final = table(EntryRow)
_NODE: Final = table(NodeRow)
_FRONTIER: Final = table(FrontierRow)
_CHECKPOINT: Final = table(CheckpointRow)

CHANNEL: Final = "medtrust_log"
"""PostgreSQL's channel on which each commit that grew the log tells the new size."""

_READ_FRONTIER: Final = Quick(select(_FRONTIER.c.size, _FRONTIER.c.hashes))
_WRITE_FRONTIER: Final = Quick(update(_FRONTIER), "size", "hashes")
_ADD_ENTRIES: Final = Quick(insert(_ENTRY), "index", "leaf", "leaf_hash")
_ANNOUNCE: Final = Quick(select(func.pg_notify(bindparam("channel"), bindparam("size"))))
_ADD_NODES: Final = Quick(insert(_NODE), "level", "index", "hash")


class AuditLog:
    """Append and read back."""

    def __init__(self, connection: Connection, driver: Driver) -> None:
        self._connection = connection
        self._driver = driver
        self._grown_to: int | None = None

    def append(self, *leaves: Leaf) -> int:
        """Append in order; the index of the last one."""
        return audit.log.append(self, leaves)[-1]

    def size(self) -> int:
        """How many leaves there are; takes no lock."""
        return int(self._connection.execute(select(_FRONTIER.c.size)).scalar() or 0)

    def read_frontier(self) -> Frontier:
        """The right edge. Writers stand in a queue (engine.begin_write), so its row needs no lock."""
        row = _READ_FRONTIER.first(self._driver)
        if row is None:
            return Frontier()
        hashes = row["hashes"]
        cuts = range(0, len(hashes), HASH_SIZE)
        return Frontier(row["size"], tuple(hashes[cut : cut + HASH_SIZE] for cut in cuts))

    def write_frontier(self, frontier: Frontier) -> None:
        """Replace the right edge; the first append makes its row."""
        values = {"size": frontier.size, "hashes": b"".join(frontier.hashes)}
        if not _WRITE_FRONTIER.run(self._driver, values):
            self._connection.execute(insert(_FRONTIER).values(only=0, **values))
        self._grown_to = frontier.size

    def announce(self) -> None:
        """Last thing before a commit: whoever listens hears of it with the commit, and never without it."""
        if self._grown_to is not None and self._driver.dialect.name == "postgresql":
            _ANNOUNCE.run(self._driver, {"channel": CHANNEL, "size": str(self._grown_to)})

    def append_entries(self, entries: Sequence[Entry]) -> None:
        """Insert leaves; an index that exists is a Conflict."""
        rows = ({"index": e.index, "leaf": e.leaf, "leaf_hash": e.leaf_hash} for e in entries)
        _ADD_ENTRIES.run_each(self._driver, rows)

    def write_nodes(self, nodes: Sequence[Node]) -> None:
        """Insert complete inner nodes."""
        rows = ({"level": n.level, "index": n.index, "hash": n.hash} for n in nodes)
        _ADD_NODES.run_each(self._driver, rows)

    def read_node(self, level: int, index: int) -> bytes:
        """A node's hash; level 0 is a leaf's. NotInLog where there is none."""
        query = (
            select(_ENTRY.c.leaf_hash).where(_ENTRY.c.index == index)
            if level == 0
            else select(_NODE.c.hash).where(_NODE.c.level == level, _NODE.c.index == index)
        )
        found: bytes | None = self._connection.execute(query).scalar()
        if found is None:
            raise NotInLog(f"The log has no node {index} on level {level}.", field="index")
        return _octets(found)

    def read_entries(self, start: int, stop: int) -> Sequence[bytes]:
        """The leaves [start, stop)."""
        query = select(_ENTRY.c.leaf).where(_ENTRY.c.index >= start, _ENTRY.c.index < stop)
        found = self._connection.execute(query.order_by(_ENTRY.c.index)).scalars()
        return [_octets(leaf) for leaf in found]

    def add_checkpoint(self, size: int, note: str, signed_at: datetime) -> None:
        """Record a signed note; one a size."""
        known = self._connection.execute(select(_CHECKPOINT.c.size).where(_CHECKPOINT.c.size == size)).first()
        if known is None:
            self._connection.execute(insert(_CHECKPOINT).values(size=size, note=note, signed_at=signed_at))

    def last_checkpoint(self) -> str | None:
        """The newest signed note."""
        query = select(_CHECKPOINT.c.note).order_by(_CHECKPOINT.c.size.desc()).limit(1)
        found: str | None = self._connection.execute(query).scalar()
        return found

    def checkpoints(self) -> list[str]:
        """All signed notes, oldest first."""
        return list(
            self._connection.execute(select(_CHECKPOINT.c.note).order_by(_CHECKPOINT.c.size)).scalars()
        )


def _octets(value: bytes | str) -> bytes:
    """What stands in the column. SQLite lets a hand with SQL turn octets into text: the hash will show it."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else value
