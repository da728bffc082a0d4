"""The scheduled checks: each is an idempotent query that calls one use case and says how it ended."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Final

from audit.keys import Signer
from registry import audit_trail, reappraisal, upkeep
from registry.model.actor import job as job_actor
from registry.ports import BACKWARD_JUMP, Ports
from registry.store.lists import WHOLE
from service import outside
from service.effects import Effects
from service.home import Home
from service.scheduler import Job, Outcome

_DAY: Final = timedelta(days=1)


def all_jobs(
    *,
    home: Home,
    ports: Ports,
    effects: Effects,
    signers: tuple[Signer, ...],
    origin: str,
    cas: tuple[str, ...],
    renew_signers: Callable[[], tuple[Outcome, str]] | None = None,
) -> tuple[Job, ...]:
    """In the order in which they must run after a start: what consumers need first comes first."""

    def resign() -> tuple[Outcome, str]:
        return _resign(cas, ports, effects)

    def reconcile() -> tuple[Outcome, str]:
        count = upkeep.reconcile_intentions(job_actor("reconcile"), ports=ports)
        return Outcome.DONE, f"{count} intentions abandoned"

    def void() -> tuple[Outcome, str]:
        count = upkeep.void_unconfirmed(job_actor("void"), ports=ports)
        return Outcome.DONE, f"{count} unconfirmed certificates void"

    def expire() -> tuple[Outcome, str]:
        return Outcome.DONE, f"{upkeep.expire(job_actor('expire'), ports=ports)} certificates expired"

    def sweep() -> tuple[Outcome, str]:
        return Outcome.DONE, f"{reappraisal.sweep(job_actor('sweep'), ports=ports)} devices changed tier"

    def checkpoint() -> tuple[Outcome, str]:
        size = audit_trail.sign(signers, origin, ports=ports)
        outside.keep_checkpoint(home, ports)
        return Outcome.DONE, f"log of {size} entries signed"

    def clock() -> tuple[Outcome, str]:
        return _watch_clock(ports)

    def prune() -> tuple[Outcome, str]:
        with ports.store.write() as uow:
            count = uow.enrollments.prune(ports.clock() - _DAY)
        return Outcome.DONE, f"{count} old challenges forgotten"

    jobs = (
        Job("clock", 60, clock),
        Job("crl", 60, resign),
        Job("reconcile", 60, reconcile),
        Job("void", 60, void),
        Job("expire", 60, expire),
        Job("sweep", 60, sweep),
        Job("checkpoint", 60, checkpoint),
        Job("prune", 3600, prune),
    )
    return jobs if renew_signers is None else (*jobs, Job("own-signers", 3600, renew_signers))


def _resign(cas: tuple[str, ...], ports: Ports, effects: Effects) -> tuple[Outcome, str]:
    signed = effects.publish_due()
    told = [f"{s.issuer}: list {s.crl_number} signed" for s in signed if s.scope == WHOLE]
    others = len(signed) - len(told)
    with ports.store.read() as uow:
        newest = {name: uow.lists.head(name) for name in cas}
    told += [
        f"{name}: list {head.crl_number} holds until {head.next_update:%Y-%m-%d %H:%M}Z"
        for name, head in newest.items()
        if head is not None and not any(s.issuer == name and s.scope == WHOLE for s in signed)
    ]
    if others:
        told.append(f"{others} parts and deltas signed")
    return Outcome.DONE, "; ".join(told)


def _watch_clock(ports: Ports) -> tuple[Outcome, str]:
    now = ports.clock()
    with ports.store.write() as uow:
        seen = uow.operations.clock_seen()
        uow.operations.mark_clock(now)
    if seen is not None and now < seen - BACKWARD_JUMP:
        return Outcome.FAILED, f"the clock went back: {seen:%Y-%m-%d %H:%M}Z was seen before"
    return Outcome.DONE, "the clock runs forward"
