"""uvicorn's HTTP/1.1 connection with bounds of ours, where it has none.

Sizes of path, headers and body; time for a request, for taking an answer and for idling; pipelined requests.
What is refused waits for the answers before it, and the refusal reaches a client that goes on sending.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from service.status import refusals
from service.status.answers import HttpAnswer, lines

if TYPE_CHECKING:
    from service.status.app import StatusApp

MAX_QUEUED: Final = 64
"""Pipelined requests that wait before we stop reading."""
_SLICE: Final = 16 * 1024
_MOST_WAITING: Final = 1024 * 1024


class BoundedProtocol(HttpToolsProtocol):
    """One connection. `deadline` is read by the server's sweep, in the loop's time."""

    def __init__(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*arguments, **named)
        self.service: StatusApp = self.config.loaded_app
        self.patience = self.service.patience
        self.ending = False
        self._heard_all = False
        self._unparsed = 0
        self._body_bytes = 0
        self._in_body = False
        self._owed = 0
        """Octets of a body that the parser takes for another protocol's, and that are the request's."""
        self._waiting = b""
        self._running: Any = None
        """uvicorn's newest request may be another: one that waits behind it."""
        self._last_words: HttpAnswer | None = None
        self.deadline = self.loop.time() + self.patience.request

    # --- asyncio ---

    def data_received(self, data: bytes) -> None:
        """Feed the parser, no more at a time than what may wait."""
        if self.ending:
            return
        if self._waiting:
            self._waiting += data
            self.flow.pause_reading()
            if len(self._waiting) > _MOST_WAITING:
                self.transport.abort()
        elif len(data) <= _SLICE:
            self._feed(data)
        else:
            self._waiting = data
            self._go_on()

    def eof_received(self) -> bool:  # type: ignore[override]
        """The client has said all: what it asked is still answered."""
        self._heard_all = True
        busy = self.is_busy()
        if not busy:
            self.ending = True
        return busy

    def pause_writing(self) -> None:
        """The client does not take what we send: it has a limited time to."""
        super().pause_writing()
        self.deadline = self.service.now + self.patience.request

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went; what it still waited for is dropped."""
        self.ending, self._waiting = True, b""
        self.pipeline.clear()
        if self._running is not None:
            self._running.disconnected = True
        super().connection_lost(exc)

    def expire(self) -> None:
        """The deadline passed: say so where a request was begun, and close."""
        if self._unparsed and not self.flow.write_paused and not self.ending:
            self.refuse(refusals.TOO_LATE)
        else:
            self.transport.abort()

    def shutdown(self) -> None:
        """Close once what was asked is answered."""
        self.ending = True
        super().shutdown()

    # --- httptools ---

    def on_headers_complete(self) -> None:
        """The body follows, if it may."""
        self._body_bytes = 0
        if self.ending or not self._may_go_on():
            return
        self.begin()
        if self.parser.should_upgrade():
            # RFC 9110 7.8: the offer is ignored and the request answered; what follows it is not read.
            self.cycle.keep_alive = False
            self._owed = next((int(v) for n, v in self.headers if n == b"content-length"), 0)

    def begin(self) -> None:
        """A request whose head is good: on its way through uvicorn."""
        super().on_headers_complete()
        self._in_body = True

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        if self.ending:
            return
        self._body_bytes += len(body)
        if self._body_bytes > refusals.MAX_BODY:
            self.refuse(refusals.TOO_LONG_BODY)
        else:
            self.take(body)

    def take(self, body: bytes) -> None:
        """A part of the body that is not too long."""
        super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole, but where its body is owed."""
        if self._owed:
            return
        self._unparsed = 0
        self._in_body = False
        if not self.ending:
            self.finish()

    def finish(self) -> None:
        """A request is whole and may be answered."""
        super().on_message_complete()

    # --- uvicorn ---

    def on_response_complete(self) -> None:
        """An answer is out: the next one, what waits to be read, or our last words."""
        super().on_response_complete()
        if not self._unparsed and not self.flow.write_paused:
            self.deadline = self.service.now + self.patience.idle
        if self._waiting:
            self.flow.pause_reading()
            self.loop.call_soon(self._go_on)
        elif not self.is_busy():
            self._say_last()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:  # noqa: ANN401 - uvicorn's own
        self._running = cycle
        super()._start_asgi_task(cycle, app)

    # --- bounds ---

    def is_busy(self) -> bool:
        """Whether a request is being answered or waits for it."""
        return (self.cycle is not None and not self.cycle.response_complete) or bool(self.pipeline)

    def refuse(self, answer: HttpAnswer) -> None:
        """The last answer on this connection; it waits for those before it."""
        if self.ending:
            return
        self.ending, self._unparsed, self._waiting = True, 0, b""
        self._last_words = answer
        if self._in_body:
            self._drop_current()
        if not self.is_busy():
            self._say_last()

    def _feed(self, data: bytes) -> None:
        if not self._unparsed:
            self.deadline = self.service.now + self.patience.request
        # Reset by a complete request. The parser holds an unfinished header line back, without a bound.
        self._unparsed += len(data)
        self._unset_keepalive_if_required()
        self._parse(data)
        if self._unparsed > refusals.MAX_TARGET:
            if len(self.url) > refusals.MAX_TARGET:
                self.refuse(refusals.TOO_LONG_TARGET)
            elif self._unparsed > refusals.MAX_BODY + refusals.MAX_HEADERS + refusals.MAX_TARGET:
                self.refuse(refusals.TOO_LONG_HEAD)

    def _parse(self, data: bytes) -> None:
        if self._owed:
            self._take_owed(data)
            return
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as offered:
            self._take_owed(data[offered.args[0] :])
        except httptools.HttpParserError as bad:
            self.refuse(refusals.of_parser(bad, data))

    def _take_owed(self, data: bytes) -> None:
        """The body of a request that offered another protocol; nothing is read behind it."""
        body = data[: self._owed]
        self._owed -= len(body)
        if body:
            self.on_body(body)
            if not self._owed:
                self.on_message_complete()
        self.ending = self.ending or not self._owed

    def _go_on(self) -> None:
        """Feed what waits while few requests are under way."""
        while self._waiting and not self.ending:
            if len(self.pipeline) >= MAX_QUEUED or self.flow.write_paused:
                self.flow.pause_reading()
                return
            data, self._waiting = self._waiting[:_SLICE], self._waiting[_SLICE:]
            self._feed(data)
        self.flow.resume_reading()

    def _may_go_on(self) -> bool:
        version, upgrade = self.parser.get_http_version(), self.parser.should_upgrade()
        refusal = refusals.of_head(self.headers, version=version, upgrade=upgrade)
        if len(self.url) > refusals.MAX_TARGET:
            refusal = refusals.TOO_LONG_TARGET
        if refusal is not None:
            self.refuse(refusal)
        return not self.ending

    def _drop_current(self) -> None:
        """The request whose body is being read gets no answer of its own."""
        self._in_body = False
        if self.pipeline:
            self.pipeline.popleft()  # it came last, and uvicorn takes the next one from the other end
            return
        self.cycle.disconnected = self.cycle.response_complete = True
        self.cycle.message_event.set()

    def _say_last(self) -> None:
        answer, self._last_words = self._last_words, None
        if self.transport.is_closing():
            return
        if answer is None:
            if self._heard_all:
                self.transport.close()
            return
        self.flow.resume_reading()
        head = lines((*self.server_state.default_headers, *answer.headers, (b"connection", b"close")))
        self.transport.write(b"".join((STATUS_LINE[answer.status], head, b"\r\n", answer.body)))
        self.service.told(answer.status)
        self.transport.write_eof()
        self.deadline = self.service.now + self.patience.linger
