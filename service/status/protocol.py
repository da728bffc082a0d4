"""One HTTP/1.1 connection of the status server: pipelined, kept alive, bounded in size and in time.

Bare asyncio over httptools: half the cost of a framework's, and every bound is ours to set. Not handled
here: what the answers are (service.status.server), TLS, HTTP/2.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import httptools

from service.status.answers import HttpAnswer, HttpRequest, plain

MAX_TARGET: Final = 8 * 1024
MAX_HEADERS: Final = 16 * 1024
MAX_BODY: Final = 64 * 1024
MAX_QUEUED: Final = 64
"""Pipelined requests that wait before we stop reading."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long clients may take, in seconds."""

    request: float = 10.0
    """From a request's first byte to its last, and to take an answer."""
    idle: float = 75.0
    linger: float = 2.0
    """A refused client may go on sending this long: closing on unread bytes would reset away our answer."""
    sweep: float = 1.0
    """How often deadlines are looked at."""


Handler = Callable[[HttpRequest], HttpAnswer | Awaitable[HttpAnswer]]


class HttpConnection(asyncio.Protocol):
    """Answers leave in the order of their requests. `deadline` is read by the server's sweep."""

    def __init__(
        self,
        handler: Handler,
        date: Callable[[], bytes],
        connections: set[HttpConnection],
        patience: Patience,
    ) -> None:
        self._handler, self._date, self._connections = handler, date, connections
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self._waiting: deque[tuple[HttpRequest, HttpAnswer | None]] = deque()
        self._task: asyncio.Task[None] | None = None
        self._held_back = False
        self._paused = False
        self._ending = False
        self._heard_all = False
        self._unparsed = 0
        self._start()
        self.deadline = self._loop.time() + self._patience.request

    # --- asyncio ---

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._transport = transport
        self._connections.add(self)

    def connection_lost(self, _exc: Exception | None) -> None:
        """The client went; what it still waited for is dropped."""
        self._connections.discard(self)
        self._ending = True
        self._waiting.clear()

    def eof_received(self) -> bool:
        """The client has said all: what it asked is still answered."""
        self._ending = self._heard_all = True
        return self._task is not None or bool(self._waiting)

    def pause_writing(self) -> None:
        """The client does not take what we send: it has a limited time to, and may ask nothing more."""
        self._held_back = True
        self.deadline = self._loop.time() + self._patience.request

    def resume_writing(self) -> None:
        """It took it."""
        self._held_back = False
        self._advance()

    def data_received(self, data: bytes) -> None:
        """Feed the parser; requests come out of on_message_complete."""
        if self._ending:
            return
        if not self._unparsed:
            self.deadline = self._loop.time() + self._patience.request
        # Reset by a complete request. The parser holds an unfinished header line back, without a bound.
        self._unparsed += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._ending = True  # answered as HTTP/1.1; whatever follows on the connection is not ours
        except httptools.HttpParserError:
            self._refuse(400, "That is not an HTTP/1.1 request.")
        if self._unparsed > MAX_BODY + MAX_HEADERS + MAX_TARGET:
            self._refuse(431, "The request's head is too large.")
        self._advance()

    def expire(self) -> None:
        """The deadline passed: say so where a request was begun, and close."""
        if self._unparsed and not self._held_back and not self._ending:
            self._refuse(408, "The request did not arrive in time.")
            self._advance()
        else:
            self.abort()

    def shut(self) -> None:
        """Close once what was asked is answered."""
        self._ending = True
        if self._task is None and not self._waiting:
            self._transport.close()

    def abort(self) -> None:
        """Close at once; what was not sent is lost."""
        self._transport.abort()

    # --- httptools ---

    def _start(self) -> None:
        self._target = b""
        self._headers: dict[bytes, bytes] = {}
        self._header_bytes = 0
        self._body = b""

    def on_message_begin(self) -> None:
        """A request begins."""
        self._start()

    def on_url(self, part: bytes) -> None:
        """The target, maybe in parts."""
        self._target += part
        if len(self._target) > MAX_TARGET:
            self._refuse(414, f"The path is longer than {MAX_TARGET} bytes; use POST.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header line."""
        self._header_bytes += len(name) + len(value) + 4
        if self._header_bytes > MAX_HEADERS:
            self._refuse(431, f"The headers are longer than {MAX_HEADERS} bytes.")
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        """The body follows, if it may."""
        length = self._headers.get(b"content-length", b"0")
        if length.isdigit() and int(length[:20]) > MAX_BODY:
            self._refuse(413, f"The body is longer than {MAX_BODY} bytes.")
        idle = self._task is None and not self._waiting
        if self._headers.get(b"expect", b"").lower() == b"100-continue" and idle and not self._ending:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, part: bytes) -> None:
        """A part of the body."""
        self._body += part
        if len(self._body) > MAX_BODY:
            self._refuse(413, f"The body is longer than {MAX_BODY} bytes.")

    def on_message_complete(self) -> None:
        """A request is whole: it waits for its turn."""
        self._unparsed = 0
        if self._ending:
            return
        keep_alive = self._parser.should_keep_alive() and not self._parser.should_upgrade()
        method = self._parser.get_method()
        request = HttpRequest(method, self._target, self._headers, self._body, keep_alive)
        self._waiting.append((request, None))
        self._ending = not keep_alive

    # --- answers ---

    def _refuse(self, status: int, sentence: str) -> None:
        """The last answer on this connection; it waits for those before it."""
        if self._ending:
            return
        self._ending, self._unparsed = True, 0
        self._waiting.append((HttpRequest(b"", b"", {}, keep_alive=False), plain(status, sentence)))

    def _advance(self) -> None:
        while self._waiting and self._task is None and not self._held_back:
            request, refusal = self._waiting.popleft()
            outcome = refusal or self._handler(request)
            if isinstance(outcome, HttpAnswer):
                self._send(request, outcome)
            else:
                self._task = self._loop.create_task(self._later(request, outcome))
        pause = self._held_back or len(self._waiting) > MAX_QUEUED
        if pause != self._paused and not self._transport.is_closing():
            self._paused = pause
            self._transport.pause_reading() if pause else self._transport.resume_reading()

    async def _later(self, request: HttpRequest, outcome: Awaitable[HttpAnswer]) -> None:
        answer = await outcome
        self._task = None
        self._send(request, answer)
        self._advance()

    def _send(self, request: HttpRequest, answer: HttpAnswer) -> None:
        if self._transport.is_closing():
            return
        last = self._ending and not self._waiting
        self._transport.write(answer.for_request(request).encode(request, self._date()))
        if not last:
            if not self._unparsed and not self._held_back:
                self.deadline = self._loop.time() + self._patience.idle
            return
        if self._heard_all:
            self._transport.close()
            return
        self._transport.write_eof()
        self.deadline = self._loop.time() + self._patience.linger
