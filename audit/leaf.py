"""A log entry: who did what to whom, as canonical JSON (RFC 8785) without clear device or patient identity.

Not handled here: whether the act was allowed, and what it meant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import NoReturn

import msgspec
import rfc8785

from audit.errors import LeafRefused, Malformed

MAX_LEAF = 65_535
"""Bytes: an entry bundle counts an entry's length in 16 bits (C2SP tlog-tiles, log entries)."""

_VERSION = 1
_KIND = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_KEY = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CERTIFICATE_SERIAL = re.compile(r"certificate_serials?")
_FORBIDDEN_WORDS = frozenset(
    {"serial", "serials", "sn", "lot", "lots", "mrn", "ssn", "dob", "birth", "donation"}
)
_FORBIDDEN_PARTS = re.compile(
    r"serialn|deviceserial|lotnumber|lotno$|batchn|batchid|udipi|^udi$|patient|medicalrecord|birthda|donationid"
)
# The human-readable GS1 form names its parts: (21) is a serial number, (10) a lot.
_CARRIER = re.compile(r"\((?:10|21)\)|\(01\)\d{14}")

_DETAIL_TYPES = "str, int within 53 bits, bool or list of str"
_MOST_INT = 2**53 - 1
# ASCII keys, whole numbers and text leave RFC 8785 nothing that msgspec does otherwise: it is much faster.
_ENCODE = msgspec.json.Encoder(order="deterministic").encode
DetailValue = str | int | bool | list[str]


@dataclass(frozen=True, slots=True)
class Leaf:
    """One act."""

    kind: str
    """`noun.verb_in_past`, such as `certificate.issued`."""
    at: datetime
    """Aware; kept to the microsecond in UTC."""
    actor: str
    subject: str
    """An opaque device id or a certificate serial, never a device's own serial number."""
    detail: Mapping[str, DetailValue] = field(default_factory=dict)


def encode(leaf: Leaf) -> bytes:
    """The RFC 8785 bytes of a leaf, at most `MAX_LEAF`.

    Raises LeafRefused (a forbidden key or a UDI carrier) or Malformed (shape), naming the field.
    """
    _check(leaf)
    try:
        encoded = _ENCODE(_body(leaf))
    except UnicodeEncodeError as problem:
        raise Malformed("The leaf holds a half of a surrogate pair.", field="detail") from problem
    except TypeError as problem:
        raise Malformed(f"The leaf holds what JSON has no word for: {problem}.", field="detail") from problem
    if len(encoded) > MAX_LEAF:
        raise Malformed(
            f"The leaf has {len(encoded)} bytes; {MAX_LEAF} is the most that an entry may have.",
            next_step="Record a digest of the large part instead.",
            field="detail",
        )
    return encoded


def decode(data: bytes) -> Leaf:
    """The leaf of exactly these bytes; Malformed for anything that `encode` would not have written."""
    if len(data) > MAX_LEAF:
        raise Malformed(f"An entry of {len(data)} bytes is longer than {MAX_LEAF}.", field="leaf")
    try:
        body = json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as problem:
        raise Malformed(f"The entry is not JSON: {type(problem).__name__}.", field="leaf") from problem
    leaf = _from_body(body)
    _check(leaf)
    # One comparison settles order, spaces, escapes, duplicate keys and number forms. It is made with another
    # implementation than the one that wrote, so that a slip in the fast one cannot go unseen.
    try:
        canonical = rfc8785.dumps(_body(leaf))
    except rfc8785.CanonicalizationError as problem:
        raise Malformed(f"The entry has no canonical form: {problem}.", field="leaf") from problem
    if canonical != data:
        raise Malformed("The entry is not in canonical form.", field="leaf")
    return leaf


def _body(leaf: Leaf) -> dict[str, str | int | dict[str, DetailValue]]:
    try:
        at = _instant(leaf.at)
    except OverflowError as problem:
        raise Malformed("at is beyond the calendar in UTC.", field="at") from problem
    return {
        "v": _VERSION,
        "kind": leaf.kind,
        "at": at,
        "actor": leaf.actor,
        "subject": leaf.subject,
        "detail": dict(leaf.detail),
    }


@lru_cache(maxsize=64)
def _instant(at: datetime) -> str:
    return at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def _from_body(body: object) -> Leaf:
    names = {"v", "kind", "at", "actor", "subject", "detail"}
    if not isinstance(body, dict) or set(body) != names:
        raise Malformed(f"An entry is an object with exactly {', '.join(sorted(names))}.", field="leaf")
    if type(body["v"]) is not int or body["v"] != _VERSION:
        raise Malformed("The entry has an unknown version.", next_step="Use a newer medtrust.", field="v")
    if not isinstance(body["detail"], dict):
        raise Malformed("detail is not an object.", field="detail")
    try:
        at = datetime.fromisoformat(body["at"])
    except (TypeError, ValueError) as problem:
        raise Malformed("at is not a time in the form of RFC 3339.", field="at") from problem
    return Leaf(body["kind"], at, body["actor"], body["subject"], body["detail"])


def _check(leaf: Leaf) -> None:
    if not isinstance(leaf.kind, str) or not _is_kind(leaf.kind):
        raise Malformed("kind is not two or more lower-case words joined by dots.", field="kind")
    if leaf.at.tzinfo is None or leaf.at.utcoffset() is None:
        raise Malformed("at has no time zone.", next_step="Pass an aware UTC time.", field="at")
    _check_text("actor", leaf.actor)
    _check_text("subject", leaf.subject)
    for key, value in leaf.detail.items():
        _check_key(key)
        _check_value(key, value)


def _check_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= 256 or not value.isprintable():
        raise Malformed(f"{name} is not 1 to 256 printable characters.", field=name)
    _check_carrier(name, value)


@lru_cache(maxsize=1024)  # keys are few and come back with every leaf; refusals are not kept
def _check_key(key: object) -> None:
    if not isinstance(key, str) or len(key) > 64 or not _KEY.fullmatch(key):
        raise Malformed("A key of detail is not lower_case_words of at most 64 characters.", field="detail")
    if _identifies(key):
        raise LeafRefused(
            f"detail.{key} could carry a clear device or patient identity.",
            next_step="Use the opaque device id as the subject, or certificate_serial for a certificate.",
            field=f"detail.{key}",
        )


# Kinds are few, too.
@lru_cache(maxsize=1024)
def _is_kind(kind: str) -> bool:
    return len(kind) <= 64 and _KIND.fullmatch(kind) is not None


def _identifies(key: str) -> bool:
    # A certificate's serial number is ours and public; a device's own is neither.
    rest = _CERTIFICATE_SERIAL.sub("certificate", key)
    bare = rest.replace("_", "")
    return not _FORBIDDEN_WORDS.isdisjoint(rest.split("_")) or _FORBIDDEN_PARTS.search(bare) is not None


def _check_value(key: str, value: object) -> None:
    if isinstance(value, str):
        _check_carrier(f"detail.{key}", value)
    elif isinstance(value, list) and all(isinstance(text, str) for text in value):
        for text in value:
            _check_carrier(f"detail.{key}", text)
    elif not isinstance(value, int) or not -_MOST_INT <= value <= _MOST_INT:
        raise Malformed(f"detail.{key} is not a {_DETAIL_TYPES}.", field=f"detail.{key}")


def _check_carrier(name: str, text: str) -> None:
    if "(" in text and _CARRIER.search(text):
        raise LeafRefused(
            f"{name} holds a UDI carrier with its production identifiers.",
            next_step="Use the opaque device id.",
            field=name,
        )


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)
