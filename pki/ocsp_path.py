"""OCSP over GET (RFC 6960 A.1, RFC 5019 5): the request in base64 inside the URL's path."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Final
from urllib.parse import quote

from pki.ocsp_request import MAX_BYTES, OcspRequestRefused

_MOST: Final = MAX_BYTES * 2
"""Base64 adds a third, percent-encoding triples only `+`, `/` and `=`."""
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]+={0,2}")
_ESCAPED: Final = re.compile(r"%([0-9A-Fa-f]{2})")


def decode_get_path(path: str) -> bytes:
    """The request in the path behind the responder's prefix; OcspRequestRefused for what is not one.

    Escaped and raw `+`, `/` and `=` are taken, `//` inside stays as it is, and padding may be missing:
    clients do all of this. A space is never taken for `+`, and nothing is decoded twice.
    """
    if len(path) > _MOST:
        raise OcspRequestRefused("The path is longer than any request.", field="path")
    # Base64 of a SEQUENCE starts with M, so slashes in front belong to the URL.
    text = path.lstrip("/")
    if "%" in text:
        # As most clients write it; else letter by letter. One pass each, so nothing is decoded twice.
        text = text.replace("%2B", "+").replace("%2F", "/").replace("%3D", "=")
        if "%" in text:
            text = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)
    if not _BASE64.fullmatch(text):
        raise OcspRequestRefused("The path holds characters that base64 does not have.", field="path")
    bare = text.rstrip("=")
    try:
        return binascii.a2b_base64(bare + "=" * (-len(bare) % 4), strict_mode=True)
    except binascii.Error as bad:
        raise OcspRequestRefused("The path is not base64 of whole octets.", field="path") from bad


def encode_get_path(request: bytes) -> str:
    """The request as one path segment, `+`, `/` and `=` escaped."""
    return quote(base64.b64encode(request).decode(), safe="")
