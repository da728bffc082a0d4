"""What proves that a requester holds a key which cannot sign: a secret sent to the key, and the answer to it.

Pure: the CA encapsulates (registry.kem_challenge), the holder decapsulates; both make the same answer here.
Challenge and answer travel as small JSON documents, on a stick if need be.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from registry.model.errors import BadInput
from registry.model.transcript import fields

CHALLENGE_FORMAT: Final = "medtrust-kem-challenge-v1"
ANSWER_FORMAT: Final = "medtrust-kem-answer-v1"
MAX_BYTES: Final = 16 * 1024
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"


class KemProof(StrEnum):
    """What must show that a key which cannot sign is held by whoever asks."""

    CHALLENGE = "challenge"
    """The key opened a secret: a proof."""
    STATEMENT = "statement"
    """A signed claim is enough (RFC 9883), and an answered challenge too."""


@dataclass(frozen=True, slots=True)
class KemChallenge:
    """A secret for one key, good for one request, once and until `expires_at` (whole seconds, UTC)."""

    challenge_id: str
    """32 hexadecimal digits."""
    csr_sha256: bytes
    ciphertext: bytes
    expires_at: datetime

    @property
    def transcript(self) -> bytes:
        """What the answer is over: every field of the challenge."""
        expires = self.expires_at.strftime(_TIME).encode()
        return fields(CHALLENGE_FORMAT, self.challenge_id.encode(), self.csr_sha256, self.ciphertext, expires)

    def answer(self, shared_secret: bytes) -> bytes:
        """HMAC-SHA256 under the shared secret: only who decapsulated can make it."""
        return hmac.new(shared_secret, self.transcript, hashlib.sha256).digest()

    def to_json(self) -> bytes:
        """The document for the requester."""
        return _document(
            {
                "format": CHALLENGE_FORMAT,
                "challenge": self.challenge_id,
                "csr_sha256": self.csr_sha256.hex(),
                "ciphertext": base64.b64encode(self.ciphertext).decode(),
                "expires_at": self.expires_at.strftime(_TIME),
            }
        )

    @classmethod
    def from_json(cls, data: bytes) -> KemChallenge:
        """BadInput where it is no challenge of ours."""
        members = _members(data, CHALLENGE_FORMAT, ("challenge", "csr_sha256", "ciphertext", "expires_at"))
        try:
            expires = datetime.strptime(members["expires_at"], _TIME).replace(tzinfo=UTC)
            digest = bytes.fromhex(members["csr_sha256"])
            ciphertext = base64.b64decode(members["ciphertext"], validate=True)
        except (ValueError, binascii.Error) as bad:
            raise _malformed(CHALLENGE_FORMAT) from bad
        return cls(members["challenge"], digest, ciphertext, expires)


@dataclass(frozen=True, slots=True)
class KemAnswer:
    """The requester's answer."""

    challenge_id: str
    proof: bytes

    def to_json(self) -> bytes:
        """The document for the CA."""
        proof = base64.b64encode(self.proof).decode()
        return _document({"format": ANSWER_FORMAT, "challenge": self.challenge_id, "answer": proof})

    @classmethod
    def from_json(cls, data: bytes) -> KemAnswer:
        """BadInput where it is no answer of ours."""
        members = _members(data, ANSWER_FORMAT, ("challenge", "answer"))
        try:
            return cls(members["challenge"], base64.b64decode(members["answer"], validate=True))
        except (ValueError, binascii.Error) as bad:
            raise _malformed(ANSWER_FORMAT) from bad


def _document(members: dict[str, str]) -> bytes:
    return json.dumps(members, indent=2).encode("ascii") + b"\n"


def _members(data: bytes, wanted: str, names: tuple[str, ...]) -> dict[str, str]:
    try:
        if len(data) > MAX_BYTES:
            raise _malformed(wanted)
        document: Any = json.loads(data.decode("ascii"))
    except (ValueError, RecursionError) as bad:
        raise _malformed(wanted) from bad
    if not isinstance(document, dict) or set(document) != {"format", *names}:
        raise _malformed(wanted)
    if document["format"] != wanted or not all(isinstance(value, str) for value in document.values()):
        raise _malformed(wanted)
    return document


def _malformed(wanted: str) -> BadInput:
    made_by = "challenge" if wanted == CHALLENGE_FORMAT else "answer"
    return BadInput(
        f"The file is not a document of format {wanted}.",
        next_step=f"Give the file that `medtrust cert {made_by}` wrote.",
        field=made_by,
    )
