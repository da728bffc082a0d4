"""What the status service hands out besides OCSP, by path: routes to documents."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Executor
from datetime import datetime, timedelta
from typing import Final

from starlette.routing import Route, Router

from registry.list_scopes import is_scope
from registry.store.lists import WHOLE
from service.status.answers import HttpAnswer, plain
from service.status.app import Receive, Scope, Send, send_answer
from service.status.desk import OcspDesk
from service.status.documents import Documents

LIST_KEPT: Final = timedelta(seconds=10)
"""A list stays in memory this long, and never beyond the next one's commit: its max-age must sink."""
_NOTHING: Final = plain(404, "There is nothing here. Status is at /ocsp and /crl/issuing.crl.")
_NO_LIST: Final = plain(404, "No list was published yet.")
_ONLY_READ: Final = plain(405, "Only GET and HEAD.", (b"allow", b"GET, HEAD"))


class StatusRoutes:
    """Which document belongs to which path. Belongs to the event loop's thread."""

    def __init__(
        self,
        desk: OcspDesk,
        documents: Documents,
        executor: Executor,
        clock: Callable[[], datetime],
        page: Callable[[], HttpAnswer],
    ) -> None:
        """`page`: the metrics; it reads the store and so runs in the executor."""
        self._desk, self._documents, self._executor, self._clock = desk, documents, executor, clock
        self._fixed = documents.certificates()
        self._lists: dict[tuple[str, str], tuple[datetime, int, HttpAnswer]] = {}

        def reading(work: Callable[[], HttpAnswer]) -> Callable[[Scope], Awaitable[HttpAnswer]]:
            return lambda _scope: self._in_executor(work)

        self.router: Final = Router(
            routes=[
                Route("/crl/{issuer}.crl", _Document(self._list)),
                Route("/crl/{issuer}/{scope}.crl", _Document(self._list)),
                Route("/ca/{name}", _Document(self._certificate)),
                Route("/trust-bundle.json", _Document(reading(documents.bundle))),
                Route("/healthz", _Document(reading(documents.health))),
                Route("/metrics", _Document(reading(page))),
            ],
            redirect_slashes=False,
            default=_nothing,
        )

    async def _certificate(self, scope: Scope) -> HttpAnswer:
        return self._fixed.get(scope["path_params"]["name"], _NOTHING)

    async def _list(self, scope: Scope) -> HttpAnswer:
        given = scope["path_params"]
        issuer, part = given["issuer"], given.get("scope", WHOLE)
        if issuer not in self._documents.issuers or (
            "scope" in given and (part == WHOLE or not is_scope(part))
        ):
            return _NOTHING
        if not self._desk.watch.is_fresh(self._clock()):
            await self._desk.watch.look()
        now, wanted = self._clock(), (issuer, part)
        made_at, published, answer = self._lists.get(wanted, (now - LIST_KEPT, -1, _NO_LIST))
        if published == self._desk.lists_published and now - made_at < LIST_KEPT:
            return answer
        # Counted before the read: a list published in between is read again, never missed.
        published = self._desk.lists_published
        answer = await self._in_executor(lambda: self._documents.revocation_list(issuer, part))
        if answer.status == 200:
            self._lists[wanted] = (now, published, answer)
        return answer

    def _in_executor(self, work: Callable[[], HttpAnswer]) -> Awaitable[HttpAnswer]:
        return asyncio.get_running_loop().run_in_executor(self._executor, work)


class _Document:
    """An ASGI endpoint that is only read."""

    def __init__(self, read: Callable[[Scope], Awaitable[HttpAnswer]]) -> None:
        self._read = read

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        """One request."""
        readable = scope["method"] in ("GET", "HEAD")
        await send_answer(await self._read(scope) if readable else _ONLY_READ, scope, send)


async def _nothing(scope: Scope, _receive: Receive, send: Send) -> None:
    """Nowhere, whatever the method."""
    await send_answer(_NOTHING, scope, send)
