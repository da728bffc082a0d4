"""A connection over a transport of the test: order, backpressure and what happens to those who went."""

from __future__ import annotations

import asyncio
from typing import Any

import uvicorn
from uvicorn.server import ServerState

from service.status.answers import Quick, plain
from service.status.app import Receive, Scope, Send, send_answer
from service.status.bounded import MAX_QUEUED
from service.status.heads import KnownHeads
from service.status.patience import Patience
from service.status.protocol import StatusProtocol

GET = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
OCSP = b"POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b"


class RecordingTransport(asyncio.Transport):
    """Keeps what is written; says when reading was paused."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.reading = True
        self.closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True

    def write_eof(self) -> None:
        return None

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401 - as asyncio has it
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else default

    def bodies(self) -> list[bytes]:
        return [line for line in self.written.split(b"\r\n") if line.startswith((b"/", b"short"))]


class Echo:
    """Answers the path by ASGI, `slow` ones when the gate opens; OCSP of `known` bodies at once."""

    def __init__(self) -> None:
        self.patience, self.now = Patience(), 0.0
        self.gate = asyncio.Event()
        self.slow: set[str] = set()
        self.known: set[bytes] = set()
        self.refused: list[int] = []
        self.heads = KnownHeads()

    def is_unlimited(self, _host: str) -> bool:
        return True

    def allows(self, _host: str) -> bool:
        return True

    def ocsp_target(self, target: bytes) -> tuple[bool, bytes] | None:
        return (False, b"") if target == b"/ocsp" else None

    def quick(self, _method: bytes, _pq: bool, _rest: bytes, body: bytes, *_: object) -> Quick | None:
        return (b"content-length: 9\r\n", b"short ", body + b"\r\n") if body in self.known else None

    def told(self, status: int) -> None:
        self.refused.append(status)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = (await receive())["body"] if scope["method"] == "POST" else b""
        if scope["path"] in self.slow:
            await self.gate.wait()
        await send_answer(plain(200, f"{scope['path']} {body.decode()}".strip() + "\r"), scope, send)


def connected(service: Echo) -> tuple[StatusProtocol, RecordingTransport]:
    config = uvicorn.Config(
        service,
        http=StatusProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        proxy_headers=False,
    )
    config.load()
    connection = StatusProtocol(config, ServerState(), {}, asyncio.get_running_loop())
    transport = RecordingTransport()
    connection.connection_made(transport)
    return connection, transport


def test_a_quick_answer_waits_for_the_slow_one_before_it() -> None:
    async def scene() -> tuple[list[bytes], list[bytes]]:
        echo = Echo()
        echo.slow, echo.known = {"/2"}, {b"now"}
        connection, transport = connected(echo)
        connection.data_received(OCSP % (3, b"now") + GET % 2 + OCSP % (3, b"now") + GET % 4)
        await asyncio.sleep(0.01)
        before = transport.bodies()
        echo.gate.set()
        await asyncio.sleep(0.01)
        return before, transport.bodies()

    before, after = asyncio.run(scene())
    assert before == [b"short now"]
    assert after == [b"short now", b"/2", b"/ocsp now", b"/4"]


def test_what_has_no_answer_at_hand_goes_the_long_way_with_its_body() -> None:
    async def scene() -> list[bytes]:
        connection, transport = connected(Echo())
        whole = OCSP % (7, b"unknown")
        for octet in whole:
            connection.data_received(bytes((octet,)))
        await asyncio.sleep(0.01)
        return transport.bodies()

    assert asyncio.run(scene()) == [b"/ocsp unknown"]


def test_a_client_that_does_not_read_gets_no_more_until_it_does() -> None:
    async def scene() -> tuple[list[bytes], list[bytes]]:
        connection, transport = connected(Echo())
        connection.pause_writing()
        connection.data_received(GET % 1 + GET % 2)
        await asyncio.sleep(0.01)
        held = transport.bodies()
        connection.resume_writing()
        await asyncio.sleep(0.01)
        return held, transport.bodies()

    held, after = asyncio.run(scene())
    assert held == []
    assert after == [b"/1", b"/2"]


def test_reading_stops_while_too_many_wait() -> None:
    count = 40 * MAX_QUEUED

    async def scene() -> tuple[bool, int, int]:
        echo = Echo()
        echo.slow = {"/0"}
        connection, transport = connected(echo)
        connection.data_received(b"".join(GET % number for number in range(count)))
        await asyncio.sleep(0.01)
        paused, queued = not transport.reading, len(connection.pipeline)
        echo.gate.set()
        for _ in range(200):
            await asyncio.sleep(0.01)
            if len(transport.bodies()) == count:
                break
        return paused, queued, len(transport.bodies())

    paused, queued, answered = asyncio.run(scene())
    assert paused
    assert queued < count / 2
    assert answered == count


def test_nothing_is_written_to_a_client_that_went() -> None:
    async def scene() -> bytes:
        echo = Echo()
        echo.slow = {"/1"}
        connection, transport = connected(echo)
        connection.data_received(GET % 1 + GET % 2)
        transport.close()
        connection.connection_lost(None)
        echo.gate.set()
        await asyncio.sleep(0.01)
        return transport.written

    assert asyncio.run(scene()) == b""


def test_a_refusal_waits_for_the_answers_before_it() -> None:
    async def scene() -> tuple[bytes, bytes, list[int]]:
        echo = Echo()
        echo.slow = {"/1"}
        connection, transport = connected(echo)
        connection.data_received(GET % 1 + b"GET /" + b"x" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.sleep(0.01)
        before = transport.written
        echo.gate.set()
        await asyncio.sleep(0.01)
        return before, transport.written, echo.refused

    before, after, refused = asyncio.run(scene())
    assert before == b""
    assert after.index(b"/1") < after.index(b"HTTP/1.1 414 ")
    assert refused == [414]


def test_a_known_head_means_the_same_again_and_only_whole() -> None:
    async def scene() -> tuple[int, list[bytes], list[int]]:
        echo = Echo()
        echo.known = {b"now", b"new", b"old", b"ol"}
        connection, transport = connected(echo)
        connection.data_received(OCSP % (3, b"now"))
        parsed: list[bytes] = []
        feed = connection.parser.feed_data
        connection.parser = Spied(connection.parser, lambda data: (parsed.append(data), feed(data)))
        connection.data_received(OCSP % (3, b"new"))
        recognised = len(parsed)
        head = OCSP % (3, b"")
        for piece in (head + b"ol", b"d", head + b"wai", head + b"nowGARBAGE\r\n\r\n"):
            connection.data_received(piece)
            await asyncio.sleep(0.01)
        return recognised, transport.bodies(), echo.refused

    recognised, bodies, refused = asyncio.run(scene())
    assert recognised == 0
    assert bodies == [b"short now", b"short new", b"short old", b"/ocsp wai", b"short now"]
    assert refused == [400]


class Spied:
    """A parser that tells what it is fed."""

    def __init__(self, parser: Any, feed: Any) -> None:  # noqa: ANN401 - httptools has no types
        self._parser, self.feed_data = parser, feed

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - as above
        return getattr(self._parser, name)
