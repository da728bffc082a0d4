from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import LogDamaged, Malformed, NotInLog
from audit.log import append
from audit.merkle import Frontier, leaf_hash
from audit.tiles import (
    Tile,
    bundle_bytes,
    entries_path,
    export_files,
    parse_bundle,
    parse_tile,
    tile_bytes,
    tiles_of,
)
from tests.unit.audit.memory_log import MemoryLog, leaf_number


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 0, 256), "tile/0/000"),
        (Tile(0, 0, 1), "tile/0/000.p/1"),
        (Tile(1, 67, 255), "tile/1/067.p/255"),
        (Tile(0, 1067, 256), "tile/0/x001/067"),
        (Tile(2, 1234067, 17), "tile/2/x001/x234/067.p/17"),
        (Tile(0, 1_000_000, 256), "tile/0/x001/x000/000"),
    ],
)
def test_paths_have_the_c2sp_form(tile: Tile, path: str) -> None:
    assert tile.path == path
    assert entries_path(tile.index, tile.width) == path.replace(f"tile/{tile.level}", "tile/entries")


@pytest.mark.parametrize(("index", "width"), [(-1, 256), (0, 0), (0, 257)])
def test_there_is_no_such_tile(index: int, width: int) -> None:
    with pytest.raises(NotInLog):
        entries_path(index, width)


def test_a_log_of_70_000_has_the_tiles_that_the_specification_counts() -> None:
    tiles = list(tiles_of(70_000))
    shape = {
        level: (
            sum(each.width == 256 for each in tiles if each.level == level),
            [each.width for each in tiles if each.level == level and each.width < 256],
        )
        for level in range(3)
    }
    assert shape == {0: (273, [112]), 1: (1, [17]), 2: (0, [1])}
    assert len(tiles) == 273 + 1 + 1 + 1 + 1


def test_a_log_of_256_has_one_full_tile_and_one_hash_above() -> None:
    assert list(tiles_of(256)) == [Tile(0, 0, 256), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []


def test_a_tile_above_holds_the_roots_of_the_full_tiles_below() -> None:
    log = MemoryLog()
    append(log, [leaf_number(each) for each in range(600)])
    upper = parse_tile(tile_bytes(Tile(1, 0, 2), log.read_node), 2)
    for number, root in enumerate(upper):
        leaves = log.leaves[number * 256 : number * 256 + 256]
        assert root == Frontier().append_all(map(leaf_hash, leaves)).frontier.root()
        below = parse_tile(tile_bytes(Tile(0, number, 256), log.read_node), 256)
        assert below == [leaf_hash(each) for each in leaves]


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_a_bundle_reads_back(entries: list[bytes]) -> None:
    assert parse_bundle(bundle_bytes(entries), len(entries)) == entries


def test_the_largest_entry_fits_and_a_larger_one_is_refused() -> None:
    largest = b"x" * 65_535
    assert bundle_bytes([largest])[:2] == b"\xff\xff"
    assert parse_bundle(bundle_bytes([largest]), 1) == [largest]
    with pytest.raises(Malformed):
        bundle_bytes([largest + b"x"])


@pytest.mark.parametrize(
    ("data", "width"), [(b"", 1), (b"\x00", 0), (b"\x00\x02a", 1), (b"\x00\x01a", 2), (b"\x00\x01ab", 1)]
)
def test_a_bundle_of_another_length_is_malformed(data: bytes, width: int) -> None:
    with pytest.raises(Malformed):
        parse_bundle(data, width)


def test_a_tile_of_another_length_is_malformed() -> None:
    with pytest.raises(Malformed):
        parse_tile(bytes(65), 2)


def test_an_export_names_every_file_once_and_the_checkpoint_last() -> None:
    log = MemoryLog()
    append(log, [leaf_number(each) for each in range(600)])
    files = list(export_files(600, checkpoint="note", read_node=log.read_node, read_entries=log.read_entries))
    assert [path for path, _ in files] == [
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/88",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "checkpoint",
    ]
    assert parse_bundle(dict(files)["tile/entries/002.p/88"], 88) == log.leaves[512:]


def test_an_export_with_a_missing_entry_stops() -> None:
    log = MemoryLog()
    append(log, [leaf_number(each) for each in range(300)])
    del log.leaves[299]
    with pytest.raises(LogDamaged, match="between 256 and 300"):
        list(export_files(300, checkpoint="", read_node=log.read_node, read_entries=log.read_entries))
