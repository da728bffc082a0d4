from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.errors import AuditError, NotInLog, NotVerified
from audit.keys import ed25519_signer, ml_dsa_44_cosigner
from audit.leaf import encode
from audit.log import append, checkpoint_from_read_back
from audit.merkle import Frontier, frontier_at, leaf_hash
from audit.tiles import export_files
from audit.verify import FileReader, Problem, open_checkpoints, verify_export, verify_log
from tests.unit.audit.memory_log import NOW, MemoryLog, leaf_number

ORIGIN = "hospital.example/medtrust"
LOG = ed25519_signer(ORIGIN, bytes(range(32)))
COSIGNER = ml_dsa_44_cosigner(ORIGIN + "/pq", bytes(range(32, 64)))
SIGNERS = [LOG, COSIGNER]
KEYS = [LOG.key, COSIGNER.key]
SIZE = 300


WHOLE = MemoryLog()
append(WHOLE, [leaf_number(each) for each in range(SIZE)])


def filled(size: int = SIZE) -> MemoryLog:
    log = MemoryLog()
    if size == SIZE:
        log.frontier, log.leaves, log.nodes = WHOLE.frontier, list(WHOLE.leaves), dict(WHOLE.nodes)
    else:
        append(log, [leaf_number(each) for each in range(size)])
    return log


def at(log: MemoryLog, *sizes: int) -> list[Checkpoint]:
    return [Checkpoint(ORIGIN, size, frontier_at(size, log.read_node).root()) for size in sizes]


CHECKPOINTS = at(filled(), 0, 1, 256, 280, SIZE)


def verified(log: MemoryLog) -> dict[str, int | None]:
    problems = verify_log(
        log.leaves, nodes=log.read_node, frontier=log.frontier, checkpoints=reversed(CHECKPOINTS)
    )
    assert all(each.message for each in problems)
    return {each.rule: each.index for each in problems}


def test_a_whole_log_has_no_problem() -> None:
    assert verified(filled()) == {}
    assert verify_log([], nodes=MemoryLog().read_node, frontier=Frontier()) == []


@settings(max_examples=40, deadline=None)
@given(st.integers(0, SIZE - 1), st.integers(0, 400), st.integers(1, 255))
def test_any_byte_of_any_entry_changed_is_found_at_its_index(index: int, place: int, change: int) -> None:
    log = filled()
    broken = bytearray(log.leaves[index])
    broken[place % len(broken)] ^= change
    log.leaves[index] = bytes(broken)
    assert verified(log)["audit.leaf_hash_mismatch"] == index


def test_of_several_wrong_entries_the_first_is_told() -> None:
    log = filled()
    for index in (270, 31, 290):
        log.leaves[index] = encode(leaf_number(5000))
    assert verified(log)["audit.leaf_hash_mismatch"] == 31


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_byte_of_any_node_changed_is_found(data: st.DataObject) -> None:
    log = filled()
    level, index = data.draw(st.sampled_from(sorted(log.nodes)))
    broken = bytearray(log.nodes[level, index])
    broken[data.draw(st.integers(0, 31))] ^= data.draw(st.integers(1, 255))
    log.nodes[level, index] = bytes(broken)
    rule = "audit.node_mismatch" if level else "audit.leaf_hash_mismatch"
    assert verified(log) == {rule: index << level}


def test_a_log_rewritten_throughout_is_betrayed_by_the_checkpoint_and_its_span_is_told() -> None:
    log = MemoryLog()
    append(log, [leaf_number(7777 if each == 270 else each) for each in range(SIZE)])
    assert verified(log) == {"audit.root_mismatch": 256}


def test_an_entry_that_is_not_canonical_is_found() -> None:
    log = MemoryLog()
    leaf = encode(leaf_number(0)) + b" "
    growth = Frontier().append(leaf_hash(leaf))
    problems = verify_log(
        [leaf], nodes=lambda level, index: leaf_hash(leaf), frontier=growth.frontier, checkpoints=at(log, 0)
    )
    assert [(each.rule, each.index) for each in problems] == [("audit.leaf_not_canonical", 0)]


def test_a_missing_node_and_a_wrong_frontier_are_found() -> None:
    log = filled()
    del log.nodes[3, 2]
    log.frontier = Frontier(SIZE, (bytes(32),) * SIZE.bit_count())
    assert verified(log) == {"audit.node_missing": 16, "audit.frontier_mismatch": None}


