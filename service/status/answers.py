"""Answers of the status service: values, their header lines and their octets (RFC 9110, 9111, 5019)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import Final

Headers = tuple[tuple[bytes, bytes], ...]
"""Names in lower case."""
Quick = tuple[bytes, bytes, bytes]
"""A 200 as the wire wants it: its header lines, each ending in CRLF, then its body and the tail of that."""
NO_STORE: Final = (b"cache-control", b"no-store")
REQUEST_TYPE: Final = b"application/ocsp-request"
_TEXT: Final = b"text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """One answer. What is cached is this, so it carries no Date and no connection's state."""

    status: int
    headers: Headers
    """With its length; without Date and Connection."""
    body: bytes = field(repr=False)
    tail: bytes = field(default=b"", repr=False)
    """The end of the body where many answers share it."""
    etag: bytes = b""
    last_modified: datetime | None = None

    def to(self, method: str, asked: Mapping[bytes, bytes]) -> HttpAnswer:
        """Itself, or 304 where the asker of a GET holds it already (RFC 9110 13); `asked`: its headers."""
        if self.status != 200 or not self.etag or method not in ("GET", "HEAD"):
            return self
        known = asked.get(b"if-none-match")
        if known is not None:
            # Weak comparison: a cache on the way may have marked it so.
            tags = {tag.strip().removeprefix(b"W/") for tag in known.split(b",")}
            held = b"*" in tags or self.etag in tags
        else:
            held = self._unmodified_since(asked.get(b"if-modified-since"))
        if not held:
            return self
        of_content = (b"content-type", b"content-length")
        return HttpAnswer(304, tuple(each for each in self.headers if each[0] not in of_content), b"")

    def _unmodified_since(self, header: bytes | None) -> bool:
        if header is None or self.last_modified is None:
            return False
        try:
            since = parsedate_to_datetime(header.decode("latin-1"))
        except (ValueError, OverflowError):  # a year or a zone of any length may stand there
            return False
        return since.tzinfo is not None and self.last_modified.replace(microsecond=0) <= since

    def quick(self) -> Quick:
        """As the wire wants it; of a 200 only."""
        return lines(self.headers), self.body, self.tail


def from_quick(quick: Quick) -> HttpAnswer:
    """The same as a value."""
    head, body, tail = quick
    headers = tuple((name, value) for name, _, value in (line.partition(b": ") for line in head.splitlines()))
    named = dict(headers)
    since = named.get(b"last-modified")
    return HttpAnswer(
        200,
        headers,
        body,
        tail,
        etag=named.get(b"etag", b""),
        last_modified=parsedate_to_datetime(since.decode()) if since else None,
    )


def is_request_type(content_type: bytes) -> bool:
    """Whether a POST says that it is an OCSP request; parameters do not matter."""
    return content_type.partition(b";")[0].strip().lower() == REQUEST_TYPE


def lines(headers: Headers) -> bytes:
    """Header lines."""
    return b"".join(b"%b: %b\r\n" % each for each in headers)


def http_date(moment: datetime) -> bytes:
    """IMF-fixdate."""
    return format_datetime(moment.astimezone(UTC).replace(microsecond=0), usegmt=True).encode()


def validity(last_modified: datetime, max_age: int, expires: datetime | None) -> Headers:
    """What RFC 5019 6.2 asks of an answer that caches may keep; `expires` is that of the signed thing."""
    found = (
        (b"last-modified", http_date(last_modified)),
        (b"cache-control", b"max-age=%d, public, no-transform, must-revalidate" % max(0, max_age)),
    )
    return found if expires is None else (*found, (b"expires", http_date(expires)))


def etag_of(*pieces: bytes) -> bytes:
    """A strong ETag: SHA-256 over what is sent, in hex."""
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return b'"%b"' % digest.hexdigest().encode()


def cacheable(
    content_type: bytes,
    body: bytes,
    *,
    last_modified: datetime,
    max_age: int,
    expires: datetime | None = None,
    tail: bytes = b"",
) -> HttpAnswer:
    """A 200 that caches may keep `max_age` seconds."""
    etag = etag_of(body, tail)
    headers = (
        *_content(content_type, len(body) + len(tail)),
        (b"etag", etag),
        *validity(last_modified, max_age, expires),
    )
    return HttpAnswer(200, headers, body, tail, etag, last_modified)


def uncached(content_type: bytes, body: bytes, *, status: int = 200, tail: bytes = b"") -> HttpAnswer:
    """An answer for this asker and this moment only."""
    return HttpAnswer(status, (*_content(content_type, len(body) + len(tail)), NO_STORE), body, tail)


def plain(status: int, sentence: str, *further: tuple[bytes, bytes]) -> HttpAnswer:
    """A refusal in words."""
    body = sentence.encode() + b"\n"
    return HttpAnswer(status, (*_content(_TEXT, len(body)), NO_STORE, *further), body)


def _content(content_type: bytes, size: int) -> Headers:
    return (b"content-type", content_type), (b"content-length", b"%d" % size)
