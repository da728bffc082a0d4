"""The RFC 9162 section 2.1 Merkle tree: hashes, an append-only frontier, inclusion and consistency proofs.

A node (level, index) is the hash of the complete subtree over leaves
[index * 2**level, (index + 1) * 2**level). Complete nodes never
change, so they are stored; what stands on the ragged right edge is computed when asked.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from audit.errors import LogDamaged, NotInLog

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of no leaves (RFC 9162 2.1.1)."""

NodeReader = Callable[[int, int], bytes]
"""(level, index) -> the 32 bytes of a complete node; level 0 is a leaf hash. Raises NotInLog."""


@dataclass(frozen=True, slots=True)
class Node:
    """A complete node."""

    level: int
    index: int
    hash: bytes


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 || leaf) (RFC 9162 2.1.1)."""
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right) (RFC 9162 2.1.1): the prefix keeps a node from passing as a leaf."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that is needed to append: the complete subtrees of a tree of `size` leaves, the largest first."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        whole = self.size >= 0 and len(self.hashes) == self.size.bit_count()
        if not whole or any(len(each) != HASH_SIZE for each in self.hashes):
            raise LogDamaged(
                f"A frontier of {len(self.hashes)} hashes does not fit a log of {self.size} entries.",
                next_step="Verify the log, then restore a backup.",
                field="frontier",
            )

    def append(self, new_leaf_hash: bytes) -> Growth:
        """The frontier after one leaf, and the nodes that it completed."""
        return self.append_all([new_leaf_hash])

    def append_all(self, leaf_hashes: Iterable[bytes]) -> Growth:
        """The frontier after these leaves, and the nodes of level 1 and up that they completed."""
        size, stack, nodes = self.size, list(self.hashes), list[Node]()
        for running in leaf_hashes:
            index, level = size, 0
            while index & 1:  # a left sibling of this level waits on the stack
                running = sha256(b"\x01" + stack.pop() + running).digest()
                index, level = index >> 1, level + 1
                nodes.append(Node(level, index, running))
            stack.append(running)
            size += 1
        return Growth(Frontier(size, tuple(stack)), nodes)

    def root(self) -> bytes:
        """The Merkle tree hash (RFC 9162 2.1.1)."""
        if not self.hashes:
            return EMPTY_ROOT
        running = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            running = node_hash(left, running)
        return running


@dataclass(frozen=True, slots=True)
class Growth:
    """What an append changed: `frontier` replaces the old one, `nodes` are new."""

    frontier: Frontier
    nodes: list[Node]


def frontier_at(size: int, read: NodeReader) -> Frontier:
    """The frontier that the log had at an earlier size."""
    hashes, start = list[bytes](), 0
    for level in reversed(range(size.bit_length())):
        if size >> level & 1:
            hashes.append(read(level, start >> level))
            start += 1 << level
    return Frontier(size, tuple(hashes))


def inclusion_proof(index: int, size: int, read: NodeReader) -> list[bytes]:
    """The audit path of a leaf, sibling first (RFC 9162 2.1.3.1). Raises NotInLog beyond the size."""
    if not 0 <= index < size:
        raise NotInLog(f"Entry {index} is not in a log of {size} entries.", field="index")
    path, start, end = list[bytes](), 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(_subtree(middle, end, read))
            end = middle
        else:
            path.append(_subtree(start, middle, read))
            start = middle
    path.reverse()
    return path


def consistency_proof(old: int, new: int, read: NodeReader) -> list[bytes]:
    """That the first `old` of `new` entries are the old log (RFC 9162 2.1.4.1).

    Empty where old is 0 or equals new: there is nothing to prove. Raises NotInLog where old > new.
    """
    if not 0 <= old <= new:
        raise NotInLog(f"A log of {new} entries has no history of {old}.", field="old")
    proof, start, end, whole = list[bytes](), 0, new, True
    while old not in (0, end):
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(_subtree(middle, end, read))
            end = middle
        else:
            proof.append(_subtree(start, middle, read))
            start, whole = middle, False
    if not whole:
        proof.append(_subtree(start, end, read))
    proof.reverse()
    return proof


def verify_inclusion(hashed: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether a leaf hash stands at index in the tree of that size and root (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size or any(len(each) != HASH_SIZE for each in proof):
        return False  # step 1
    fn, sn, running = index, size - 1, hashed  # steps 2 and 3
    for sibling in proof:  # step 4
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            running = node_hash(sibling, running)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            running = node_hash(running, sibling)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and hmac.compare_digest(running, root)  # step 5


def verify_consistency(
    *, old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> bool:
    """Whether the new tree begins with the old one (RFC 9162 2.1.4.2)."""
    if not 0 <= old <= new or any(len(each) != HASH_SIZE for each in proof):
        return False
    if old == 0 or old == new:
        expected = EMPTY_ROOT if old == 0 else new_root
        return not proof and hmac.compare_digest(old_root, expected)
    path = list(proof) if old & (old - 1) else [old_root, *proof]  # step 2: a whole subtree is left out
    if not path:
        return False  # step 1
    fn, sn = old - 1, new - 1  # step 3
    while fn & 1:  # step 4
        fn, sn = fn >> 1, sn >> 1
    first = second = path[0]  # step 5
    for each in path[1:]:  # step 6
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            first, second = node_hash(each, first), node_hash(each, second)
            while fn and not fn & 1:
                fn, sn = fn >> 1, sn >> 1
        else:
            second = node_hash(second, each)
        fn, sn = fn >> 1, sn >> 1
    same = hmac.compare_digest(first, old_root) and hmac.compare_digest(second, new_root)
    return sn == 0 and same  # step 7


def _split(width: int) -> int:
    """The largest power of two below width (k of RFC 9162 2.1.1)."""
    return 1 << (width - 1).bit_length() - 1


def _subtree(start: int, end: int, read: NodeReader) -> bytes:
    """MTH(D[start:end]), where start is where RFC 9162 splits, so complete parts are stored nodes."""
    width = end - start
    if width & (width - 1) == 0:
        level = width.bit_length() - 1
        return read(level, start >> level)
    middle = start + _split(width)
    return node_hash(_subtree(start, middle, read), _subtree(middle, end, read))
