"""Which answer belongs to which request of the status server, and which of them stay in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from registry.list_scopes import is_scope
from registry.store.lists import WHOLE
from service import logs
from service.authority import Authority
from service.runtime import Runtime
from service.status.answers import HttpAnswer, HttpRequest, plain
from service.status.desk import OcspDesk
from service.status.documents import Documents, certificates

OCSP_REQUEST_TYPE: Final = b"application/ocsp-request"
LIST_KEPT: Final = timedelta(seconds=10)
"""A list stays in memory this long, and never beyond the next one's commit: its max-age must sink."""
_READING: Final = (b"GET", b"HEAD")
_NO_LIST: Final = plain(404, "No list was published yet.")
_LOG = logs.get("status")


class StatusRoutes:
    """Which answer belongs to which request."""

    def __init__(self, authority: Authority, runtime: Runtime, executor: Executor) -> None:
        self.ocsp: Final = OcspDesk(authority, runtime.ports, executor)
        self._executor = executor
        self._fixed = certificates(authority, runtime.home)
        entries = authority.register.entries
        self._issuers = frozenset(entry.name for entry in entries)
        self._clock = runtime.ports.clock
        self._documents = documents = Documents(authority, runtime.home, runtime.ports)
        self._read: dict[bytes, Callable[[], HttpAnswer]] = {
            b"/trust-bundle.json": documents.bundle,
            b"/healthz": documents.health,
        }
        self._lists: dict[tuple[str, str], tuple[datetime, int, HttpAnswer]] = {}
        self._prefix = urlsplit(runtime.settings.status_url).path.encode()

    def answer(self, request: HttpRequest) -> HttpAnswer | Awaitable[HttpAnswer]:
        """At once from memory, or later; never an exception."""
        try:
            outcome = self._route(request)
        except Exception as bad:  # noqa: BLE001 - the edge: whatever went wrong, the asker gets an answer
            return _internal_error(bad)
        return outcome if isinstance(outcome, HttpAnswer) else _guarded(outcome)

    def _route(self, request: HttpRequest) -> HttpAnswer | Awaitable[HttpAnswer]:
        path = self._path(request.target)
        head, _, rest = path[1:].partition(b"/")
        if head in (b"ocsp", b"ocsp-pq"):
            return self._ask(request, rest, post_quantum=head == b"ocsp-pq")
        path = path.partition(b"?")[0]
        wanted = self._wanted_list(path) if head == b"crl" else None
        if path not in self._fixed and path not in self._read and wanted is None:
            return plain(404, "There is nothing here. Status is at /ocsp and /crl/issuing.crl.")
        if request.method not in _READING:
            return plain(405, "Only GET and HEAD.", b"allow: GET, HEAD\r\n")
        if path in self._fixed:
            return self._fixed[path]
        return self._in_executor(self._read[path]) if wanted is None else self._list(wanted)

    def _wanted_list(self, path: bytes) -> tuple[str, str] | None:
        """(issuer, scope) of `/crl/ISSUER.crl` or `/crl/ISSUER/SCOPE.crl`; None where none can be."""
        issuer, slash, scope = path[len(b"/crl/") : -len(b".crl")].decode("latin-1").partition("/")
        if not path.endswith(b".crl") or issuer not in self._issuers:
            return None
        if not slash:
            return issuer, WHOLE
        return (issuer, scope) if scope != WHOLE and is_scope(scope) else None

    def _in_executor(self, work: Callable[[], HttpAnswer]) -> Awaitable[HttpAnswer]:
        return asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def _list(self, wanted: tuple[str, str]) -> HttpAnswer:
        now = self._clock()
        if not self.ocsp.watch.is_fresh(now):
            await self.ocsp.watch.look()
        made_at, published, answer = self._lists.get(wanted, (now - LIST_KEPT, -1, _NO_LIST))
        if published == self.ocsp.lists_published and now - made_at < LIST_KEPT:
            return answer
        # Counted before the read: a list published in between is read again, never missed.
        published = self.ocsp.lists_published
        answer = await self._in_executor(lambda: self._documents.revocation_list(*wanted))
        if answer.status == 200:
            self._lists[wanted] = (now, published, answer)
        return answer

    def _path(self, target: bytes) -> bytes:
        """The target without what a proxy puts in front: the absolute form, and status.url's own path."""
        if not target.startswith(b"/"):
            _, _, after = target.partition(b"://")
            target = b"/" + after.partition(b"/")[2]
        if self._prefix and target.startswith(self._prefix + b"/"):
            target = target[len(self._prefix) :]
        return target

    def _ask(
        self, request: HttpRequest, rest: bytes, *, post_quantum: bool
    ) -> HttpAnswer | Awaitable[HttpAnswer]:
        if request.method == b"POST":
            kind = request.headers.get(b"content-type", OCSP_REQUEST_TYPE)
            if kind.partition(b";")[0].strip().lower() != OCSP_REQUEST_TYPE:
                return plain(415, "Send Content-Type: application/ocsp-request.")
            return self.ocsp.answer(request.body, post_quantum=post_quantum)
        if request.method not in _READING:
            return plain(405, "Only GET, HEAD and POST.", b"allow: GET, HEAD, POST\r\n")
        return self.ocsp.answer(rest.decode("latin-1"), post_quantum=post_quantum)


async def _guarded(outcome: Awaitable[HttpAnswer]) -> HttpAnswer:
    try:
        return await outcome
    except Exception as bad:  # noqa: BLE001 - the edge: whatever went wrong, the asker gets an answer
        return _internal_error(bad)


def _internal_error(bad: Exception) -> HttpAnswer:
    _LOG.error("status_request_failed", error=type(bad).__name__)
    return plain(500, "The server could not answer.")
