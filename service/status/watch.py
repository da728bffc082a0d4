"""Notices commits that change a status, ours and other processes', before the next answer is given.

Nobody has to tell us: a request that comes more than POLL_EVERY after the last look waits for a new look at
the audit log, whose leaf stands in the same commit as the change. Without requests nothing runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Final

from registry.model.errors import RegistryError
from registry.ports import BACKWARD_JUMP, Ports
from registry.status import Changes, changes_since, log_size
from service import logs

POLL_EVERY: Final = timedelta(milliseconds=100)
GRACE: Final = timedelta(milliseconds=400)
"""While a look is under way, what is known is given out until this old: under load looks take longer."""
PATIENCE: Final = 0.5
"""Seconds that a request waits for a store that does not answer, before it takes what is known."""
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_LOG = logs.get("status")


def _nothing() -> None:
    return None


def _no_matter(_log_size: int) -> None:
    return None


class StatusWatch:
    """All but `touch` belongs to the event loop's thread."""

    def __init__(
        self,
        ports: Ports,
        executor: Executor,
        changed: Callable[[Changes], None],
        *,
        since: int | None = None,
        before: Callable[[], None] = _nothing,
        after: Callable[[int], None] = _no_matter,
    ) -> None:
        """`since`: the log's size that is known. `before` runs before a look, `after` with what it saw."""
        self._ports, self._executor, self._changed = ports, executor, changed
        self._before, self._after = before, after
        self._looked_at: datetime | None = None
        self._clock_seen = self._fresh_until = _NEVER
        self._touches = self._began_with = 0
        self._looking: asyncio.Task[None] | None = None
        self.log_size = self._first_look() if since is None else since

    def _first_look(self) -> int:
        with self._ports.store.read() as uow:
            return log_size(uow)

    def touch(self) -> None:
        """A commit is known to have happened: the next request looks. From any thread."""
        self._touches += 1
        self._looked_at = None

    def is_fresh(self, now: datetime) -> bool:
        """Whether the last look is recent; a clock that jumps makes it stale, and so does a touch."""
        looked = self._looked_at
        if looked is None:
            return False
        if looked <= now < self._fresh_until:
            return not self.is_before(now)
        under_way = self._looking is not None and not self._looking.done()
        return under_way and abs(now - looked) < GRACE and not self.is_before(now)

    def is_before(self, now: datetime) -> bool:
        """Whether the clock is behind what the store has seen: nothing that is dated now can be right."""
        return now < self._clock_seen

    async def look(self) -> None:
        """Hear of every commit until now; one look at a time, shared by all who wait."""
        touches = self._touches
        await self._join()
        if self._began_with < touches:  # that look may have missed what the touch was about
            await self._join()

    async def _join(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())
        await asyncio.wait({self._looking}, timeout=PATIENCE)

    async def _look(self) -> None:
        self._began_with, now = self._touches, self._ports.clock()
        self._before()
        try:
            changes, seen = await asyncio.get_running_loop().run_in_executor(self._executor, self._ask)
        except RegistryError as gone:
            # Signed answers that have not lapsed stay true statements of their time: they are still served.
            _LOG.warning("status_store_unreachable", error=type(gone).__name__)
            return
        if changes.log_size != self.log_size:
            self.log_size = changes.log_size
            self._changed(changes)
        self._after(changes.log_size)
        self._clock_seen = _NEVER if seen is None else seen - BACKWARD_JUMP
        if self._began_with == self._touches:
            self._looked_at, self._fresh_until = now, now + POLL_EVERY

    def _ask(self) -> tuple[Changes, datetime | None]:
        with self._ports.store.read() as uow:
            return changes_since(self.log_size, uow), uow.operations.clock_seen()
