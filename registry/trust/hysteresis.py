"""How a tier moves: down at once, up one step at a time, and never up by silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Final

from registry.model.appraisal import Judgement, Tier, TrustState
from registry.trust.policy import Policy


class Sample(Enum):
    """What one look at a device was. CLEAN: everything needed for trust is there and nothing fails.

    NEITHER: a hard criterion fails or is not known, or a declared window excuses behaviour.
    """

    CLEAN = "clean"
    BAD = "bad"
    NEITHER = "neither"
    SWEEP = "sweep"


_BAD_TIERS: Final = frozenset({Tier.RESTRICTED, Tier.QUARANTINED})
_NEXT_UP: Final = {
    Tier.QUARANTINED: Tier.RESTRICTED,
    Tier.RESTRICTED: Tier.TRUSTED,
    Tier.UNKNOWN: Tier.TRUSTED,
    Tier.TRUSTED: Tier.TRUSTED,
}


def outstanding(before: tuple[str, ...], said: Iterable[Judgement], policy: Policy) -> tuple[str, ...]:
    """Hard criteria that wait, after fresh claims: failed join, passed leave unless release-only."""
    waiting = dict.fromkeys(before)
    for judgement in said:
        if judgement.claim not in policy.caps:
            continue
        if judgement.passed is False:
            waiting[judgement.claim] = None
        elif judgement.passed is True and judgement.claim not in policy.release_only:
            waiting.pop(judgement.claim, None)
    return tuple(waiting)


def cap(failed: Iterable[str], missing: bool, policy: Policy) -> Tier:
    """The best tier that failed hard criteria allow; `missing`: something needed for trust is not known.

    A criterion remembered from another policy version, which this one does not name, allows UNKNOWN.
    """
    best = Tier.UNKNOWN if missing else Tier.TRUSTED
    for claim in failed:
        best = best.capped(policy.caps.get(claim, Tier.UNKNOWN))
    return best


def move(
    state: TrustState, sample: Sample, policy: Policy, now: datetime, *, best: Tier, is_silent: bool
) -> TrustState:
    """The memory after one look, under the cap `best`."""
    bad, clean = _streaks(state, sample, is_silent=is_silent)
    down = state.tier.capped(best)
    if bad >= policy.n_down:
        down = down.capped(Tier.RESTRICTED)
    needed = policy.m_up if sample is Sample.BAD or best in _BAD_TIERS else state.clean_needed
    target = policy.m_first if needed is None else needed
    tier = down
    if sample is Sample.CLEAN and down is state.tier and clean >= target:
        if now >= may_rise_from(state, policy, now):
            tier = _NEXT_UP[down]
        if tier is not state.tier:
            clean = 0
        if tier is Tier.TRUSTED:
            needed = None
    since = state.since if tier is state.tier and state.since is not None else now
    return replace(state, tier=tier, since=since, bad_streak=bad, clean_streak=clean, clean_needed=needed)


def may_rise_from(state: TrustState, policy: Policy, now: datetime) -> datetime:
    """When the minimum dwell ends; `now` for a tier without one."""
    if state.tier not in _BAD_TIERS or state.since is None:
        return now
    return state.since + policy.min_dwell


def release(state: TrustState, rules: Iterable[str] | None = None) -> TrustState:
    """A person's release of these hard criteria (all where None). The tier stays: clean samples must earn it.

    After a clone the counters start anew, since the copy may have counted ahead of the device.
    """
    released = frozenset(state.hard_rules if rules is None else rules)
    eased = replace(
        state,
        hard_rules=tuple(rule for rule in state.hard_rules if rule not in released),
        standing=tuple(j for j in state.standing if j.claim not in released),
        clean_streak=0,
    )
    return replace(eased, last_boot=None, last_seq=None) if "evidence.counters_rise" in released else eased


def _streaks(state: TrustState, sample: Sample, *, is_silent: bool) -> tuple[int, int]:
    if sample is Sample.SWEEP:
        return state.bad_streak, 0 if is_silent else state.clean_streak
    if sample is Sample.CLEAN:
        return 0, state.clean_streak + 1
    return state.bad_streak + (sample is Sample.BAD), 0
