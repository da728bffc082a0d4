"""The broker without a binary: in-process, on a loop and a thread of its own. Good for a first hour.

MQTT 3.1.1 only, in memory only: what it acknowledged is gone when the process is.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from mqtt_bridge.broker import access
from mqtt_bridge.broker.amqtt_door import GuardedBroker
from mqtt_bridge.broker.config import BrokerPlan
from mqtt_bridge.broker.interface import Address, CutResult, Endpoints
from mqtt_bridge.broker.run_directory import RunDirectory, check_crl, claim_ports, sources
from mqtt_bridge.errors import BrokerMisconfigured, BrokerUnreachable
from mqtt_bridge.topics import check

_WITHIN = 10.0
_T = TypeVar("_T")


class EmbeddedBroker:
    """amqtt behind the interface of every broker; `tell` hears refusals and faults."""

    kind = "embedded"

    def __init__(
        self, plan: BrokerPlan, *, entropy: Callable[[int], bytes], tell: Callable[[str], None]
    ) -> None:
        self._plan = plan
        self._tell = tell
        self._password = entropy(32).hex()
        self._directory: RunDirectory | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._broker: GuardedBroker | None = None
        self._sockets: dict[str, socket.socket] = {}

    @property
    def endpoints(self) -> Endpoints:
        """Where it listens, and the control password of this start."""
        plan = self._plan
        return Endpoints(plan.bootstrap, plan.ops, plan.control, access.CONTROL_USER, self._password)

    def start(self) -> None:
        """Binds the three listeners and serves them on a new thread."""
        if self._loop is not None:
            return
        pems = sources(self._plan)
        claim_ports(self._plan)
        directory = self._directory = RunDirectory(self._plan.directory, None)
        directory.write("crl.pem", pems["crl.pem"])
        contexts = {"bootstrap": self._tls(), "ops": self._device_tls(), "control": None}
        loop = self._loop = asyncio.new_event_loop()
        loop.set_exception_handler(lambda _loop, context: self._tell(f"broker: {context['message']}"))
        self._thread = threading.Thread(target=self._turn, args=(loop,), name="broker", daemon=True)
        self._thread.start()
        try:
            self._do(self._serve(contexts))
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends every connection, the listeners and the thread."""
        loop, self._loop = self._loop, None
        if loop is None:
            return
        if self._broker is not None:
            asyncio.run_coroutine_threadsafe(self._shut(self._broker), loop).result(_WITHIN)
        loop.call_soon_threadsafe(loop.stop)
        if self._thread is not None:
            self._thread.join(_WITHIN)
        for sock in self._sockets.values():
            sock.close()
        self._sockets.clear()
        self._broker = None

    def publish_crl(self, pem: bytes) -> None:
        """Serves new connections with the new CRL (a context of its own: no old ticket opens it)."""
        check_crl(pem)
        if self._directory is None or self._broker is None:
            raise BrokerUnreachable("The broker has not been started.", field="broker")
        self._directory.write("crl.pem", pem)
        self._do(self._broker.listen("ops", self._sockets["ops"].dup(), self._device_tls()))

    def cut(self, device_id: str) -> CutResult:
        """Aborts the device's connection."""
        check("device", device_id)
        if self._broker is None:
            raise BrokerUnreachable("The broker has not been started.", field="broker")
        began = time.monotonic()
        was = self._do(self._broker.kick(device_id))
        how = "connection aborted" if was else "was not connected"
        return CutResult(device_id, (time.monotonic() - began) * 1000, how)

    async def _serve(self, contexts: dict[str, ssl.SSLContext | None]) -> None:
        broker = self._broker = GuardedBroker(
            control_password=self._password,
            limits=self._plan.limits,
            tell=self._tell,
            loop=asyncio.get_running_loop(),
        )
        await broker.start()
        for name, context in contexts.items():
            sock = self._sockets[name] = _bound(getattr(self._plan, name))
            await broker.listen(name, sock.dup(), context)

    async def _shut(self, broker: GuardedBroker) -> None:
        await broker.shutdown()
        await asyncio.sleep(0)
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.wait(rest, timeout=1.0) if rest else None

    def _turn(self, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.set_event_loop(loop)
        loop.run_forever()
        loop.close()

    def _do(self, work: Coroutine[Any, Any, _T]) -> _T:
        if self._loop is None:
            work.close()
            raise BrokerUnreachable("The broker is not running.", field="broker")
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop).result(_WITHIN)
        except TimeoutError as error:
            raise BrokerUnreachable(f"The broker did not answer within {_WITHIN:g} s.") from error

    def _tls(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.num_tickets = 0
        context.load_cert_chain(self._plan.certificate, self._plan.key)
        return context

    def _device_tls(self) -> ssl.SSLContext:
        context = self._tls()
        context.verify_mode = ssl.CERT_REQUIRED
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        try:
            context.load_verify_locations(self._plan.ca)
            context.load_verify_locations(self._plan.files["crl.pem"])
        except (OSError, ssl.SSLError) as error:
            raise BrokerMisconfigured(f"CA or CRL cannot be used: {error}.", field="crl") from error
        return context


def _bound(address: Address) -> socket.socket:
    family, kind, protocol, _, where = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(where)
    sock.listen(256)
    return sock
