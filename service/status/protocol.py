"""A shorter way through a connection for OCSP answers that are at hand.

An OCSP request whose answer is at hand never becomes an ASGI task: that alone costs twice what nginx takes
for a static file (docs/adr/0019). Everything else goes uvicorn's way, also where the short way has no answer.
"""

from __future__ import annotations

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from service.status.answers import REQUEST_TYPE, Quick, is_request_type, lines
from service.status.bounded import BoundedProtocol
from service.status.heads import Known
from service.status.refusals import MAX_TARGET, has_one_host

_MATTERS: Final = frozenset(
    {
        *(b"content-type", b"expect", b"if-none-match", b"if-modified-since"),
        *(b"upgrade", b"transfer-encoding", b"content-length"),
    }
)
_LONG_LENGTH: Final = 5
"""Digits of a length that is checked on the long way."""
_OK: Final = STATUS_LINE[200]
_TARGETS: Final = (b"/ocsp", b"/ocsp-pq")


class StatusProtocol(BoundedProtocol):
    """One connection of the status service."""

    _date: tuple[object, bytes] = (None, b"")
    """uvicorn's headers of this second, and their lines; shared by all connections."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._short = False
        self._short_body = self._whole = b""
        self._target: tuple[bool, bytes] = (False, b"")
        self._host = self.client[0] if self.client else ""
        self._unlimited = self.service.is_unlimited(self._host)

    def data_received(self, data: bytes) -> None:
        """What comes when nothing is under way may be a request with a known head, whole."""
        if self._unparsed or self._waiting or self.ending or self.flow.write_paused or self.is_busy():
            self._whole = b""
        else:
            self._whole = data
            if self._recognised(data):
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """A request begins; what ASGI needs to know of it is put together when it is needed."""
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """The body follows; OCSP requests wait for it before they become a task."""
        self._short = self._may_be_short()
        self._short_body, self._body_bytes = b"", 0
        if not self._short:
            super().on_headers_complete()

    def begin(self) -> None:
        """A request for ASGI."""
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expect
        self.headers += headers
        super().begin()

    def take(self, body: bytes) -> None:
        """A part of the body."""
        if self._short:
            self._short_body += body
        else:
            super().take(body)

    def finish(self) -> None:
        """A request is whole: answered at once, or on its way through uvicorn."""
        if not self._short:
            super().finish()
            return
        self._short = False
        if not (self._unlimited or self.service.allows(self._host)) or not self._answered():
            self.begin()
            super().take(self._short_body)
            self._in_body = False
            super().finish()

    def _recognised(self, data: bytes) -> bool:
        """Answers a request whose head was parsed before; False: it is the parser's."""
        service = self.service
        post = service.heads.post(data)
        if post is not None:
            (post_quantum, _), body = post
            method, rest, target = b"POST", b"", _TARGETS[post_quantum]
        else:
            get = service.heads.get(data)
            asked = service.ocsp_target(get) if get else None
            if get is None or asked is None:
                return False
            method, body, target = b"GET", b"", get
            post_quantum, rest = asked
        if not (self._unlimited or service.allows(self._host)):
            return False
        found = service.quick(method, post_quantum, rest, body, target, self._host)
        if found is None:
            return False
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        self._write(found, kept=True)
        return True

    def _answered(self) -> bool:
        method, service = self.parser.get_method(), self.service
        found = service.quick(method, *self._target, self._short_body, self.url, self._host)
        if found is None:
            return False
        kept = self.parser.should_keep_alive()
        if kept and self._whole:
            service.heads.learn(self._whole, method, Known(self._target[0], len(self._short_body)))
        self._write(found, kept=kept)
        return True

    def _write(self, found: Quick, *, kept: bool) -> None:
        headers = self.server_state.default_headers
        if self._date[0] is not headers:
            StatusProtocol._date = headers, lines(tuple(headers))
        end = b"\r\n" if kept else b"connection: close\r\n\r\n"
        head, body, tail = found
        self.transport.write(b"".join((_OK, self._date[1], head, end, body, tail)))
        self.deadline = self.service.now + self.patience.idle
        if not kept:
            self.ending = True
            self.transport.close()

    def _may_be_short(self) -> bool:
        # More than one small head at a time is checked on the long way.
        if self._unparsed > MAX_TARGET or self.ending or self.is_busy() or self.flow.write_paused:
            return False
        target = self.service.ocsp_target(self.url)
        if target is None:
            return False
        if not has_one_host(self.headers):
            return False
        self._target = target
        for name, value in self.headers:
            if name not in _MATTERS:
                continue
            if name == b"content-type":
                if value != REQUEST_TYPE and not is_request_type(value):
                    return False
            elif name != b"content-length" or len(value) >= _LONG_LENGTH:
                return False
        return True
