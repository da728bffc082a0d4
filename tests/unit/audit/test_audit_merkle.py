from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.errors import LogDamaged, NotInLog
from audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    NodeReader,
    consistency_proof,
    frontier_at,
    inclusion_proof,
    leaf_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.unit.audit import rfc9162

# The eight leaves and roots that every Certificate Transparency implementation is tested with.
CT_LEAVES = [
    bytes.fromhex(each)
    for each in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
CT_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
CT_PATH_0_OF_8 = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]
LEAVES = [number.to_bytes(3, "big") for number in range(2000)]


def grown(leaves: list[bytes]) -> tuple[Frontier, NodeReader]:
    hashes = [leaf_hash(each) for each in leaves]
    growth = Frontier().append_all(hashes)
    nodes = {(0, index): each for index, each in enumerate(hashes)}
    nodes |= {(each.level, each.index): each.hash for each in growth.nodes}
    return growth.frontier, lambda level, index: nodes[level, index]


WHOLE = grown(LEAVES)[1]


@pytest.fixture
def read() -> NodeReader:
    return WHOLE


@pytest.mark.parametrize("size", range(9))
def test_the_classic_eight_leaves_give_their_known_roots(size: int) -> None:
    assert grown(CT_LEAVES[:size])[0].root().hex() == CT_ROOTS[size]


def test_the_classic_proof_of_the_first_of_eight() -> None:
    proof = inclusion_proof(0, 8, grown(CT_LEAVES)[1])
    assert [each.hex() for each in proof] == CT_PATH_0_OF_8


def test_one_by_one_gives_the_same_frontier_and_nodes_as_a_batch() -> None:
    hashes = [leaf_hash(each) for each in LEAVES[:130]]
    frontier, nodes = Frontier(), list[Node]()
    for each in hashes:
        growth = frontier.append(each)
        frontier, nodes = growth.frontier, [*nodes, *growth.nodes]
    batch = Frontier().append_all(hashes)
    assert (frontier, nodes) == (batch.frontier, batch.nodes)


def test_every_size_to_70_agrees_with_the_words_of_the_rfc(read: NodeReader) -> None:
    for size in range(1, 71):
        root = rfc9162.mth(LEAVES[:size])
        assert frontier_at(size, read).root() == root
        for index in range(size):
            proof = inclusion_proof(index, size, read)
            assert proof == rfc9162.path(index, LEAVES[:size])
            hashed = leaf_hash(LEAVES[index])
            assert verify_inclusion(hashed, index=index, size=size, proof=proof, root=root)


def test_every_pair_of_sizes_to_70_is_consistent_as_the_rfc_says(read: NodeReader) -> None:
    roots = [rfc9162.mth(LEAVES[:size]) for size in range(71)]
    for new in range(1, 71):
        for old in range(1, new + 1):
            proof = consistency_proof(old, new, read)
            assert proof == rfc9162.subproof(old, LEAVES[:new])
            assert verify_consistency(old=old, new=new, proof=proof, old_root=roots[old], new_root=roots[new])


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_large_trees_prove_inclusion_and_consistency(data: st.DataObject) -> None:
    read = WHOLE
    new = data.draw(st.integers(2, 2000))
    old = data.draw(st.integers(1, new))
    index = data.draw(st.integers(0, new - 1))
    root, old_root = frontier_at(new, read).root(), frontier_at(old, read).root()
    proof = inclusion_proof(index, new, read)
    hashed = leaf_hash(LEAVES[index])
    assert verify_inclusion(hashed, index=index, size=new, proof=proof, root=root)
    assert not verify_inclusion(hashed, index=(index + 1) % new, size=new, proof=proof, root=root)
    link = consistency_proof(old, new, read)
    assert verify_consistency(old=old, new=new, proof=link, old_root=old_root, new_root=root)
    if old < new:
        assert not verify_consistency(old=old, new=new, proof=link, old_root=root, new_root=root)


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_a_proof_with_any_byte_changed_is_refused(data: st.DataObject) -> None:
    read = WHOLE
    new = data.draw(st.integers(2, 200))
    old = data.draw(st.integers(1, new - 1))
    root, old_root = frontier_at(new, read).root(), frontier_at(old, read).root()
    hashed = leaf_hash(LEAVES[old])
    at = data.draw(st.integers(0, 31))
    for proof in (inclusion_proof(old, new, read), consistency_proof(old, new, read)):
        which = data.draw(st.integers(0, len(proof) - 1))
        broken = bytearray(proof[which])
        broken[at] ^= data.draw(st.integers(1, 255))
        wrong = [*proof[:which], bytes(broken), *proof[which + 1 :]]
        assert not verify_inclusion(hashed, index=old, size=new, proof=wrong, root=root)
        assert not verify_consistency(old=old, new=new, proof=wrong, old_root=old_root, new_root=root)


