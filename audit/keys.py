"""Keys that sign checkpoints, as C2SP vkeys: Ed25519 notes (0x01) and ML-DSA-44 cosignatures (0x06)."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey, MLDSA44PublicKey

from audit.errors import AlgorithmUnavailable, Malformed
from audit.note import check_name, strict_base64

_VKEY = re.compile(r"(?P<name>[^+]+)\+(?P<key_id>[0-9a-f]{8})\+(?P<key>\S+)")
SEED_SIZE = 32
"""Bytes of entropy behind a private key of either type."""


class SignatureType(IntEnum):
    """C2SP signed-note, signature types."""

    ED25519 = 0x01
    ML_DSA_44_COSIGNATURE = 0x06


_PUBLIC_KEY_SIZE = {SignatureType.ED25519: 32, SignatureType.ML_DSA_44_COSIGNATURE: 1312}


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A name and a public key; `str()` gives the vkey text."""

    name: str
    type: SignatureType
    public_key: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public_key) != _PUBLIC_KEY_SIZE[self.type]:
            raise Malformed(f"A {self.type.name} public key has another length.", field="vkey")

    @property
    def key_id(self) -> bytes:
        """SHA-256(name || 0x0A || type || public key)[:4]: a name tag, not a commitment."""
        return sha256(self.name.encode() + b"\n" + bytes([self.type]) + self.public_key).digest()[:4]

    def __str__(self) -> str:
        material = base64.b64encode(bytes([self.type]) + self.public_key).decode()
        return f"{self.name}+{self.key_id.hex()}+{material}"

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether the raw signature is this key's over exactly this message."""
        try:
            if self.type is SignatureType.ED25519:
                Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
            else:
                MLDSA44PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except UnsupportedAlgorithm as problem:
            raise _no_ml_dsa() from problem
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Signer:
    """A verifier key with the means to sign for it; `sign` may stand before an HSM."""

    key: VerifierKey
    sign: Callable[[bytes], bytes]
    """Message to raw signature (64 bytes Ed25519, 2420 bytes ML-DSA-44)."""


def parse_vkey(text: str) -> VerifierKey:
    """A key from `name+hex(key id)+base64(type || public key)`. Raises Malformed."""
    match = _VKEY.fullmatch(text.strip())
    if match is None:
        raise Malformed(
            "A verifier key is name+8 hex digits+base64.",
            next_step="Pass it in quotes, as `medtrust audit keys` prints it.",
            field="vkey",
        )
    material = strict_base64(match["key"], name="vkey")
    try:
        kind = SignatureType(material[0])
    except (IndexError, ValueError) as problem:
        raise Malformed("The verifier key is neither Ed25519 nor ML-DSA-44.", field="vkey") from problem
    key = VerifierKey(match["name"], kind, material[1:])
    if key.key_id.hex() != match["key_id"]:
        raise Malformed("The verifier key does not match its own key id.", field="vkey")
    return key


def ed25519_signer(name: str, seed: bytes) -> Signer:
    """The log's own key from 32 secret bytes (RFC 8032 private key)."""
    private = Ed25519PrivateKey.from_private_bytes(_seed(seed))
    public = private.public_key().public_bytes_raw()
    return Signer(VerifierKey(name, SignatureType.ED25519, public), private.sign)


def ml_dsa_44_cosigner(name: str, seed: bytes) -> Signer:
    """A cosigner from 32 secret bytes (FIPS 204 xi). Raises AlgorithmUnavailable."""
    try:
        private = MLDSA44PrivateKey.from_seed_bytes(_seed(seed))
    except UnsupportedAlgorithm as problem:
        raise _no_ml_dsa() from problem
    public = private.public_key().public_bytes_raw()
    return Signer(VerifierKey(name, SignatureType.ML_DSA_44_COSIGNATURE, public), private.sign)


def _seed(seed: bytes) -> bytes:
    if len(seed) != SEED_SIZE:
        raise Malformed(f"A signing seed has {SEED_SIZE} bytes, not {len(seed)}.", field="seed")
    return seed


def _no_ml_dsa() -> AlgorithmUnavailable:
    return AlgorithmUnavailable(
        "This build of cryptography has no ML-DSA-44.",
        next_step="Install the cryptography wheel of the lock file.",
        field="algorithm",
    )
