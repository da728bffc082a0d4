"""Verifying a whole log from its bytes: the database in place, or an export folder offline.

It is evident, not proof: it shows that the bytes are those that were signed, not that what they say was true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from audit.checkpoint import Checkpoint, VerifiedCheckpoint, open_checkpoint
from audit.errors import AuditError, Malformed, NotVerified
from audit.keys import VerifierKey
from audit.leaf import decode
from audit.merkle import Frontier, Node, NodeReader, leaf_hash
from audit.tiles import (
    CHECKPOINT_PATH,
    TILE_HEIGHT,
    WIDTH,
    Tile,
    bundles_of,
    entries_path,
    parse_bundle,
    parse_tile,
)

FileReader = Callable[[str], bytes]
"""A relative path with forward slashes -> the file's bytes. Raises NotInLog."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a log; every one of them refuses."""

    rule: str
    """`audit.rule_in_words`."""
    message: str
    index: int | None = None
    """The first wrong entry, or the first that may be wrong."""


@dataclass(slots=True)
class _Walk:
    """One pass over the entries. Only the first problem of each rule is kept: the rest follow from it."""

    nodes: NodeReader
    checkpoints: list[Checkpoint]
    height: int = 1
    """Only levels that are multiples of it are stored."""
    frontier: Frontier = field(default_factory=Frontier)
    problems: dict[str, Problem] = field(default_factory=dict)
    good: int = 0
    """The largest size whose root agreed with a checkpoint."""

    def report(self, rule: str, message: str, index: int | None) -> None:
        self.problems.setdefault(rule, Problem(rule, message, index))

    def step(self, leaf: bytes) -> None:
        """Take one entry, compare what was stored about it, and stop at each checkpoint."""
        index = self.frontier.size
        try:
            decode(leaf)
        except AuditError as problem:
            self.report("audit.leaf_not_canonical", f"Entry {index}: {problem}", index)
        hashed = leaf_hash(leaf)
        growth = self.frontier.append(hashed)
        self.frontier = growth.frontier
        for node in (Node(0, index, hashed), *growth.nodes):
            if node.level % self.height == 0:
                self._compare(node)
        self.meet()

    def meet(self) -> None:
        """Compare the root with every checkpoint of the present size."""
        while self.checkpoints and self.checkpoints[0].size == self.frontier.size:
            due = self.checkpoints.pop(0)
            if due.root == self.frontier.root():
                self.good = due.size
            else:
                self.report(
                    "audit.root_mismatch",
                    f"The entries do not give the root signed over {due.size}; {self.good} are right.",
                    self.good,
                )

    def finish(self) -> None:
        """Report the checkpoints that the entries never reached."""
        for late in self.checkpoints:
            end = self.frontier.size
            message = f"A checkpoint over {late.size} entries was signed; the log has {end}."
            self.report("audit.shorter_than_signed", message, end)

    def _compare(self, node: Node) -> None:
        first = node.index << node.level
        try:
            stored = self.nodes(node.level, node.index)
        except AuditError as problem:
            self.report("audit.node_missing", f"Node {node.level}/{node.index}: {problem}", first)
            return
        if stored != node.hash:
            rule = "audit.node_mismatch" if node.level else "audit.leaf_hash_mismatch"
            self.report(rule, f"Stored node {node.level}/{node.index} is not the hash of its entries.", first)


def verify_log(
    entries: Iterable[bytes],
    *,
    nodes: NodeReader,
    frontier: Frontier,
    checkpoints: Iterable[Checkpoint] = (),
) -> list[Problem]:
    """What is wrong with a stored log: leaves, leaf hashes (level 0 of `nodes`), nodes, frontier, roots.

    `checkpoints` are already opened (`open_checkpoints`). Empty means that all agree. Memory is constant.
    """
    walk = _Walk(nodes, sorted(checkpoints, key=lambda each: each.size))
    walk.meet()
    for leaf in entries:
        walk.step(leaf)
    if walk.frontier.size < frontier.size:
        missing = f"The log says {frontier.size} entries, but {walk.frontier.size} were read."
        walk.report("audit.entries_missing", missing, walk.frontier.size)
    elif walk.frontier != frontier:  # also more entries than it counts
        walk.report("audit.frontier_mismatch", "The stored frontier is not that of the entries.", None)
    walk.finish()
    return list(walk.problems.values())


def open_checkpoints(
    notes: Iterable[str], *, origin: str, keys: Sequence[VerifierKey]
) -> tuple[list[Checkpoint], list[Problem]]:
    """The checkpoints that verify, and a problem for each note that does not or that contradicts another."""
    opened, problems = list[Checkpoint](), list[Problem]()
    for note in notes:
        try:
            opened.append(open_checkpoint(note, origin=origin, keys=keys).checkpoint)
        except (Malformed, NotVerified) as problem:
            problems.append(Problem("audit.checkpoint_not_verified", str(problem)))
    opened.sort(key=lambda each: each.size)
    for one, other in pairwise(opened):
        if one.size == other.size and one.root != other.root:
            problems.append(Problem("audit.split_view", f"Two roots were signed over {one.size} entries."))
    return opened, problems


@dataclass(frozen=True, slots=True)
class ExportVerdict:
    """What an export turned out to be."""

    signed: VerifiedCheckpoint
    problems: list[Problem]


def verify_export(
    read: FileReader, *, origin: str, keys: Sequence[VerifierKey], remembered: Sequence[str] = ()
) -> ExportVerdict:
    """Verify a tlog-tiles export against its checkpoint, and against notes remembered from before.

    Raises Malformed, NotVerified or NotInLog where the export's checkpoint itself is not to be trusted.
    """
    signed = open_checkpoint(_text(read(CHECKPOINT_PATH)), origin=origin, keys=keys)
    size = signed.checkpoint.size
    known, problems = open_checkpoints(remembered, origin=origin, keys=keys)
    due = sorted([*known, signed.checkpoint], key=lambda each: each.size)
    walk = _Walk(_tile_nodes(read, size), due, height=TILE_HEIGHT)
    walk.meet()
    try:
        for leaf in _entries(read, size):
            walk.step(leaf)
    except AuditError as problem:
        walk.report("audit.entries_missing", str(problem), walk.frontier.size)
    walk.finish()
    return ExportVerdict(signed, [*problems, *walk.problems.values()])


def _entries(read: FileReader, size: int) -> Iterator[bytes]:
    for index, width in bundles_of(size):
        yield from parse_bundle(read(entries_path(index, width)), width)


def _tile_nodes(read: FileReader, size: int) -> NodeReader:
    """Nodes out of tiles, which hold levels 0, 8, 16 ... only; the last tile of each level stays open."""
    opened: dict[int, tuple[int, list[bytes]]] = {}

    def read_node(level: int, index: int) -> bytes:
        number, place = divmod(index, WIDTH)
        number_open, hashes = opened.get(level, (-1, []))
        if number_open != number:
            width = min(WIDTH, (size >> level) - number * WIDTH)
            hashes = parse_tile(read(Tile(level // TILE_HEIGHT, number, width).path), width)
            opened[level] = (number, hashes)
        return hashes[place]

    return read_node


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise Malformed("The checkpoint is not UTF-8.", field="checkpoint") from problem
