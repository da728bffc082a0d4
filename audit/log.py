"""Appending and reading back: what a store must offer, and what the log does with it.

The store's transaction is the act's: neither a leaf without its act nor an act without its leaf can commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from audit.checkpoint import Checkpoint
from audit.errors import LogDamaged
from audit.leaf import Leaf, encode
from audit.merkle import Frontier, Node, frontier_at, leaf_hash

_READ_BACK = 1024
"""Entries read back at a time."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A leaf's bytes in their place."""

    index: int
    leaf: bytes
    leaf_hash: bytes


class LogReader(Protocol):
    """Reading a log at one moment (one transaction or snapshot)."""

    def read_frontier(self) -> Frontier:
        """The last written frontier; `Frontier()` for a new log."""
        ...

    def read_node(self, level: int, index: int) -> bytes:
        """A complete node; level 0 is the stored leaf hash of an entry. Raises NotInLog."""
        ...

    def read_entries(self, start: int, stop: int) -> Sequence[bytes]:
        """The leaves [start, stop) in order; fewer where the log ends or an entry is missing."""
        ...


class LogStore(LogReader, Protocol):
    """Writing, inside the caller's open transaction.

    `read_frontier` must hold off other writers until the transaction ends
    (BEGIN IMMEDIATE, SELECT FOR UPDATE).
    """

    def append_entries(self, entries: Sequence[Entry]) -> None:
        """Insert; an index that exists is an error of the database."""
        ...

    def write_nodes(self, nodes: Sequence[Node]) -> None:
        """Insert complete nodes of level 1 and above; they are never updated."""
        ...

    def write_frontier(self, frontier: Frontier) -> None:
        """Replace the frontier."""
        ...


def append(store: LogStore, leaves: Sequence[Leaf]) -> list[int]:
    """Append in order and return the indexes. Nothing is written where a leaf is refused."""
    encoded = [encode(leaf) for leaf in leaves]
    if not encoded:
        return []
    before = store.read_frontier()
    entries = [Entry(before.size + place, leaf, leaf_hash(leaf)) for place, leaf in enumerate(encoded)]
    growth = before.append_all(entry.leaf_hash for entry in entries)
    store.append_entries(entries)
    if growth.nodes:
        store.write_nodes(growth.nodes)
    store.write_frontier(growth.frontier)
    return [entry.index for entry in entries]


def checkpoint_from_read_back(
    log: LogReader, *, origin: str, previous: Checkpoint | None = None
) -> Checkpoint:
    """The checkpoint that may be signed next: its root is hashed from the leaves read back, not from memory.

    Begins at `previous`, the last one signed, so the new tree extends it by construction.
    Raises LogDamaged where the log is shorter than, or contradicts, `previous` or its own frontier.
    """
    last = previous if previous is not None else Checkpoint(origin, 0, Frontier().root())
    stored = log.read_frontier()
    if last.origin != origin:
        raise LogDamaged(f"The last checkpoint is of {last.origin}, not of {origin}.", field="origin")
    if stored.size < last.size:
        raise LogDamaged(
            f"The log has {stored.size} entries, but a checkpoint over {last.size} was signed.",
            next_step="An old copy was restored: bring back the newer one, or begin a log with a new origin.",
            field="size",
        )
    grown = frontier_at(last.size, log.read_node)
    if grown.root() != last.root:
        raise LogDamaged(
            f"The stored nodes do not give the root that was signed over {last.size} entries.",
            next_step="Verify the whole log to find the first wrong entry.",
            field="root",
        )
    for start in range(last.size, stored.size, _READ_BACK):
        leaves = log.read_entries(start, min(start + _READ_BACK, stored.size))
        grown = grown.append_all(leaf_hash(leaf) for leaf in leaves).frontier
    if grown != stored:
        raise LogDamaged(
            f"The entries from {last.size} on, read back, do not give the stored frontier.",
            next_step="Verify the whole log to find the first wrong entry; sign nothing before.",
            field="frontier",
        )
    return Checkpoint(origin, grown.size, grown.root())
