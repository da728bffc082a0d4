"""C2SP tlog-checkpoint and tlog-cosignature: a signed statement of size and root.

The log signs with Ed25519; an ML-DSA-44 cosignature stands beside it. Which keys a reader demands is the
reader's word: every key that it names must have signed, so a note without its
post-quantum half is refused.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from audit.errors import Malformed, NotVerified
from audit.keys import SignatureType, Signer, VerifierKey
from audit.merkle import HASH_SIZE
from audit.note import NoteSignature, format_note, parse_note, strict_base64

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_LABEL = b"subtree/v1\n\x00"
_LAST_SECOND = int(datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC).timestamp())


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log was at one moment."""

    origin: str
    size: int
    root: bytes

    def __post_init__(self) -> None:
        if not 0 < len(self.origin.encode("utf-8", "replace")) <= 255 or not self.origin.isprintable():
            raise Malformed("The origin is not 1 to 255 bytes of printable text.", field="origin")
        if not 0 <= self.size < 1 << 63 or len(self.root) != HASH_SIZE:
            raise Malformed("A checkpoint has a size below 2**63 and a root of 32 bytes.", field="checkpoint")

    @property
    def text(self) -> str:
        """The note text: origin, size, root (C2SP tlog-checkpoint, note text)."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


@dataclass(frozen=True, slots=True)
class VerifiedCheckpoint:
    """A checkpoint that every demanded key has signed."""

    checkpoint: Checkpoint
    cosigned_at: datetime | None
    """The earliest time that a cosignature states; None without one."""


def parse_checkpoint(text: str) -> Checkpoint:
    """A checkpoint from its note text; nothing is verified. Raises Malformed.

    Extension lines are refused: the ML-DSA-44 cosignature does not cover them, and this log writes none.
    """
    lines = text.split("\n")
    if len(lines) != 4 or lines[3]:
        raise Malformed("A checkpoint has exactly three lines: origin, size, root.", field="checkpoint")
    if not _SIZE.fullmatch(lines[1]):
        raise Malformed("The checkpoint's size is not a plain decimal number.", field="size")
    return Checkpoint(lines[0], int(lines[1]), strict_base64(lines[2], name="root"))


def sign_checkpoint(checkpoint: Checkpoint, signers: Sequence[Signer], now: datetime) -> str:
    """The signed note. `now` goes into the ML-DSA-44 cosignatures, in whole seconds."""
    if not signers:
        raise Malformed("A checkpoint needs at least one signer.", field="signers")
    seconds = int(now.timestamp())
    signatures = []
    for signer in signers:
        raw = signer.sign(_message(signer.key, checkpoint, seconds))
        prefix = seconds.to_bytes(8, "big") if _is_cosigner(signer.key) else b""
        signatures.append(NoteSignature(signer.key.name, signer.key.key_id, prefix + raw))
    return format_note(checkpoint.text, signatures)


def open_checkpoint(note: str, *, origin: str, keys: Sequence[VerifierKey]) -> VerifiedCheckpoint:
    """The checkpoint of this origin, when every one of `keys` has signed it; others are ignored.

    Raises Malformed (form) or NotVerified (origin, missing or wrong signature).
    """
    if not keys:
        raise NotVerified(
            "Nothing is verified without a key.", next_step="Pass a verifier key.", field="vkey"
        )
    parsed = parse_note(note)
    checkpoint = parse_checkpoint(parsed.text)
    if checkpoint.origin != origin:
        raise NotVerified(f"The checkpoint is of {checkpoint.origin}, not of {origin}.", field="origin")
    times = list[int]()
    for key in keys:
        mine = [each for each in parsed.signatures if (each.name, each.key_id) == (key.name, key.key_id)]
        if not mine:
            raise NotVerified(f"{_who(key)} has not signed the checkpoint.", field="signature")
        times += [_verify(key, checkpoint, each.signature) for each in mine]
    told = [time for time in times if time]
    return VerifiedCheckpoint(checkpoint, datetime.fromtimestamp(min(told), UTC) if told else None)


def cosigned_message(name: str, checkpoint: Checkpoint, seconds: int) -> bytes:
    """What an ML-DSA-44 cosigner signs (C2SP tlog-cosignature, ML-DSA-44 signed message; start is 0)."""
    cosigner, origin = name.encode(), checkpoint.origin.encode()
    return b"".join(
        (
            _LABEL,
            len(cosigner).to_bytes(1, "big") + cosigner,
            seconds.to_bytes(8, "big"),
            len(origin).to_bytes(1, "big") + origin,
            (0).to_bytes(8, "big"),
            checkpoint.size.to_bytes(8, "big"),
            checkpoint.root,
        )
    )


def _message(key: VerifierKey, checkpoint: Checkpoint, seconds: int) -> bytes:
    if _is_cosigner(key):
        return cosigned_message(key.name, checkpoint, seconds)
    return checkpoint.text.encode()


def _verify(key: VerifierKey, checkpoint: Checkpoint, signature: bytes) -> int:
    """The seconds that the signature states, 0 where it states none."""
    seconds, raw = 0, signature
    if _is_cosigner(key):
        seconds, raw = int.from_bytes(signature[:8], "big"), signature[8:]
    if seconds > _LAST_SECOND or not key.verifies(_message(key, checkpoint, seconds), raw):
        raise NotVerified(
            f"The signature of {_who(key)} is wrong.",
            next_step="Compare the verifier key with the one that the log's owner published.",
            field="signature",
        )
    return seconds


def _is_cosigner(key: VerifierKey) -> bool:
    return key.type is SignatureType.ML_DSA_44_COSIGNATURE


def _who(key: VerifierKey) -> str:
    return f"{key.name}+{key.key_id.hex()}"
