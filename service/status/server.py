"""The HTTP server for everything that checks status: OCSP, lists, CA certificates, the trust bundle, health.

uvicorn on uvloop, one thread with its own event loop; no TLS, for what it says is signed (RFC 5280 8: https
here would loop).
"""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import uvicorn
import uvloop

from mqtt_bridge.broker.interface import Address
from registry.store.notices import notices_for
from service import logs
from service.runtime import Runtime
from service.status.access import AccessLog
from service.status.answers import HttpAnswer, uncached
from service.status.app import Asgi, StatusApp
from service.status.desk import OcspDesk
from service.status.documents import Documents
from service.status.keys import StatusKeys
from service.status.limits import RateLimit
from service.status.listening import BACKLOG, address_of, open_listener
from service.status.metrics import CONTENT_TYPE, Meter
from service.status.patience import Patience, sweep
from service.status.presigned import Presigned, PresignedReader, PresignedUnusable
from service.status.protocol import StatusProtocol
from service.status.routes import StatusRoutes

_PATIENCE: Final = Patience()
_FAREWELL_SECONDS: Final = 2
_WORKERS: Final = 4
_LOG = logs.get("status")


class StatusServer:
    """`start()` returns when the port is open; `stop()` when every answer that was due is given."""

    def __init__(
        self,
        keys: StatusKeys,
        runtime: Runtime,
        listen: Address | socket.socket,
        patience: Patience = _PATIENCE,
        *,
        presigned: Presigned | None = None,
        counts: Path | None = None,
    ) -> None:
        """`presigned`: answers signed ahead; `counts`: where several workers share their counts."""
        self._keys, self._runtime, self._listen = keys, runtime, listen
        self._patience, self._presigned = patience, presigned
        self._meter = Meter(counts)
        self._access = AccessLog(runtime.settings.status.access_log, _LOG)
        # PostgreSQL tells of other processes' commits; elsewhere a question that comes later looks.
        self._notices = notices_for(runtime.store)
        if self._notices is not None:
            self._notices.on_change(self.touch)
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: _Server | None = None
        self._app: StatusApp | None = None

    def start(self) -> Address:
        """The address that is listened on (port 0 picks one); PortTaken where something else is there."""
        listener = self._listen if isinstance(self._listen, socket.socket) else open_listener(self._listen)
        ready: Future[None] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(listener, ready), name="status-server", daemon=True
        )
        self._thread.start()
        ready.result()
        if self._notices is not None:
            self._notices.start()
        return address_of(listener)

    def touch(self) -> None:
        """A status or a list has changed in the store: the next request looks. From any thread."""
        if self._app is not None:
            self._app.desk.watch.touch()

    def use(self, keys: StatusKeys) -> None:
        """From now on these keys answer: responders were made new. From any thread."""
        self._keys = keys
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._renew)

    def stop(self) -> None:
        """Close the port, finish what was asked, end the thread. Idempotent."""
        thread, self._thread = self._thread, None
        if thread is None or self._server is None:
            return
        if self._notices is not None:
            self._notices.stop()
        self._server.should_exit = True
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
        self._loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(_WORKERS, "status-worker") as executor:
            self._executor = executor
            self._app = self._application()
            self._app.now = self._loop.time()
            # What uvicorn would log is told by us, or is a client's noise.
            logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
            config = uvicorn.Config(
                self._app,
                http=StatusProtocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_keep_alive=int(self._patience.idle) + 1,
                timeout_graceful_shutdown=_FAREWELL_SECONDS,
            )
            self._server = server = _Server(config, ready)
            tending = self._loop.create_task(self._tend(server, self._app))
            try:
                await server.serve(sockets=[listener])
            finally:
                tending.cancel()
                self._app.desk.close()
                self._meter.flush()

    def _renew(self) -> None:
        if self._app is not None:
            self._app.use(*self._parts())

    def _application(self) -> StatusApp:
        settings = self._runtime.settings
        rules = settings.status
        return StatusApp(
            *self._parts(),
            prefix=urlsplit(settings.status_url).path,
            meter=self._meter,
            limit=RateLimit(rules.rate_limit, rules.rate_exempt),
            access=self._access,
            patience=self._patience,
        )

    def _parts(self) -> tuple[OcspDesk, Asgi]:
        """What depends on the keys."""
        runtime, signed = self._runtime, self._presigned
        clock = runtime.ports.clock
        desk = OcspDesk(
            self._keys,
            runtime.ports,
            self._executor,
            lifetime=runtime.settings.status.ocsp_lifetime,
            answers=self._meter.ocsp,
            reader=self._reader(),
        )
        documents = Documents(self._keys, runtime.home, runtime.ports)

        def page() -> HttpAnswer:
            gauges = (*documents.gauges(), *(signed.gauges(clock()) if signed else ()))
            return uncached(CONTENT_TYPE, self._meter.page(gauges))

        return desk, StatusRoutes(desk, documents, self._executor, clock, page).router

    def _reader(self) -> PresignedReader | None:
        """Answers signed ahead, where they can be read; without them each is signed when it is asked for."""
        try:
            return self._presigned.reader() if self._presigned else None
        except PresignedUnusable as bad:
            _LOG.error("presigned.unusable", problem=bad.problem)
            return None

    async def _tend(self, server: _Server, app: StatusApp) -> None:
        """Ends connections past their deadline; tells counts; lets go of what nobody needs."""
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2
        loop, second = asyncio.get_running_loop(), 0.0
        while True:
            await asyncio.sleep(self._patience.sweep)
            app.now = loop.time()
            sweep(server.server_state.connections, app.now, most)
            if app.now - second >= 1:
                second = app.now
                self._access.second()
                self._meter.flush()
                app.desk.rest()


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it is ready."""

    def __init__(self, config: uvicorn.Config, ready: Future[None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second; before the first, answers have no Date."""
        ended = await super().on_tick(counter)
        if not self._ready.done():
            self._ready.set_result(None)
        return ended
