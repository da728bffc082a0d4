"""Sequences that a tier must survive: no road leads from fail over silence to pass."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.model.appraisal import Tier, TrustState
from registry.trust.appraisal import appraise
from registry.trust.policy import DEFAULT_POLICY as POLICY
from tests.unit.trust.telemetry_samples import ALTERED, NOW, evidence, sweep

CHANGES: dict[str, dict[str, object]] = {
    "clean": {},
    "plaintext": {"listen_tcp": [23]},
    "debug": {"dbg": True},
    "tamper": {"tamper": True},
    "altered": {"fw": {"name": "pump-fw", "ver": "4.2", "sha256": ALTERED}},
    "hidden": {"fw": None, "dbg": None, "tamper": None},
    "rebooted_back": {"boot": 0},
}
STEP = st.tuples(st.sampled_from([*CHANGES, "silence"]), st.sampled_from([1, 30, 600, 3600, 86_400]))


def walked(steps: list[tuple[str, int]]) -> list[tuple[str, TrustState]]:
    """Each step's kind with the memory after it; seconds pass before each."""
    state, at, trail = TrustState(last_boot=3, last_seq=0), NOW, []
    for seq, (kind, seconds) in enumerate(steps, start=1):
        at += timedelta(seconds=seconds)
        said = sweep(at) if kind == "silence" else evidence(seq, at, not_after=None, also=CHANGES[kind])
        _, state = appraise(said, state, POLICY, at)
        trail.append((kind, state))
    return trail


@given(steps=st.lists(STEP, max_size=40))
@settings(max_examples=80, deadline=None)
def test_only_a_clean_sample_ever_raises_a_tier(steps: list[tuple[str, int]]) -> None:
    before = Tier.UNKNOWN
    for kind, state in walked(steps):
        assert state.tier.rank <= before.rank or kind == "clean"
        before = state.tier


@given(
    failure=st.sampled_from(["debug", "tamper", "altered", "rebooted_back", "plaintext"]),
    silences=st.lists(st.sampled_from([60, 3600, 86_400, 864_000]), min_size=1, max_size=5),
    clean=st.integers(0, POLICY.m_up - 1),
)
@settings(max_examples=80, deadline=None)
def test_fail_then_silence_then_pass_is_not_a_way_back(failure: str, silences: list[int], clean: int) -> None:
    came_to_trust = [("clean", 1)] * POLICY.m_first
    failed = [(failure, 1)] * POLICY.n_down
    trail = walked([*came_to_trust, *failed, *(("silence", s) for s in silences), *([("clean", 60)] * clean)])
    assert trail[POLICY.m_first - 1][1].tier is Tier.TRUSTED
    assert Tier.TRUSTED not in {state.tier for _, state in trail[POLICY.m_first + POLICY.n_down - 1 :]}


def test_one_bad_sample_then_silence_costs_the_full_number_of_clean_ones() -> None:
    start = [("clean", 1)] * POLICY.m_first
    trail = walked([*start, ("plaintext", 1), ("silence", 3600), *([("clean", 60)] * POLICY.m_up)])
    tiers = [state.tier for _, state in trail[POLICY.m_first :]]
    assert tiers == [Tier.TRUSTED, *[Tier.UNKNOWN] * POLICY.m_up, Tier.TRUSTED]


def test_silence_never_hides_a_bad_tier() -> None:
    trail = walked([("altered", 1), ("silence", 86_400), ("silence", 864_000)])
    assert [state.tier for _, state in trail] == [Tier.QUARANTINED] * 3


@given(ages=st.lists(st.floats(0, 1e7), min_size=2, max_size=20))
@settings(deadline=None)
def test_freshness_falls_with_age_and_stays_in_its_range(ages: list[float]) -> None:
    weights = [POLICY.freshness("telemetry", NOW, NOW + timedelta(seconds=age)) for age in sorted(ages)]
    assert weights == sorted(weights, reverse=True)
    assert all(0.0 <= weight <= 1.0 for weight in weights)


@pytest.mark.parametrize("kind", ["telemetry", "attestation", "sbom"])
def test_evidence_is_silent_exactly_when_it_sinks_to_the_floor(kind: str) -> None:
    end = NOW + POLICY.silent_after(kind)
    assert POLICY.freshness(kind, NOW, end) == pytest.approx(POLICY.freshness_floor)
    assert POLICY.freshness(kind, NOW, NOW - timedelta(hours=1)) == 1.0