@pytest.mark.parametrize("change", [lambda p: p[:-1], lambda p: [*p, p[-1]], lambda p: [*p[:-1], b"short"]])
def test_a_proof_of_another_length_is_refused(change: object, read: NodeReader) -> None:
    assert callable(change)
    root, old_root = frontier_at(100, read).root(), frontier_at(37, read).root()
    inclusion = change(inclusion_proof(5, 100, read))
    link = change(consistency_proof(37, 100, read))
    assert not verify_inclusion(leaf_hash(LEAVES[5]), index=5, size=100, proof=inclusion, root=root)
    assert not verify_consistency(old=37, new=100, proof=link, old_root=old_root, new_root=root)


def test_the_empty_history_is_consistent_only_as_itself(read: NodeReader) -> None:
    root = frontier_at(9, read).root()
    assert consistency_proof(0, 9, read) == []
    assert verify_consistency(old=0, new=9, proof=[], old_root=EMPTY_ROOT, new_root=root)
    assert not verify_consistency(old=0, new=9, proof=[], old_root=root, new_root=root)
    assert not verify_consistency(old=9, new=9, proof=[], old_root=EMPTY_ROOT, new_root=root)
    assert not verify_consistency(old=4, new=9, proof=[], old_root=root, new_root=root)


def test_a_power_of_two_with_an_empty_proof_is_refused(read: NodeReader) -> None:
    """RFC 9162 2.1.4.2 step 1: the old root alone must not stand for the new one."""
    root = frontier_at(8, read).root()
    assert not verify_consistency(old=8, new=9, proof=[], old_root=root, new_root=root)


def test_a_proof_for_one_size_does_not_pass_for_another(read: NodeReader) -> None:
    """RFC 9162 2.1.3.2 step 5 and 2.1.4.2 step 7: the shape must be spent, not only the hash reached."""
    root, old_root = frontier_at(4, read).root(), frontier_at(3, read).root()
    hashed, proof = leaf_hash(LEAVES[0]), inclusion_proof(0, 4, read)
    assert verify_inclusion(hashed, index=0, size=4, proof=proof, root=root)
    for size in (1, 2, 5, 8, 9):
        assert not verify_inclusion(hashed, index=0, size=size, proof=proof, root=root)
    link = consistency_proof(3, 4, read)
    assert verify_consistency(old=3, new=4, proof=link, old_root=old_root, new_root=root)
    for new in (5, 8, 9):
        assert not verify_consistency(old=3, new=new, proof=link, old_root=old_root, new_root=root)


def test_a_byte_moved_between_hash_and_sibling_is_refused(read: NodeReader) -> None:
    """Both give the same bytes to SHA-256; only the lengths tell them apart."""
    left, right = leaf_hash(LEAVES[0]), leaf_hash(LEAVES[1])
    root = frontier_at(2, read).root()
    assert verify_inclusion(right, index=1, size=2, proof=[left], root=root)
    assert not verify_inclusion(right[1:], index=1, size=2, proof=[left + right[:1]], root=root)


def test_no_hash_at_all_is_no_consistency_proof(read: NodeReader) -> None:
    """RFC 9162 2.1.4.2 step 1."""
    root, old_root = frontier_at(9, read).root(), frontier_at(3, read).root()
    assert not verify_consistency(old=3, new=9, proof=[], old_root=old_root, new_root=root)


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0)])
def test_no_proof_for_an_entry_outside_the_log(index: int, size: int, read: NodeReader) -> None:
    with pytest.raises(NotInLog) as caught:
        inclusion_proof(index, size, read)
    assert caught.value.field == "index"
    assert not verify_inclusion(EMPTY_ROOT, index=index, size=size, proof=[], root=EMPTY_ROOT)


def test_no_proof_that_the_log_was_once_longer(read: NodeReader) -> None:
    with pytest.raises(NotInLog):
        consistency_proof(6, 5, read)
    assert not verify_consistency(old=6, new=5, proof=[], old_root=EMPTY_ROOT, new_root=EMPTY_ROOT)


@pytest.mark.parametrize(("size", "hashes"), [(3, (b"x" * 32,)), (1, (b"short",)), (-1, ())])
def test_a_frontier_that_does_not_fit_its_size_is_damage(size: int, hashes: tuple[bytes, ...]) -> None:
    with pytest.raises(LogDamaged):
        Frontier(size, hashes)
