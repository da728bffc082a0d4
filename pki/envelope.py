"""Private keys at rest: a JSON header as associated data, scrypt, AES-256-GCM over PKCS#8.

OpenSSL's "best available" encryption is PBKDF2 with 2,048 iterations: never for a CA key. The header is
authenticated, so its parameters, key id and date cannot be exchanged. Not handled here: files, prompts.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pki.errors import MalformedInput, WrongPassphrase

FORMAT: Final = "medtrust-key-envelope-1"
MIN_PASSPHRASE_BYTES: Final = 12
SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_MAX_BYTES: Final = 64 * 1024
_HEADER_FIELDS: Final = frozenset({"format", "kdf", "n", "r", "p", "salt", "nonce", "key_id", "created"})


@dataclass(frozen=True, slots=True)
class KdfParameters:
    """scrypt's cost (RFC 7914 section 2): memory is 128 * n * r bytes."""

    n: int = 2**17
    r: int = 8
    p: int = 1

    def at_least(self, floor: KdfParameters) -> bool:
        """Whether no parameter is cheaper than the floor's."""
        return self.n >= floor.n and self.r >= floor.r and self.p >= floor.p

    @property
    def affordable(self) -> bool:
        """Well-formed, and below the ceiling: a hostile file must not take the machine (1 GiB, p 4)."""
        power_of_two = self.n > 1 and not self.n & (self.n - 1)
        return power_of_two and self.r >= 1 and 1 <= self.p <= 4 and 128 * self.n * self.r <= 1 << 30


DEFAULT: Final = KdfParameters()
FLOOR: Final = KdfParameters(n=2**15)


