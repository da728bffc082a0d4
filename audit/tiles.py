"""C2SP tlog-tiles: the log as a finite set of files that never change, for an export folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from audit.errors import LogDamaged, Malformed, NotInLog
from audit.leaf import MAX_LEAF
from audit.merkle import HASH_SIZE, NodeReader

WIDTH = 256
"""Hashes in a full tile, entries in a full bundle."""
TILE_HEIGHT = 8
"""Levels of the tree in one tile."""
CHECKPOINT_PATH = "checkpoint"

EntriesReader = Callable[[int, int], Sequence[bytes]]
"""(start, stop) -> the leaves in between, in order."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The hashes [index * 256, index * 256 + width) of tree level 8 * level; partial below 256."""

    level: int
    index: int
    width: int

    @property
    def path(self) -> str:
        """`tile/<L>/<N>[.p/<W>]`."""
        return f"tile/{self.level}/{_number(self.index)}{_partial(self.width)}"


def entries_path(index: int, width: int = WIDTH) -> str:
    """`tile/entries/<N>[.p/<W>]`."""
    return f"tile/entries/{_number(index)}{_partial(width)}"


def tiles_of(size: int) -> Iterator[Tile]:
    """Every tile that a log of this size has, level by level; empty tiles do not exist."""
    level, hashes = 0, size
    while hashes:
        for index in range(0, -(-hashes // WIDTH)):
            yield Tile(level, index, min(WIDTH, hashes - index * WIDTH))
        # Only full tiles are hashed into the level above.
        level, hashes = level + 1, hashes // WIDTH


def bundles_of(size: int) -> Iterator[tuple[int, int]]:
    """(index, width) of every entry bundle."""
    return ((tile.index, tile.width) for tile in tiles_of(size) if tile.level == 0)


def tile_bytes(tile: Tile, read: NodeReader) -> bytes:
    """The tile's hashes, 32 bytes each."""
    start = tile.index * WIDTH
    return b"".join(read(tile.level * TILE_HEIGHT, each) for each in range(start, start + tile.width))


def parse_tile(data: bytes, width: int) -> list[bytes]:
    """The hashes of a tile of that width. Raises Malformed."""
    if len(data) != width * HASH_SIZE:
        raise Malformed(f"A tile of {width} hashes does not have {len(data)} bytes.", field="tile")
    return [data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)]


def bundle_bytes(entries: Sequence[bytes]) -> bytes:
    """Entries, each behind its length in 16 bits, big-endian."""
    if any(len(entry) > MAX_LEAF for entry in entries):
        raise Malformed(f"An entry is longer than {MAX_LEAF} bytes.", field="entry")
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def parse_bundle(data: bytes, width: int) -> list[bytes]:
    """The entries of a bundle of that width. Raises Malformed."""
    entries, at = list[bytes](), 0
    while at + 2 <= len(data):
        end = at + 2 + int.from_bytes(data[at : at + 2], "big")
        entries.append(data[at + 2 : end])
        at = end
    if at != len(data) or len(entries) != width:
        raise Malformed(f"An entry bundle does not hold exactly {width} entries.", field="entries")
    return entries


def export_files(
    size: int, *, checkpoint: str, read_node: NodeReader, read_entries: EntriesReader
) -> Iterator[tuple[str, bytes]]:
    """(path, content) of everything in an export of `size` entries; the checkpoint comes last.

    Write in this order and fsync before the checkpoint: whoever sees it then finds all that it speaks of.
    """
    for index, width in bundles_of(size):
        entries = read_entries(index * WIDTH, index * WIDTH + width)
        if len(entries) != width:
            raise LogDamaged(
                f"Entries are missing between {index * WIDTH} and {index * WIDTH + width}.",
                next_step="Verify the log, then restore a backup.",
                field="entries",
            )
        yield entries_path(index, width), bundle_bytes(entries)
    for tile in tiles_of(size):
        yield tile.path, tile_bytes(tile, read_node)
    yield CHECKPOINT_PATH, checkpoint.encode()


def _number(index: int) -> str:
    """1234067 -> x001/x234/067."""
    if index < 0:
        raise NotInLog("A tile has no negative number.", field="index")
    last, index = f"{index % 1000:03d}", index // 1000
    while index:
        last, index = f"x{index % 1000:03d}/{last}", index // 1000
    return last


def _partial(width: int) -> str:
    if not 0 < width <= WIDTH:
        raise NotInLog(f"A tile is 1 to {WIDTH} wide, not {width}.", field="width")
    return "" if width == WIDTH else f".p/{width}"
