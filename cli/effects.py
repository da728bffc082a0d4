"""After a decision: wakes the running process and says plainly what reached the wire, and what did not."""

from __future__ import annotations

from cli.output import note
from registry.revocation import CUT
from service.authorities import read_register
from service.control import wake
from service.runtime import Runtime


def tell_effects(runtime: Runtime, *, cut: str | None = None) -> dict[str, object] | None:
    """The list's number and the time of the cut of device `cut`; None where no process runs."""
    if wake(runtime.home) is None:
        note(
            "Recorded. No process runs here: the list is published when `medtrust up` runs, "
            "or now with `medtrust crl publish`."
        )
        return None
    # The store is asked, not the process' answer: it may have acted by itself before our word came.
    with runtime.store.read() as uow:
        published = uow.lists.latest(read_register(runtime.home).default)
        effects = uow.operations.effects_of(cut) if cut else []
        waiting = len(uow.operations.owed())
    took_ms = max(
        ((e.created_at, e.took_ms) for e in effects if e.kind == CUT and e.done_at is not None),
        default=(None, None),
    )[1]
    number = published.crl_number if published else None
    note(f"Recorded; list {number} is published.")
    if cut is not None and took_ms is None:
        note("The live session could not be reached yet; the process keeps trying: medtrust status.")
    elif cut is not None:
        note(f"Any live session of it was cut, {took_ms:.0f} ms after the decision.")
    return {"crl_number": number, "cut_ms": took_ms, "still_owed": waiting}
