"""Is status usable, and will it stay so? Red before a list or a signer lapses: somebody can still act."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from registry.model.errors import RegistryError
from registry.ports import BACKWARD_JUMP, Ports
from registry.store.lists import DELTA, WHOLE, ListHead
from service.status.keys import StatusKeys
from service.status.metrics import Gauge

LIST_WARNED: Final = timedelta(days=7)
"""Lists of a year's life turn red this long before their end; shorter ones with a quarter of it left."""
SIGNER_WARNED: Final = timedelta(days=3)
"""Signers are made new at a third of their life: one that is this close to its end was forgotten."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was seen at one moment."""

    now: datetime
    signers: Mapping[tuple[str, str], datetime]
    """The end of each delegate, by CA and algorithm."""
    lists: Mapping[tuple[str, str], ListHead] | None
    """The newest list by CA and scope; None: the store does not answer."""
    expected: tuple[str, ...]
    """CAs that must have a list."""
    clock_behind: bool = False

    @property
    def problems(self) -> tuple[str, ...]:
        """Why clients get no usable status, or soon will not; empty where all is well."""
        return tuple(dict.fromkeys(self._problems()))

    def _problems(self) -> Iterator[str]:
        for end in self.signers.values():
            if end <= self.now:
                yield "responder_lapsed"
            elif end - self.now < SIGNER_WARNED:
                yield "responder_lapses_soon"
        if self.clock_behind:
            yield "clock_behind"
        if self.lists is None:
            yield "store_unreachable"
            return
        if not all((name, WHOLE) in self.lists for name in self.expected):
            yield "crl_missing"
        for (_, scope), head in self.lists.items():
            left, life = head.next_update - self.now, head.next_update - head.this_update
            if scope == DELTA:  # one that lapsed only sends its readers to the whole list
                continue
            if left <= timedelta(0):
                yield "crl_lapsed"
            elif left < min(life / 4, LIST_WARNED):
                yield "crl_lapses_soon"

    def document(self) -> dict[str, object]:
        """For /healthz."""
        problems = self.problems
        found: dict[str, object] = {"status": "failing" if problems else "ok", "problems": list(problems)}
        head = (self.lists or {}).get((self.expected[0], WHOLE)) if self.expected else None
        if head is not None:
            found["crl_number"] = head.crl_number
            found["crl_age_seconds"] = max(0, int((self.now - head.this_update).total_seconds()))
            found["crl_seconds_left"] = int((head.next_update - self.now).total_seconds())
        return found

    def gauges(self) -> Iterator[Gauge]:
        """For /metrics."""
        yield Gauge("medtrust_status_healthy", "1 where /healthz answers 200", {(): float(not self.problems)})
        days = {key: (end - self.now) / timedelta(days=1) for key, end in self.signers.items()}
        yield Gauge(
            "medtrust_ocsp_signer_days_left", "Days until the OCSP signer lapses", days, ("ca", "algorithm")
        )
        lists = (self.lists or {}).items()
        left = {key: (head.next_update - self.now).total_seconds() for key, head in lists}
        yield Gauge("medtrust_crl_seconds_left", "Seconds until the newest list lapses", left, ("ca", "list"))
        number = {key: float(head.crl_number) for key, head in lists}
        yield Gauge("medtrust_crl_number", "Number of the newest list", number, ("ca", "list"))


class Health:
    """Looks at signers, lists and the clock. Reads the store: it runs in the executor."""

    def __init__(self, keys: StatusKeys, ports: Ports) -> None:
        self._ports = ports
        self._signers = {
            (ca.entry.name, str(signing.key.classical.algorithm)): signing.certificate.not_after
            for ca in keys.cas
            for signing in (ca.ocsp_ecdsa, ca.ocsp_ml_dsa)
        }
        self._answering = tuple(ca.entry.name for ca in keys.cas)
        # A root's list is signed where its key is brought to; without it no path can be checked either.
        above = [e.name for name in self._answering for e in keys.register.above(name)[1:]]
        self._above = tuple(dict.fromkeys(above))

    def facts(self) -> Facts:
        """What is so now."""
        now = self._ports.clock()
        try:
            with self._ports.store.read() as uow:
                lists = {
                    (name, scope): head
                    for name in dict.fromkeys((*self._answering, *self._above))
                    for scope, head in uow.lists.heads(name).items()
                }
                seen = uow.operations.clock_seen()
        except RegistryError:
            return Facts(now, self._signers, None, self._answering)
        behind = seen is not None and now < seen - BACKWARD_JUMP
        return Facts(now, self._signers, lists, self._answering, behind)
