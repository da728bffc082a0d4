from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.checkpoint import sign_checkpoint
from audit.errors import AuditError, Malformed, NotInLog, NotVerified
from audit.keys import ed25519_signer, ml_dsa_44_cosigner
from audit.leaf import encode
from audit.log import append, checkpoint_from_read_back
from audit.receipt import Receipt, decode_receipt, encode_receipt, receipt_for, verify_receipt
from tests.unit.audit.memory_log import NOW, MemoryLog, leaf_number

ORIGIN = "hospital.example/medtrust"
LOG = ed25519_signer(ORIGIN, bytes(range(32)))
COSIGNER = ml_dsa_44_cosigner(ORIGIN + "/pq", bytes(range(32, 64)))
KEYS = [LOG.key, COSIGNER.key]


def made(index: int, size: int) -> Receipt:
    log = MemoryLog()
    append(log, [leaf_number(each) for each in range(size)])
    note = sign_checkpoint(checkpoint_from_read_back(log, origin=ORIGIN), [LOG, COSIGNER], NOW)
    return receipt_for(index, log.leaves[index], checkpoint=note, read=log.read_node)


RECEIPT = made(37, 100)
TEXT = encode_receipt(RECEIPT)


@pytest.mark.parametrize(("index", "size"), [(0, 1), (6, 7), (63, 64), (64, 65), (37, 100)])
def test_a_receipt_travels_as_json_and_proves_its_entry(index: int, size: int) -> None:
    receipt = decode_receipt(encode_receipt(made(index, size)))
    assert receipt.index == index
    assert verify_receipt(receipt, origin=ORIGIN, keys=KEYS) == leaf_number(index)


def test_an_entry_that_the_checkpoint_does_not_cover_has_no_receipt() -> None:
    with pytest.raises(NotInLog):
        receipt_for(100, RECEIPT.leaf, checkpoint=RECEIPT.checkpoint, read=MemoryLog().read_node)


@pytest.mark.parametrize(
    "wrong",
    [
        replace(RECEIPT, index=36),
        replace(RECEIPT, index=100),
        replace(RECEIPT, leaf=encode(leaf_number(38))),
        replace(RECEIPT, inclusion_proof=RECEIPT.inclusion_proof[:-1]),
        replace(RECEIPT, inclusion_proof=(*RECEIPT.inclusion_proof, bytes(32))),
        replace(RECEIPT, checkpoint=made(37, 99).checkpoint),
    ],
)
def test_a_receipt_for_another_entry_or_log_is_refused(wrong: Receipt) -> None:
    with pytest.raises(NotVerified) as caught:
        verify_receipt(wrong, origin=ORIGIN, keys=KEYS)
    assert caught.value.field == "inclusion_proof"


def test_a_receipt_from_another_origin_is_refused() -> None:
    with pytest.raises(NotVerified):
        verify_receipt(RECEIPT, origin="other", keys=KEYS)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(TEXT.encode()) - 1), st.integers(1, 255))
def test_a_receipt_with_any_byte_changed_is_refused(at: int, change: int) -> None:
    broken = bytearray(TEXT.encode())
    broken[at] ^= change
    with pytest.raises(AuditError):
        verify_receipt(decode_receipt(broken.decode("utf-8", "replace")), origin=ORIGIN, keys=KEYS)


def changed(**fields: object) -> str:
    return json.dumps({**json.loads(TEXT), **fields})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "[" * 100_000,
        "x" * 1_100_000,
        changed(extra=1),
        changed(format="medtrust-receipt/v2"),
        changed(index=True),
        changed(index=-1),
        changed(index="37"),
        changed(leaf=None),
        changed(leaf=""),
        changed(leaf="!"),
        changed(inclusion_proof={}),
        changed(inclusion_proof=[7]),
        changed(inclusion_proof=["AAAA"] * 65),
        changed(checkpoint=None),
    ],
)
def test_text_that_is_no_receipt_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        decode_receipt(text)