@dataclass(frozen=True, slots=True)
class Header:
    """What an envelope says of itself; to be believed only after it opened."""

    key_id: str
    created: datetime
    parameters: KdfParameters
    salt: bytes
    nonce: bytes

    def canonical(self) -> bytes:
        """The associated data: sorted JSON without spaces; its content is ASCII only, so this is one form."""
        return _canonical(self.members())

    def members(self) -> dict[str, Any]:
        """The JSON object."""
        return {
            "format": FORMAT,
            "kdf": "scrypt",
            **asdict(self.parameters),
            "salt": base64.b64encode(self.salt).decode(),
            "nonce": base64.b64encode(self.nonce).decode(),
            "key_id": self.key_id,
            "created": self.created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


class Sealer:
    """Seals keys under one passphrase and one salt: the first seal costs a scrypt, the others nothing."""

    def __init__(
        self,
        passphrase: bytes,
        parameters: KdfParameters = DEFAULT,
        salt: bytes = b"",
        *,
        floor: KdfParameters = FLOOR,
    ) -> None:
        """`salt`: 16 random bytes or more. `floor` is lowered by tests only; an Opener has its own."""
        if len(passphrase) < MIN_PASSPHRASE_BYTES:
            raise MalformedInput(
                f"The passphrase has {len(passphrase)} bytes; at least {MIN_PASSPHRASE_BYTES} are needed.",
                next_step="Choose a longer one: several words are easier than symbols.",
                field="passphrase",
            )
        if not SALT_BYTES <= len(salt) <= 64:
            raise MalformedInput(f"The salt has {len(salt)} bytes; 16 to 64 are needed.", field="salt")
        _check(parameters, floor)
        self._parameters, self._salt = parameters, salt
        self._keys = _Keys(passphrase)

    def seal(self, pkcs8: bytes, key_id: str, created: datetime, entropy: Callable[[int], bytes]) -> bytes:
        """An envelope, JSON in ASCII with a final newline. `created` is aware, kept to the second."""
        if not _is_key_id(key_id):
            raise MalformedInput("The key id is empty, too long or not printable ASCII.", field="key_id")
        nonce = entropy(_NONCE_BYTES)
        header = Header(
            key_id, created.astimezone(UTC).replace(microsecond=0), self._parameters, self._salt, nonce
        )
        cipher = AESGCM(self._keys.derive(self._salt, self._parameters))
        sealed = cipher.encrypt(nonce, pkcs8, header.canonical())
        return (
            _canonical({"header": header.members(), "ciphertext": base64.b64encode(sealed).decode()}) + b"\n"
        )


class Opener:
    """Opens envelopes with one passphrase; those of one salt cost one scrypt together."""

    def __init__(self, passphrase: bytes, *, floor: KdfParameters = FLOOR) -> None:
        self._keys, self._floor = _Keys(passphrase), floor

    def open(self, envelope: bytes) -> bytes:
        """PKCS#8 DER. WrongPassphrase, or MalformedInput for what is no envelope of ours."""
        header, sealed = _parse(envelope)
        _check(header.parameters, self._floor)
        cipher = AESGCM(self._keys.derive(header.salt, header.parameters))
        try:
            return cipher.decrypt(header.nonce, sealed, header.canonical())
        except InvalidTag as bad:
            raise WrongPassphrase(
                f"The envelope of key {header.key_id} does not open: the passphrase is wrong, "
                "or the file was changed.",
                next_step="Try the passphrase again; if it is certain, restore the file from the backup.",
                field="passphrase",
            ) from bad


def read_header(envelope: bytes) -> Header:
    """The header without opening; nobody has vouched for it yet."""
    return _parse(envelope)[0]


class _Keys:
    """Derived keys, kept by salt and parameters: 0.35 s each at the default cost."""

    def __init__(self, passphrase: bytes) -> None:
        self._passphrase = passphrase
        self._known: dict[tuple[bytes, KdfParameters], bytes] = {}

    def derive(self, salt: bytes, cost: KdfParameters) -> bytes:
        key = self._known.get((salt, cost))
        if key is None:
            memory = 128 * cost.r * (cost.n + cost.p + 2) + (1 << 20)
            key = hashlib.scrypt(
                self._passphrase, salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=memory, dklen=32
            )
            self._known[salt, cost] = key
        return key


def _check(parameters: KdfParameters, floor: KdfParameters) -> None:
    if not parameters.affordable or not parameters.at_least(floor):
        raise MalformedInput(
            f"scrypt with n={parameters.n}, r={parameters.r}, p={parameters.p} is outside of what is "
            f"accepted (n from {floor.n}, at most 1 GiB of memory, p at most 4).",
            next_step="Seal the key again with the default parameters.",
            field="kdf",
        )


def _canonical(members: dict[str, Any]) -> bytes:
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def _is_key_id(text: object) -> bool:
    return isinstance(text, str) and 1 <= len(text) <= 128 and text.isascii() and text.isprintable()


def _parse(envelope: bytes) -> tuple[Header, bytes]:
    if len(envelope) > _MAX_BYTES:
        raise MalformedInput(f"The envelope is larger than {_MAX_BYTES} bytes.", field="envelope")
    try:
        document = json.loads(envelope.decode("ascii"), object_pairs_hook=_unique)
        if set(document) != {"header", "ciphertext"} or set(document["header"]) != _HEADER_FIELDS:
            raise ValueError("fields")
        return _header(document["header"]), base64.b64decode(document["ciphertext"], validate=True)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, binascii.Error) as bad:
        raise MalformedInput(
            f"The key file is not an envelope of format {FORMAT}.",
            next_step="Give the file that `medtrust ca init` wrote.",
            field="envelope",
        ) from bad


def _header(members: dict[str, Any]) -> Header:
    cost = [members["n"], members["r"], members["p"]]
    if members["format"] != FORMAT or members["kdf"] != "scrypt" or any(type(c) is not int for c in cost):
        raise ValueError("format")
    header = Header(
        members["key_id"],
        datetime.strptime(members["created"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC),
        KdfParameters(*cost),
        base64.b64decode(members["salt"], validate=True),
        base64.b64decode(members["nonce"], validate=True),
    )
    if len(header.nonce) != _NONCE_BYTES or not SALT_BYTES <= len(header.salt) <= 64:
        raise ValueError("nonce or salt")
    # One spelling only: what is authenticated is what stands in the file.
    if not _is_key_id(header.key_id) or header.members() != members:
        raise ValueError("key_id or spelling")
    return header


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members
