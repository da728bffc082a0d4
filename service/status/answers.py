"""Requests and answers of the status server: values, and an answer's bytes (RFC 9110, 9112)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus
from typing import Final

_STATUS_LINES: Final = {
    int(status): f"HTTP/1.1 {int(status)} {status.phrase}\r\n".encode() for status in HTTPStatus
}
_TEXT: Final = b"text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request, whole."""

    method: bytes
    target: bytes
    """As on the request line."""
    headers: Mapping[bytes, bytes]
    """Names in lower case; of a repeated one, the last."""
    body: bytes = b""
    keep_alive: bool = True


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer. What is cached is this, so it carries no Date and no connection's state."""

    status: int
    content_type: bytes
    body: bytes = field(repr=False)
    tail: bytes = field(default=b"", repr=False)
    """The end of the body where many answers share it."""
    fields: bytes = b""
    """Further header lines, each ending in CRLF."""
    etag: bytes = b""
    last_modified: datetime | None = None

    def for_request(self, request: HttpRequest) -> HttpAnswer:
        """Itself, or 304 where the asker of a GET holds it already (RFC 9110 13)."""
        if self.status != 200 or not self.etag or request.method not in (b"GET", b"HEAD"):
            return self
        known = request.headers.get(b"if-none-match")
        if known is not None:
            # Weak comparison: a cache on the way may have marked it so.
            tags = {tag.strip().removeprefix(b"W/") for tag in known.split(b",")}
            held = b"*" in tags or self.etag in tags
        else:
            held = self._unmodified_since(request.headers.get(b"if-modified-since"))
        return HttpAnswer(304, b"", b"", fields=self.fields) if held else self

    def _unmodified_since(self, header: bytes | None) -> bool:
        if header is None or self.last_modified is None:
            return False
        try:
            since = parsedate_to_datetime(header.decode("latin-1"))
        except (ValueError, OverflowError):  # a year or a zone of any length may stand there
            return False
        return since.tzinfo is not None and self.last_modified.replace(microsecond=0) <= since

    def encode(self, request: HttpRequest, date: bytes) -> bytes:
        """The bytes on the wire; `date` is the Date header's line."""
        parts = [_STATUS_LINES[self.status], date, self.fields]
        if self.status != 304:
            length = len(self.body) + len(self.tail)
            parts.append(b"content-type: %b\r\ncontent-length: %d\r\n" % (self.content_type, length))
        parts.append(b"\r\n" if request.keep_alive else b"connection: close\r\n\r\n")
        if request.method != b"HEAD":
            parts += (self.body, self.tail)
        return b"".join(parts)


def http_date(moment: datetime) -> bytes:
    """IMF-fixdate."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True).encode()


def cacheable(
    content_type: bytes,
    body: bytes,
    *,
    last_modified: datetime,
    max_age: int,
    expires: datetime | None = None,
    tail: bytes = b"",
) -> HttpAnswer:
    """A 200 that caches may keep `max_age` seconds (RFC 5019 6.2); expiry is that of the signed thing."""
    digest = hashlib.sha1(body, usedforsecurity=False)  # RFC 5019 6.2 asks for SHA-1; it protects nothing
    digest.update(tail)
    etag = b'"%b"' % digest.hexdigest().encode()
    lines = [
        b"last-modified: " + http_date(last_modified),
        b"etag: " + etag,
        b"cache-control: max-age=%d, public, no-transform, must-revalidate" % max(0, max_age),
    ]
    if expires is not None:
        lines.append(b"expires: " + http_date(expires))
    fields = b"".join(line + b"\r\n" for line in lines)
    return HttpAnswer(200, content_type, body, tail, fields, etag, last_modified)


def uncached(content_type: bytes, body: bytes, *, status: int = 200, tail: bytes = b"") -> HttpAnswer:
    """An answer for this asker and this moment only."""
    return HttpAnswer(status, content_type, body, tail, b"cache-control: no-store\r\n")


def plain(status: int, sentence: str, fields: bytes = b"") -> HttpAnswer:
    """A refusal in words."""
    return HttpAnswer(
        status, _TEXT, sentence.encode() + b"\n", fields=b"cache-control: no-store\r\n" + fields
    )
