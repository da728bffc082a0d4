"""An appraisal in words: plain data for whoever prints it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from registry.model.appraisal import Appraisal, Judgement, TrustState
from registry.model.criticality import Criticality
from registry.trust.actions import PlannedAction

_WORDS = {True: "pass", False: "FAIL", None: "not judged"}


@dataclass(frozen=True, slots=True)
class Section:
    """A title with its lines, already in order."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """The headline first, then why, what would raise it, and what was done."""

    headline: str
    sections: tuple[Section, ...]


def explain(
    appraisal: Appraisal, state: TrustState, criticality: Criticality, actions: Iterable[PlannedAction]
) -> Explanation:
    """Every judgement with value, expected, weight and evidence; nothing is left for the reader to guess."""
    since = "" if state.since is None else f" since {state.since.isoformat(timespec='seconds')}"
    return Explanation(
        headline=f"{appraisal.tier}{since} (criticality {criticality}, policy {appraisal.policy_version})",
        sections=(
            Section("Judgements", tuple(_judgement(judgement) for judgement in appraisal.vector)),
            Section("Findings", tuple(f"{f.severity}: {f.rule}: {f.message}" for f in appraisal.findings)),
            Section("Memory", _memory(appraisal, state)),
            Section("What would raise it", appraisal.would_raise or ("Nothing: it is trusted.",)),
            Section("What follows", tuple(_action(action) for action in actions) or ("Nothing.",)),
        ),
    )


def _judgement(judgement: Judgement) -> str:
    return (
        f"{_WORDS[judgement.passed]}: {judgement.claim}: {judgement.message} "
        f"Value {judgement.value}; expected {judgement.expected}; "
        f"weight {judgement.weight:.2f}; evidence {judgement.evidence_id[:16]}"
    )


def _memory(appraisal: Appraisal, state: TrustState) -> tuple[str, ...]:
    heard = "never" if state.last_evidence_at is None else state.last_evidence_at.isoformat()
    waiting = ", ".join(state.hard_rules) or "none"
    return (
        f"Last evidence: {heard}",
        f"In a row: {state.clean_streak} clean, {state.bad_streak} bad",
        f"Hard criteria that wait: {waiting}",
        f"Must be judged again before: {appraisal.valid_until.isoformat()}",
    )


def _action(action: PlannedAction) -> str:
    people = f"needs {action.needs} {'person' if action.needs == 1 else 'people'}"
    clinical = ", one of them clinical" if action.clinical_sign_off else ""
    who = "automatic" if action.automatic else people + clinical
    return f"{action.kind} ({who}): {action.reason} [{action.rule}]"
