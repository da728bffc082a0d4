"""A connection over a transport of the test: order, backpressure and what happens to those who went."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from service.status.answers import HttpAnswer, HttpRequest, uncached
from service.status.protocol import MAX_QUEUED, HttpConnection, Patience

GET = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"


class RecordingTransport(asyncio.Transport):
    """Keeps what is written; says when reading was paused."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.reading = True
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def paths(self) -> list[bytes]:
        return [answer.rsplit(b"\r\n", 1)[1] for answer in self.written]


class Echo:
    """Answers the path; those below `gate` at once, others when the gate opens."""

    def __init__(self) -> None:
        self.gate: asyncio.Event = asyncio.Event()
        self.slow: set[bytes] = set()

    def __call__(self, request: HttpRequest) -> HttpAnswer | Awaitable[HttpAnswer]:
        answer = uncached(b"text/plain", request.target)
        return self._later(answer) if request.target in self.slow else answer

    async def _later(self, answer: HttpAnswer) -> HttpAnswer:
        await self.gate.wait()
        return answer


def connected(handler: Echo) -> tuple[HttpConnection, RecordingTransport]:
    connection = HttpConnection(handler, lambda: b"date: x\r\n", set(), Patience())
    transport = RecordingTransport()
    connection.connection_made(transport)
    return connection, transport


def test_a_quick_answer_waits_for_the_slow_one_before_it() -> None:
    async def scene() -> tuple[list[bytes], list[bytes]]:
        echo = Echo()
        echo.slow = {b"/2"}
        connection, transport = connected(echo)
        connection.data_received(b"".join(GET % number for number in range(1, 5)))
        await asyncio.sleep(0)
        before = transport.paths()
        echo.gate.set()
        await asyncio.sleep(0.01)
        return before, transport.paths()

    before, after = asyncio.run(scene())
    assert before == [b"/1"]
    assert after == [b"/1", b"/2", b"/3", b"/4"]


def test_a_client_that_does_not_read_gets_no_more_until_it_does() -> None:
    async def scene() -> tuple[list[bytes], bool, list[bytes], bool]:
        connection, transport = connected(Echo())
        connection.pause_writing()
        connection.data_received(GET % 1 + GET % 2)
        held, reading = transport.paths(), transport.reading
        connection.resume_writing()
        return held, reading, transport.paths(), transport.reading

    held, reading, after, again = asyncio.run(scene())
    assert (held, reading) == ([], False)
    assert (after, again) == ([b"/1", b"/2"], True)


def test_reading_stops_while_too_many_wait() -> None:
    async def scene() -> tuple[bool, bool, int]:
        echo = Echo()
        echo.slow = {b"/0"}
        connection, transport = connected(echo)
        connection.data_received(b"".join(GET % number for number in range(MAX_QUEUED + 5)))
        paused = not transport.reading
        echo.gate.set()
        await asyncio.sleep(0.01)
        return paused, transport.reading, len(transport.written)

    assert asyncio.run(scene()) == (True, True, MAX_QUEUED + 5)


def test_nothing_is_written_to_a_client_that_went() -> None:
    async def scene() -> list[bytes]:
        echo = Echo()
        echo.slow = {b"/1"}
        connection, transport = connected(echo)
        connection.data_received(GET % 1 + GET % 2)
        transport.close()
        connection.connection_lost(None)
        echo.gate.set()
        await asyncio.sleep(0.01)
        return transport.written

    assert asyncio.run(scene()) == []
