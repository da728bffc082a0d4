"""A LogStore in memory: the production protocol, with a place to break what is stored."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from audit.errors import LogDamaged, NotInLog
from audit.leaf import Leaf
from audit.log import Entry
from audit.merkle import Frontier, Node

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


class MemoryLog:
    """Keeps leaves, leaf hashes and nodes apart, as tables would, so that each can rot alone."""

    def __init__(self) -> None:
        self.frontier = Frontier()
        self.leaves: list[bytes] = []
        self.nodes: dict[tuple[int, int], bytes] = {}

    def read_frontier(self) -> Frontier:
        return self.frontier

    def read_node(self, level: int, index: int) -> bytes:
        try:
            return self.nodes[level, index]
        except KeyError:
            raise NotInLog(f"No node {level}/{index}.", field="node") from None

    def read_entries(self, start: int, stop: int) -> Sequence[bytes]:
        return self.leaves[start:stop]

    def append_entries(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            if entry.index != len(self.leaves):
                raise LogDamaged(f"Entry {entry.index} does not follow.", field="index")
            self.leaves.append(entry.leaf)
            self.nodes[0, entry.index] = entry.leaf_hash

    def write_nodes(self, nodes: Sequence[Node]) -> None:
        for node in nodes:
            if node.level == 0 or (node.level, node.index) in self.nodes:
                raise LogDamaged("A node is written once, and leaf hashes with their entries.", field="node")
            self.nodes[node.level, node.index] = node.hash

    def write_frontier(self, frontier: Frontier) -> None:
        self.frontier = frontier


def leaf_number(number: int) -> Leaf:
    """A plausible leaf; each number gives another."""
    return Leaf(
        "certificate.issued",
        NOW + timedelta(milliseconds=number),
        "job:renewal",
        f"device-{number:06d}",
        {"certificate_serial": f"{number:040x}", "profile": "ldevid", "hybrid": True},
    )
