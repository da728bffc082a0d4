"""The status service as an ASGI application: OCSP as a plain function, everything else by Starlette's routes.

OCSP's path is hot and needs no framework; the rest has names, methods and types, which Starlette knows.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final

from pki.ocsp import OcspRequestRefused, decode_get_path
from service import logs
from service.status.access import AccessLog
from service.status.answers import REQUEST_TYPE, HttpAnswer, Quick, is_request_type, plain
from service.status.desk import OcspDesk, refusal
from service.status.heads import KnownHeads
from service.status.limits import RateLimit
from service.status.metrics import Meter
from service.status.patience import Patience
from service.status.refusals import MAX_BODY

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]
_CLASSICAL, _POST_QUANTUM = b"/ocsp", b"/ocsp-pq"
_PLAIN = False, b""
_TOO_MANY: Final = plain(429, "Too many requests; wait a second.", (b"retry-after", b"1"))
_KINDS: Final = {
    b"crl": "crl",
    b"ca": "ca",
    b"trust-bundle.json": "bundle",
    b"healthz": "health",
    b"metrics": "metrics",
}
_LOG = logs.get("status")


class StatusApp:
    """The application, and what its connections ask beside it. Belongs to the event loop's thread."""

    def __init__(
        self,
        desk: OcspDesk,
        routes: Asgi,
        *,
        prefix: str,
        meter: Meter,
        limit: RateLimit,
        access: AccessLog,
        patience: Patience,
    ) -> None:
        """`prefix`: the path of `status.url`, which a proxy may leave in front; `routes`: all but OCSP."""
        self.desk, self.patience, self._routes = desk, patience, routes
        self._prefix = prefix.encode()
        self._meter, self._limit, self._access = meter, limit, access
        self.heads = KnownHeads()
        """Of requests that went the short way."""
        self.now = 0.0
        """The loop's time, as exact as the server's sweeps."""

    def use(self, desk: OcspDesk, routes: Asgi) -> None:
        """From now on these answer: keys were made new."""
        before, self.desk, self._routes = self.desk, desk, routes
        before.close()

    # --- the connections' short way ---

    def is_unlimited(self, host: str) -> bool:
        """Whether an address may ask as much as it likes."""
        return self._limit.is_free(host)

    def allows(self, host: str) -> bool:
        """Whether an address may ask once more."""
        return self._limit.allows(host, time.monotonic())

    def quick(
        self, method: bytes, post_quantum: bool, rest: bytes, body: bytes, target: bytes, host: str
    ) -> Quick | None:
        """The answer to an OCSP request where it is at hand; None: ask the application.

        `post_quantum` and `rest` as `ocsp_target` told; `target` and `host` are for the access log.
        """
        try:
            if method == b"GET":
                body = decode_get_path(rest.decode("latin-1"))
            elif method != b"POST" or rest:
                return None
            found = self.desk.quick(body, post_quantum=post_quantum)
        except OcspRequestRefused:
            return None
        except Exception as bad:  # noqa: BLE001 - the long way will say it in an answer
            _LOG.error("status_request_failed", error=type(bad).__name__)
            return None
        if found is not None:
            size = len(found[1]) + len(found[2])
            self._tell("ocsp", "POST" if method == b"POST" else "GET", 200, size, target, host)
        return found

    def told(self, status: int) -> None:
        """A connection was refused before it asked anything."""
        self._meter.requests["refused", status] += 1

    def ocsp_target(self, target: bytes) -> tuple[bool, bytes] | None:
        """(post-quantum, what follows in the path) of an OCSP target; None for any other."""
        if self._prefix and target.startswith(self._prefix + b"/"):
            target = target[len(self._prefix) :]
        if target == _CLASSICAL:
            return _PLAIN
        if target.startswith(_CLASSICAL + b"/"):
            return False, target[len(_CLASSICAL) + 1 :]
        if target == _POST_QUANTUM or target.startswith(_POST_QUANTUM + b"/"):
            return True, target[len(_POST_QUANTUM) + 1 :]
        return None

    # --- ASGI ---

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; whatever goes wrong, the asker gets an answer and never a traceback."""
        began = _Sending(send)
        target: bytes = scope["raw_path"]
        client = scope["client"]
        host = client[0] if client else ""
        kind = "other"
        try:
            asked = self.ocsp_target(target)
            if not self.allows(host):
                await send_answer(
                    plain(429, "Too many requests; wait a second.", (b"retry-after", b"1")), scope, began
                )
            elif asked is not None:
                kind = "ocsp"
                await send_answer(await self._ask(scope, receive, *asked), scope, began)
            else:
                kind = _kind(target.removeprefix(self._prefix))
                scope = {**scope, "path": scope["path"].removeprefix(self._prefix.decode())}
                await self._routes(scope, receive, began)
        except Exception as bad:  # noqa: BLE001 - the edge: whatever went wrong, the asker gets an answer
            _LOG.error("status_request_failed", error=type(bad).__name__)
            if not began.status:
                await send_answer(plain(500, "The server could not answer."), scope, began)
        self._tell(kind, scope["method"], began.status, began.size, target, host)

    async def _ask(self, scope: Scope, receive: Receive, post_quantum: bool, rest: bytes) -> HttpAnswer:
        method: str = scope["method"]
        headers = dict(scope["headers"])
        if method == "POST":
            if not is_request_type(headers.get(b"content-type", REQUEST_TYPE)):
                return plain(415, "Send Content-Type: application/ocsp-request.")
            body = await _body(receive)
            if body is None:
                return plain(413, f"The body is longer than {MAX_BODY} bytes.")
            return await self.desk.answer(body, post_quantum=post_quantum)
        if method not in ("GET", "HEAD"):
            return plain(405, "Only GET, HEAD and POST.", (b"allow", b"GET, HEAD, POST"))
        try:
            der = decode_get_path(rest.decode("latin-1"))
        except OcspRequestRefused as refused:
            self._meter.ocsp[refused.status.name.lower()] += 1
            return refusal(refused.status)
        return await self.desk.answer(der, post_quantum=post_quantum)

    def _tell(self, kind: str, method: str, status: int, size: int, target: bytes, host: str) -> None:
        self._meter.requests[kind, status] += 1
        self._access.note(method, f"/{kind}", status, size, whole=target, client=host)


class _Sending:
    """A send that remembers what went out."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = self.size = 0

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        """One ASGI message."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message["type"] == "http.response.body":
            self.size += len(message.get("body", b""))
        await self._send(message)


async def send_answer(answer: HttpAnswer, scope: Scope, send: Send) -> None:
    """An answer by ASGI; 304 where the asker holds it already."""
    given = answer.to(scope["method"], dict(scope["headers"]))
    await send({"type": "http.response.start", "status": given.status, "headers": list(given.headers)})
    await send({"type": "http.response.body", "body": given.body + given.tail})


async def _body(receive: Receive) -> bytes | None:
    """The request's body; None where it is too long or its sender went."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _kind(path: bytes) -> str:
    """What a path asks for, without saying which."""
    head = path[1:].partition(b"/")[0].partition(b"?")[0]
    return _KINDS.get(head, "other")
