"""The payloads of the contract (docs/mqtt.md): JSON, typed, bounded; the topic says which one it is.

Octets stand as base64url without padding, in their one form. What is refused is never echoed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from mqtt_bridge.errors import BridgeError
from mqtt_bridge.octets import Octets, from_json, schema_of, to_json

MAX_MESSAGE_BYTES = 65_536
CONTENT_TYPE = "application/json"
PROBLEM_CONTENT_TYPE = "application/problem+json"
HYBRID_ALGORITHMS = "ec-p256+ml-dsa-65"
"""How a client names the key pair of the device profile in `Hello.algorithms`."""


class BadMessage(BridgeError):
    """A payload outside the contract: `status` 400 or 413, `step` of the dialogue, `field` as a JSON path."""

    kind = "usage"

    def __init__(self, problem: str, *, step: str, field: str = "", status: int = 400) -> None:
        super().__init__(problem, next_step="Send what the message's JSON schema allows.", field=field)
        self.step = step
        self.status = status


# `(?!\n)`: Python's `$` alone would let a trailing newline through.
Version = Literal[1]
Rid = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,64}$(?!\n)")]
DeviceId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,64}$(?!\n)")]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9+.-]{1,64}$(?!\n)")]
Text = Annotated[str, Meta(max_length=1024)]
Instant = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$(?!\n)", max_length=32)]
"""RFC 3339 in UTC, kept as text because it is signed as it stands."""
Fingerprint = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
"""SHA-256 over a certificate's DER, hexadecimal."""
Chain = Annotated[list[Octets], Meta(min_length=1, max_length=4)]


class _Wire(Struct, frozen=True, forbid_unknown_fields=True):
    """What all payloads share: immutable, closed."""


class Signatures(_Wire, frozen=True, kw_only=True):
    """The classical signature and, where the key has an alternative half, its own."""

    classical: Octets
    alternative: Octets | None = None


class CsrAttributes(_Wire, frozen=True, kw_only=True):
    """What the request must hold: the subject's CN and one key of each kind named."""

    common_name: DeviceId
    classical: Name
    alternative: Name | None = None


class Endpoint(_Wire, frozen=True, kw_only=True):
    """A TLS listener of the broker."""

    host: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.:_-]{1,253}$(?!\n)")]
    port: Annotated[int, Meta(ge=1, le=65_535)]


class Hello(_Wire, frozen=True, kw_only=True):
    """up/hello: who asks, and which key pairs it can make."""

    v: Version = 1
    rid: Rid
    device_id: DeviceId
    algorithms: Annotated[list[Name], Meta(min_length=1, max_length=16)]
    client: Annotated[str, Meta(max_length=128)] = ""
    """Name and version of the client's software: shown, never believed."""


class Challenge(_Wire, frozen=True, kw_only=True):
    """down/challenge: a nonce to sign over, under the owner's signature (transcript.challenge)."""

    v: Version = 1
    rid: Rid
    nonce: Octets
    """32 octets."""
    expires_at: Instant
    csr: CsrAttributes
    issuer_fingerprints: Annotated[list[Fingerprint], Meta(min_length=1, max_length=4)]
    """The issuing CA's certificate first: its fingerprint, as 32 octets, is what is signed."""
    signer_chain: Chain
    """DER: the registry's signing certificate, then the issuing CA's; the root is pinned, never sent."""
    signature: Signatures


class Enroll(_Wire, frozen=True, kw_only=True):
    """up/enroll: DER(CSR), each of its keys' signature and the token's HMAC over transcript.enroll."""

    v: Version = 1
    rid: Rid
    csr: Octets
    proof: Signatures
    token_hmac: Octets | None = None
    """32 octets; absent only where a claim certificate speaks instead of a token."""


class Accepted(_Wire, frozen=True, kw_only=True):
    """down/accepted after enroll or renew: the certificate is issued and pending until confirmed."""

    v: Version = 1
    rid: Rid
    status: Literal[200] = 200
    chain: Chain
    """DER: the device's certificate, then the issuing CA's."""
    activate_before: Instant
    """Unconfirmed after this, the certificate is void."""
    ops: Endpoint | None = None
    """Where to connect with the certificate; absent in a renewal, which is there already."""


class ConfirmAccepted(_Wire, frozen=True, kw_only=True):
    """down/accepted after confirm: the certificate is active."""

    v: Version = 1
    rid: Rid
    status: Literal[200] = 200
    state: Literal["active"] = "active"


