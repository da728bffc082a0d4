"""Bytes in JSON: base64url without padding, in their one form."""

from __future__ import annotations

import base64
import re
from typing import Any

_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


class Octets(bytes):
    """Bytes that travel as base64url without padding (RFC 4648 section 5)."""

    __slots__ = ()

    @classmethod
    def from_text(cls, text: str) -> Octets:
        """Strict: no padding, no stray bits, nothing empty. Raises ValueError."""
        if not _BASE64URL.fullmatch(text) or len(text) % 4 == 1:
            raise ValueError("not base64url without padding")
        octets = cls(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if octets.text != text:
            raise ValueError("stray bits after the last octet")
        return octets

    @property
    def text(self) -> str:
        """As it stands in JSON."""
        return base64.urlsafe_b64encode(self).rstrip(b"=").decode("ascii")


def from_json(kind: type, value: object) -> object:
    """msgspec's dec_hook."""
    if kind is Octets and isinstance(value, str):
        return Octets.from_text(value)
    raise ValueError("not base64url text")


def to_json(value: object) -> object:
    """msgspec's enc_hook."""
    if isinstance(value, Octets):
        return value.text
    raise NotImplementedError


def schema_of(kind: type) -> dict[str, Any]:
    """msgspec's schema_hook."""
    if kind is Octets:
        return {"type": "string", "pattern": "^[A-Za-z0-9_-]+$", "contentEncoding": "base64url"}
    raise NotImplementedError
