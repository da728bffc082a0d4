"""The door that telemetry comes in by: bytes to Claims through the PHI guard, or a ClaimsRefused.

The only file of the trust room that knows msgspec, and the only place where Claims are made.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import InitVar, dataclass
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from registry.trust.phi_guard import (
    ClaimsRefused,
    PhiStopped,
    find_phi,
    find_unlabelled,
    guard_claim_text,
)

MAX_PAYLOAD: Final = 16_384
"""Octets of one message."""
MAX_DEPTH: Final = 8

Counter = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Percent = Annotated[float, Meta(ge=0, le=100)]
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", min_length=64, max_length=64)]
Ports = Annotated[list[Annotated[int, Meta(ge=0, le=65_535)]], Meta(max_length=256)]
Name = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._+-]*$", max_length=64)]
Version = Annotated[str, Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._+~-]*$", max_length=32)]


class Firmware(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What runs on the device: an identifier without spaces, a version, SHA-256 of the image in hex."""

    name: Name
    ver: Version
    sha256: Sha256


class ErrorCounts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Errors since boot: TLS, authentication, memory, watchdog, file system."""

    tls: Counter | UnsetType = UNSET
    auth: Counter | UnsetType = UNSET
    mem: Counter | UnsetType = UNSET
    wdog: Counter | UnsetType = UNSET
    fs: Counter | UnsetType = UNSET


class Telemetry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One message of security telemetry, `v` 1. An absent field is unknown, never good; null is refused."""

    v: Literal[1]
    ts: Annotated[datetime, Meta(tz=True)]
    """The device's own clock, RFC 3339 with an offset."""
    boot: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    """Counts starts; with `seq` it only ever rises."""
    seq: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    uptime: Counter | UnsetType = UNSET
    """Seconds since boot."""
    fw: Firmware | UnsetType = UNSET
    sbom_sha256: Sha256 | UnsetType = UNSET
    cert_fp: Sha256 | UnsetType = UNSET
    """SHA-256 of the certificate in use."""
    anchor_fp: Sha256 | UnsetType = UNSET
    """SHA-256 of the trust anchor it holds."""
    secure_boot: bool | UnsetType = UNSET
    dbg: bool | UnsetType = UNSET
    """Whether a debug port is open."""
    tamper: bool | UnsetType = UNSET
    listen_tcp: Ports | UnsetType = UNSET
    listen_udp: Ports | UnsetType = UNSET
    peers_n: Counter | UnsetType = UNSET
    bytes_in: Counter | UnsetType = UNSET
    bytes_out: Counter | UnsetType = UNSET
    pkts: Counter | UnsetType = UNSET
    err: ErrorCounts | UnsetType = UNSET
    cpu: Percent | UnsetType = UNSET
    mem: Percent | UnsetType = UNSET
    disk: Percent | UnsetType = UNSET
    cfg_sha256: Sha256 | UnsetType = UNSET
    clinical_mode: Literal["idle", "in_use", "unknown"] | UnsetType = UNSET


_SEAL: Final = object()


@dataclass(frozen=True, slots=True)
class Claims:
    """What a device says of itself, past the guard. Only `admit` holds the seal that makes one."""

    telemetry: Telemetry
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        if seal is not _SEAL:
            raise ClaimsRefused("not_admitted", field="$", next_step="Make claims with admit(payload).")

    def as_dict(self) -> dict[str, object]:
        """JSON-ready, absent fields left out: the form the store keeps."""
        plain: dict[str, object] = msgspec.to_builtins(self.telemetry)
        return plain


_DECODER: Final = msgspec.json.Decoder(Telemetry)
_ENCODER: Final = msgspec.json.Encoder()
_LOOSE: Final = msgspec.json.Decoder()
_PATH: Final = re.compile(r" - at `(\$[A-Za-z0-9_.\[\]]*)`")
_REASONS: Final = (
    ("unknown field", "unknown_field"),
    ("missing required field", "missing_field"),
    ("Expected", "wrong_type_or_range"),
    ("Invalid", "wrong_type_or_range"),
)


def admit(payload: bytes) -> Claims:
    """Claims from one telemetry payload (mqtt.md, Telemetry); PhiStopped or ClaimsRefused, nothing else.

    JSON in UTF-8, 16 kB at most, exactly the schema of Telemetry, no key twice.
    """
    if len(payload) > MAX_PAYLOAD:
        raise ClaimsRefused("too_large", field="$", next_step=f"Send at most {MAX_PAYLOAD} octets.")
    try:
        telemetry = _DECODER.decode(payload)
    except (msgspec.MsgspecError, RecursionError, ValueError) as problem:
        # The library's words can quote an unknown key: only our code and a checked path leave here.
        raise _refusal(payload, str(problem)) from None
    # No admitted string can hold a quote, so equal counts mean that no key came twice.
    if payload.count(b'"') != _ENCODER.encode(telemetry).count(b'"'):
        raise _refusal(payload, "duplicate")
    if telemetry.fw is not UNSET:
        _guard_firmware(telemetry.fw.name, telemetry.fw.ver)
    return Claims(telemetry, seal=_SEAL)


@lru_cache(maxsize=4096)
def _guard_firmware(name: str, version: str) -> None:
    """Remembered because a fleet runs few firmwares; a refusal raises, so patient data is never kept."""
    guard_claim_text("$.fw.name", name)
    guard_claim_text("$.fw.ver", version, is_version=True)


def evidence_id(payload: bytes) -> str:
    """SHA-256 of the message, hex: the same message redelivered is the same evidence."""
    return hashlib.sha256(payload).hexdigest()


def claims_schema() -> dict[str, Any]:
    """JSON Schema 2020-12 of one message, for the docs."""
    return msgspec.json.schema(Telemetry)


def _refusal(payload: bytes, problem: str) -> ClaimsRefused:
    """Patient data outranks bad form: what is refused is looked through before it is forgotten."""
    try:
        texts = _texts(_LOOSE.decode(payload))
    except (msgspec.MsgspecError, RecursionError, ValueError):
        return _unreadable(payload, "not_json")
    if texts is None:
        return _unreadable(payload, "too_deep")
    for text in texts:
        if (code := find_phi(text) or find_unlabelled(text, is_version=False)) is not None:
            return PhiStopped(code, field="$")
    if problem == "duplicate":
        return ClaimsRefused("duplicate_key", field="$", next_step="Send each key once.")
    reason = next((code for words, code in _REASONS if words in problem), "not_json")
    path = _PATH.search(problem)
    return ClaimsRefused(
        reason, field=path[1] if path else "$", next_step="Send the fields of the telemetry schema."
    )


def _unreadable(payload: bytes, reason: str) -> ClaimsRefused:
    code = find_phi(payload.decode("utf-8", "replace"))
    return PhiStopped(code, field="$") if code else ClaimsRefused(reason, field="$")


def _texts(value: object) -> list[str] | None:
    """Every key and string of a decoded document; None where it is deeper than MAX_DEPTH."""
    found: list[str] = []
    level: list[object] = [value]
    for _ in range(MAX_DEPTH + 1):
        if not level:
            return found
        below: list[object] = []
        for item in level:
            if isinstance(item, str):
                found.append(item)
            elif isinstance(item, dict):
                below += [*item.keys(), *item.values()]
            elif isinstance(item, list):
                below += item
        level = below
    return None
