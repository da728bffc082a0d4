"""What the status server refuses of HTTP before anybody is asked, and in which words (RFC 9110, 9112)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import httptools

from service.status.answers import HttpAnswer, plain

Fields = Iterable[tuple[bytes, bytes]]
"""Header fields, names in lower case."""
MAX_TARGET: Final = 8 * 1024
MAX_HEADERS: Final = 16 * 1024
MAX_BODY: Final = 64 * 1024
_REQUEST_LINE: Final = re.compile(rb"([A-Z][A-Z-]{0,31}) \S+ HTTP/1\.[01]\r\n")
_METHODS: Final = frozenset(
    {b"GET", b"HEAD", b"POST", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"TRACE", b"CONNECT"}
)
_HOST: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")
TOO_LONG_TARGET: Final = plain(414, f"The path is longer than {MAX_TARGET} bytes; use POST.")
TOO_LONG_BODY: Final = plain(413, f"The body is longer than {MAX_BODY} bytes.")
TOO_LONG_HEAD: Final = plain(431, f"The headers are longer than {MAX_HEADERS} bytes.")
TOO_LATE: Final = plain(408, "The request did not arrive in time.")
_NOT_HTTP: Final = plain(400, "That is not an HTTP/1.1 request.")
_NO_METHOD: Final = plain(501, "That method is not known here.")
_NO_HOST: Final = plain(400, "One Host field, a valid one, is needed (RFC 9112 3.2).")
_NO_SWITCH: Final = plain(501, "An offer of another protocol is not taken beside a body in chunks.")


def of_head(headers: Fields, *, version: str, upgrade: bool) -> HttpAnswer | None:
    """Why a request is refused by its header fields; None where it is not."""
    fields = tuple(headers)
    if sum(len(name) + len(value) + 4 for name, value in fields) > MAX_HEADERS:
        return TOO_LONG_HEAD
    if any(n == b"content-length" and v.isdigit() and int(v[:20]) > MAX_BODY for n, v in fields):
        return TOO_LONG_BODY
    if version == "1.1" and not has_one_host(fields):
        return _NO_HOST
    if upgrade and any(name == b"transfer-encoding" for name, _ in fields):
        return _NO_SWITCH
    return None


def of_parser(bad: httptools.HttpParserError, data: bytes) -> HttpAnswer:
    """What to say of octets that the parser does not take; `data`: what it was fed last."""
    line = _REQUEST_LINE.match(data)
    foreign = isinstance(bad, httptools.HttpParserInvalidMethodError) and line and line[1] not in _METHODS
    return _NO_METHOD if foreign else _NOT_HTTP


def has_one_host(headers: Fields) -> bool:
    """Whether there is exactly one Host field, and a valid one (RFC 9112 3.2)."""
    hosts = [value for name, value in headers if name == b"host"]
    return len(hosts) == 1 and _HOST.fullmatch(hosts[0]) is not None
