"""The HTTP server for everything that checks status: OCSP, lists, CA certificates, the trust bundle, health.

One thread with its own event loop; no TLS, for what it says is signed (RFC 5280 8: https here would loop).
"""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Final

import uvloop

from mqtt_bridge.broker.interface import Address
from service import logs
from service.authority import Authority
from service.errors import BadSetting, PortTaken, ServiceError
from service.runtime import Runtime
from service.status.answers import HttpAnswer, HttpRequest, http_date, plain
from service.status.protocol import HttpConnection, Patience
from service.status.routes import StatusRoutes

_PATIENCE: Final = Patience()
_FAREWELL_SECONDS: Final = 2.0
_WORKERS: Final = 4
_BACKLOG: Final = 1024
_LOG = logs.get("status")


class StatusServer:
    """`start()` returns when the port is open; `stop()` when every answer that was due is given."""

    def __init__(
        self, authority: Authority, runtime: Runtime, listen: Address, patience: Patience = _PATIENCE
    ) -> None:
        self._authority, self._runtime, self._listen = authority, runtime, listen
        self._patience = patience
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None
        self._routes: StatusRoutes | None = None
        self._executor: ThreadPoolExecutor | None = None

    def start(self) -> Address:
        """The address that is listened on (port 0 picks one); PortTaken where something else is there."""
        listener = open_listener(self._listen)
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(listener, ready), name="status-server", daemon=True
        )
        self._thread.start()
        ready.result()
        host, port = listener.getsockname()[:2]
        return Address(host, port)

    def touch(self) -> None:
        """A status or a list has changed in the store: the next request looks. From any thread."""
        if self._routes is not None:
            self._routes.ocsp.watch.touch()

    def use(self, authority: Authority) -> None:
        """From now on these keys answer: responders were made new. From any thread."""
        self._authority = authority
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._renew)

    def _renew(self) -> None:
        if self._executor is not None:
            self._routes = StatusRoutes(self._authority, self._runtime, self._executor)

    def _answer(self, request: HttpRequest) -> HttpAnswer | Awaitable[HttpAnswer]:
        if self._routes is None:
            return plain(503, "Not ready.")
        return self._routes.answer(request)

    def stop(self) -> None:
        """Close the port, finish what was asked, end the thread. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is None or self._loop is None or self._stopping is None:
            return
        self._loop.call_soon_threadsafe(self._stopping.set)
        thread.join()

    def _run(self, listener: socket.socket, ready: Future[None]) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._serve(listener, ready))
        except BaseException as bad:
            # Whoever waits in start() must hear of it; later there is only the log.
            listener.close()
            if ready.done():
                _LOG.error("status_server_died", error=type(bad).__name__)
                raise
            ready.set_exception(bad)

    async def _serve(self, listener: socket.socket, ready: Future[None]) -> None:
        loop = self._loop = asyncio.get_running_loop()
        self._stopping = asyncio.Event()
        connections: set[HttpConnection] = set()
        with ThreadPoolExecutor(_WORKERS, "status-worker") as executor:
            self._executor = executor
            self._routes = StatusRoutes(self._authority, self._runtime, executor)
            date = DateLine(self._runtime.ports.clock, loop)
            server = await loop.create_server(
                lambda: HttpConnection(self._answer, date, connections, self._patience),
                sock=listener,
                backlog=_BACKLOG,
            )
            sweep = loop.create_task(_sweep(connections, loop, self._patience.sweep))
            ready.set_result(None)
            await self._stopping.wait()
            server.close()
            sweep.cancel()
            await _farewell(connections, loop)


def open_listener(listen: Address) -> socket.socket:
    """A bound socket; the error names the port and what to do."""
    family = socket.AF_INET6 if ":" in listen.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((listen.host, listen.port))
        listener.listen(_BACKLOG)
    except OSError as bad:
        listener.close()
        raise _cannot_listen(listen, bad) from bad
    return listener


def _cannot_listen(listen: Address, bad: OSError) -> ServiceError:
    where = f"{listen.host}:{listen.port}"
    if bad.errno == errno.EADDRINUSE:
        return PortTaken(
            f"Something else listens on {where}, port {listen.port}.",
            next_step="Stop it, or choose another address: status.listen in medtrust.toml.",
            field="status.listen",
        )
    return BadSetting(
        f"{where} cannot be listened on: {bad.strerror}.",
        next_step="Choose an address of this machine and a port above 1023: status.listen in medtrust.toml.",
        field="status.listen",
    )


class DateLine:
    """The Date header, made once a second."""

    def __init__(self, clock: Callable[[], datetime], loop: asyncio.AbstractEventLoop) -> None:
        self._clock, self._loop = clock, loop
        self._until = 0.0
        self._line = b""

    def __call__(self) -> bytes:
        """The line with its CRLF."""
        if self._loop.time() >= self._until:
            now = self._clock()
            self._line = b"date: " + http_date(now) + b"\r\n"
            self._until = self._loop.time() + 1 - now.microsecond / 1_000_000
        return self._line


async def _sweep(connections: set[HttpConnection], loop: asyncio.AbstractEventLoop, every: float) -> None:
    """Ends connections past their deadline; above half the process's files, also those next in line."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2
    while True:
        await asyncio.sleep(every)
        now = loop.time()
        by_deadline = sorted(connections, key=lambda connection: connection.deadline)
        surplus = len(by_deadline) - most
        for place, connection in enumerate(by_deadline):
            if connection.deadline > now and place >= surplus:
                break
            connection.expire()


async def _farewell(connections: set[HttpConnection], loop: asyncio.AbstractEventLoop) -> None:
    for connection in list(connections):
        connection.shut()
    end = loop.time() + _FAREWELL_SECONDS
    while connections and loop.time() < end:
        await asyncio.sleep(0.01)
    for connection in list(connections):
        connection.abort()
