"""A receipt: an entry, its inclusion proof and a signed checkpoint; enough to check offline."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass

from audit.checkpoint import open_checkpoint, parse_checkpoint
from audit.errors import Malformed, NotVerified
from audit.keys import VerifierKey
from audit.leaf import MAX_LEAF, Leaf, decode
from audit.merkle import HASH_SIZE, NodeReader, inclusion_proof, leaf_hash, verify_inclusion
from audit.note import parse_note, strict_base64

_FORMAT = "medtrust-receipt/v1"
_MAX_RECEIPT = 1024 * 1024
_NAMES = {"format", "index", "leaf", "inclusion_proof", "checkpoint"}


@dataclass(frozen=True, slots=True)
class Receipt:
    """Where an entry stands, and under which checkpoint."""

    index: int
    leaf: bytes
    """The entry's exact bytes; `audit.leaf.decode` reads them."""
    inclusion_proof: tuple[bytes, ...]
    checkpoint: str
    """The signed note."""


def receipt_for(index: int, leaf: bytes, *, checkpoint: str, read: NodeReader) -> Receipt:
    """The receipt of an entry under a signed checkpoint that covers it. Raises NotInLog where it does not."""
    size = parse_checkpoint(parse_note(checkpoint).text).size
    return Receipt(index, leaf, tuple(inclusion_proof(index, size, read)), checkpoint)


def verify_receipt(receipt: Receipt, *, origin: str, keys: list[VerifierKey]) -> Leaf:
    """The leaf that the log has promised to hold. Raises NotVerified or Malformed."""
    checkpoint = open_checkpoint(receipt.checkpoint, origin=origin, keys=keys).checkpoint
    proven = verify_inclusion(
        leaf_hash(receipt.leaf),
        index=receipt.index,
        size=checkpoint.size,
        proof=receipt.inclusion_proof,
        root=checkpoint.root,
    )
    if not proven:
        raise NotVerified(
            f"The proof does not place this entry at {receipt.index} of {checkpoint.size}.",
            next_step="Ask the log for a new receipt and compare.",
            field="inclusion_proof",
        )
    return decode(receipt.leaf)


def encode_receipt(receipt: Receipt) -> str:
    """One JSON document; bytes are base64."""
    body = {
        "format": _FORMAT,
        "index": receipt.index,
        "leaf": base64.b64encode(receipt.leaf).decode(),
        "inclusion_proof": [base64.b64encode(each).decode() for each in receipt.inclusion_proof],
        "checkpoint": receipt.checkpoint,
    }
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def decode_receipt(text: str) -> Receipt:
    """A receipt from its JSON; nothing is verified. Raises Malformed, naming the field."""
    if len(text) > _MAX_RECEIPT:
        raise Malformed("The receipt is too long.", field="receipt")
    try:
        body = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise Malformed("The receipt is not JSON.", field="receipt") from problem
    if not isinstance(body, dict) or set(body) != _NAMES or body["format"] != _FORMAT:
        raise Malformed(f"The receipt is not a {_FORMAT} document.", field="receipt")
    index, proof, note = body["index"], body["inclusion_proof"], body["checkpoint"]
    if type(index) is not int or not 0 <= index < 1 << 63:
        raise Malformed("index is not a place in a log.", field="index")
    if not isinstance(proof, list) or len(proof) > 64 or not isinstance(note, str):
        raise Malformed(
            "The proof is not a list of at most 64 hashes, or the checkpoint is not text.", field="proof"
        )
    return Receipt(
        index,
        _bytes("leaf", body["leaf"], most=MAX_LEAF),
        tuple(_bytes("inclusion_proof", each, most=HASH_SIZE) for each in proof),
        note,
    )


def _bytes(name: str, value: object, *, most: int) -> bytes:
    data = strict_base64(value, name=name) if isinstance(value, str) else b""
    if not 0 < len(data) <= most:
        raise Malformed(f"{name} is not base64 of 1 to {most} bytes.", field=name)
    return data
