"""A person's word ends what a judgement began: no automatic path may act again on what she forgave."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from registry.model.appraisal import Tier
from registry.model.appraisal_json import state_from_dict, state_to_dict
from registry.store.unit_of_work import UnitOfWork
from registry.trust.hysteresis import release


def forgive_within(device_id: str, now: datetime, uow: UnitOfWork) -> None:
    """Lifts what only a person may lift, inside her transaction; trust must be earned again.

    From QUARANTINED to RESTRICTED, for the next sweep would repeat what follows from QUARANTINED.
    """
    record = uow.trust.get(device_id)
    if record is None:
        return
    state = release(state_from_dict(record.state))
    if state.tier is Tier.QUARANTINED:
        state = replace(state, tier=Tier.RESTRICTED, since=now)
    uow.trust.put(replace(record, tier=state.tier.value, state=state_to_dict(state)))