class Pending(_Wire, frozen=True, kw_only=True):
    """down/pending: a person decides; send the same request again after `retry_after` seconds."""

    v: Version = 1
    rid: Rid
    status: Literal[202] = 202
    retry_after: Annotated[int, Meta(ge=1, le=86_400)]
    detail: Text = ""


class Problem(_Wire, frozen=True, kw_only=True):
    """down/rejected: RFC 9457 problem details, with the stage that failed and the field it rests on."""

    type: Annotated[str, Meta(max_length=256)] = "about:blank"
    status: Annotated[int, Meta(ge=400, le=599)]
    title: Annotated[str, Meta(max_length=256)]
    detail: Text = ""
    rid: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{0,64}$(?!\n)")] = ""
    step: Annotated[str, Meta(max_length=64)]
    field: Annotated[str, Meta(max_length=128)] = ""


class Confirm(_Wire, frozen=True, kw_only=True):
    """up/confirm: the new certificate's first use, signed by its keys (transcript.confirm)."""

    v: Version = 1
    rid: Rid
    fingerprint: Fingerprint
    signature: Signatures


class Renew(_Wire, frozen=True, kw_only=True):
    """up/renew: a request for new keys, signed by them and by the current ones (transcript.renew)."""

    v: Version = 1
    rid: Rid
    csr: Octets
    current_fingerprint: Fingerprint
    proof: Signatures
    current_proof: Signatures


class Notice(_Wire, frozen=True, kw_only=True):
    """down/notice: something the device or its people should know."""

    v: Version = 1
    kind: Annotated[str, Meta(pattern=r"^[a-z0-9_.-]{1,64}$(?!\n)")]
    detail: Text = ""
    at: Instant


class Presence(_Wire, frozen=True, kw_only=True):
    """up/state, retained: the birth after a connect; the will and the goodbye say offline."""

    v: Version = 1
    state: Literal["online", "offline"]
    boot: Annotated[int, Meta(ge=0)]
    at: Instant | None = None
    """When, by the device's clock; a will cannot know."""


MESSAGES: tuple[type[Struct], ...] = (
    Hello, Challenge, Enroll, Accepted, ConfirmAccepted, Pending, Problem, Confirm, Renew, Notice,
    Presence,
)  # fmt: skip

_M = TypeVar("_M", bound=Struct)


_DECODERS = {kind: msgspec.json.Decoder(kind, dec_hook=from_json) for kind in MESSAGES}
_ENCODER = msgspec.json.Encoder(enc_hook=to_json)


def encode(message: Struct) -> bytes:
    """JSON in UTF-8."""
    return _ENCODER.encode(message)


def decode(kind: type[_M], payload: bytes, step: str) -> _M:
    """The message of `kind` in `payload`. Raises BadMessage (400, 413) naming `step` and the field."""
    if len(payload) > MAX_MESSAGE_BYTES:
        raise BadMessage(f"The message is larger than {MAX_MESSAGE_BYTES} bytes.", step=step, status=413)
    try:
        message = _DECODERS[kind].decode(payload)
    except msgspec.ValidationError as bad:
        raise _refusal(kind, str(bad), step) from None  # the cause would carry the content along
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadMessage(f"The {kind.__name__} message is not JSON in UTF-8.", step=step) from None
    assert isinstance(message, kind)  # noqa: S101  # the decoder of `kind` gives nothing else
    return message


def _refusal(kind: type, words: str, step: str) -> BadMessage:
    """Our sentence for msgspec's, whose unknown names and bad values come from the sender."""
    if words.startswith("Object contains unknown field"):
        return BadMessage(f"{kind.__name__} holds a field that is not known here.", step=step)
    _, found, path = words.rpartition(" - at `$")
    path = path.rstrip("`").lstrip(".") if found else ""
    if words.startswith("Object missing required field"):
        path = ".".join(filter(None, (path, words.split("`")[1])))
        return BadMessage(f"{kind.__name__} lacks the field {path}.", step=step, field=path)
    where = f"the field {path}" if path else "the message"
    return BadMessage(
        f"{kind.__name__}: {where} has the wrong type or is out of bounds.", step=step, field=path
    )


def json_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema 2020-12 by message name, each complete in itself."""
    return {kind.__name__: msgspec.json.schema(kind, schema_hook=schema_of) for kind in MESSAGES}