def test_a_tail_cut_off_is_found_by_the_frontier_and_by_the_checkpoint() -> None:
    log = filled()
    del log.leaves[290:]
    assert verified(log) == {"audit.entries_missing": 290, "audit.shorter_than_signed": 290}
    log.frontier = frontier_at(290, log.read_node)
    assert verified(log) == {"audit.shorter_than_signed": 290}


def test_an_entry_too_many_is_found() -> None:
    log = filled()
    frontier = log.frontier
    append(log, [leaf_number(SIZE)])
    log.frontier = frontier
    assert verified(log) == {"audit.frontier_mismatch": None}


def test_two_roots_over_one_size_are_a_split_view() -> None:
    one, other = filled(5), MemoryLog()
    append(other, [leaf_number(each) for each in range(1, 6)])
    notes = [sign_checkpoint(at(log, 5)[0], SIGNERS, NOW) for log in (one, other)]
    opened, problems = open_checkpoints([*notes, "rubbish"], origin=ORIGIN, keys=KEYS)
    assert len(opened) == 2
    assert [each.rule for each in problems] == ["audit.checkpoint_not_verified", "audit.split_view"]


def exported(log: MemoryLog) -> dict[str, bytes]:
    note = sign_checkpoint(checkpoint_from_read_back(log, origin=ORIGIN), SIGNERS, NOW)
    size = log.frontier.size
    return dict(export_files(size, checkpoint=note, read_node=log.read_node, read_entries=log.read_entries))


def reader(files: dict[str, bytes]) -> FileReader:
    def read(path: str) -> bytes:
        if path not in files:
            raise NotInLog(f"No file {path}.", field="path")
        return files[path]

    return read


EXPORT = exported(filled())
REMEMBERED = [sign_checkpoint(each, SIGNERS, NOW) for each in CHECKPOINTS]


def export_problems(files: dict[str, bytes], remembered: list[str] | None = None) -> list[Problem]:
    verdict = verify_export(
        reader(files), origin=ORIGIN, keys=KEYS, remembered=REMEMBERED if remembered is None else remembered
    )
    assert verdict.signed.cosigned_at == NOW
    return verdict.problems


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, SIZE])
def test_a_whole_export_agrees(size: int) -> None:
    assert export_problems(exported(filled(size)), []) == []


def test_an_export_agrees_with_what_was_remembered() -> None:
    assert export_problems(EXPORT) == []


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_byte_of_any_file_changed_is_found(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(EXPORT)))
    broken = bytearray(EXPORT[path])
    broken[data.draw(st.integers(0, len(broken) - 1))] ^= data.draw(st.integers(1, 255))
    files = {**EXPORT, path: bytes(broken)}
    if path == "checkpoint":
        with pytest.raises(AuditError):
            export_problems(files)
    else:
        assert export_problems(files, []) != []


@pytest.mark.parametrize("path", sorted(EXPORT))
def test_any_file_missing_is_found(path: str) -> None:
    files = {name: content for name, content in EXPORT.items() if name != path}
    if path == "checkpoint":
        with pytest.raises(NotInLog):
            export_problems(files)
    else:
        rule = "audit.entries_missing" if "entries" in path else "audit.node_missing"
        assert rule in {each.rule for each in export_problems(files)}


def test_a_signed_rewrite_is_betrayed_by_what_was_remembered() -> None:
    """The owner of the keys can sign anything; whoever kept a note still sees it."""
    log = MemoryLog()
    append(log, [leaf_number(7777 if each == 270 else each) for each in range(SIZE)])
    rewritten = exported(log)
    assert export_problems(rewritten, []) == []
    rules = {each.rule: each.index for each in export_problems(rewritten)}
    assert rules == {"audit.root_mismatch": 256}


def test_a_signed_shortening_is_betrayed_by_what_was_remembered() -> None:
    rules = {each.rule: each.index for each in export_problems(exported(filled(290)))}
    assert rules == {"audit.shorter_than_signed": 290}


def test_an_export_of_another_key_or_origin_is_refused() -> None:
    stranger = ed25519_signer("x", bytes(32)).key
    with pytest.raises(NotVerified):
        verify_export(reader(EXPORT), origin=ORIGIN, keys=[stranger])
    with pytest.raises(NotVerified):
        verify_export(reader(EXPORT), origin="other", keys=KEYS)
