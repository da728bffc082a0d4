"""Appraisals and trust states as JSON objects and back: the form the store keeps and the CLI prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from registry.model.appraisal import Appraisal, Judgement, Tier, TrustState
from registry.model.errors import RegistryError
from registry.model.finding import Finding, Severity

T = TypeVar("T")


class StoredTrustUnreadable(RegistryError):
    """What the store holds of a device's trust is not what we wrote."""


def appraisal_to_dict(appraisal: Appraisal) -> dict[str, object]:
    """JSON-ready: datetimes RFC 3339, enumerations by their value, tuples as lists."""
    return {
        "tier": appraisal.tier.value,
        "vector": [_judgement_to_dict(judgement) for judgement in appraisal.vector],
        "findings": [
            {"rule": f.rule, "severity": f.severity.value, "message": f.message, "subject": f.subject}
            for f in appraisal.findings
        ],
        "evidence_ids": list(appraisal.evidence_ids),
        "policy_version": appraisal.policy_version,
        "appraised_at": appraisal.appraised_at.isoformat(),
        "valid_until": appraisal.valid_until.isoformat(),
        "would_raise": list(appraisal.would_raise),
    }


def state_to_dict(state: TrustState) -> dict[str, object]:
    """JSON-ready, as `appraisal_to_dict`."""
    return {
        "tier": state.tier.value,
        "since": None if state.since is None else state.since.isoformat(),
        "bad_streak": state.bad_streak,
        "clean_streak": state.clean_streak,
        "clean_needed": state.clean_needed,
        "hard_rules": list(state.hard_rules),
        "last_boot": state.last_boot,
        "last_seq": state.last_seq,
        "last_evidence_at": None if state.last_evidence_at is None else state.last_evidence_at.isoformat(),
        "recent": list(state.recent),
        "standing": [_judgement_to_dict(judgement) for judgement in state.standing],
    }


def appraisal_from_dict(stored: Mapping[str, Any]) -> Appraisal:
    """The appraisal again; StoredTrustUnreadable where a field is missing or of another kind."""
    return _read("appraisal", _appraisal, stored)


def state_from_dict(stored: Mapping[str, Any]) -> TrustState:
    """The state again; StoredTrustUnreadable as above. An absent field is never guessed."""
    return _read("state", _state, stored)


def _judgement_to_dict(judgement: Judgement) -> dict[str, object]:
    # Field by field, not asdict: this runs for every message that is kept, and asdict copies deeply.
    return {
        "claim": judgement.claim,
        "passed": judgement.passed,
        "weight": judgement.weight,
        "value": judgement.value,
        "expected": judgement.expected,
        "message": judgement.message,
        "evidence_id": judgement.evidence_id,
    }


def _read(field: str, build: Callable[[Mapping[str, Any]], T], stored: Mapping[str, Any]) -> T:
    try:
        return build(stored)
    except (KeyError, ValueError, TypeError, AttributeError) as reason:
        raise StoredTrustUnreadable(
            f"The stored trust {field} cannot be read.",
            next_step="Restore the row from a backup or delete it: the device is then judged from nothing.",
            field=field,
        ) from reason


def _appraisal(stored: Mapping[str, Any]) -> Appraisal:
    return Appraisal(
        tier=Tier(stored["tier"]),
        vector=tuple(_judgement(item) for item in stored["vector"]),
        findings=tuple(_finding(item) for item in stored["findings"]),
        evidence_ids=_texts(stored["evidence_ids"]),
        policy_version=str(stored["policy_version"]),
        appraised_at=_aware(stored["appraised_at"]),
        valid_until=_aware(stored["valid_until"]),
        would_raise=_texts(stored["would_raise"]),
    )


def _state(stored: Mapping[str, Any]) -> TrustState:
    since, last = stored["since"], stored["last_evidence_at"]
    return TrustState(
        tier=Tier(stored["tier"]),
        since=None if since is None else _aware(since),
        bad_streak=int(stored["bad_streak"]),
        clean_streak=int(stored["clean_streak"]),
        clean_needed=_number(stored["clean_needed"]),
        hard_rules=_texts(stored["hard_rules"]),
        last_boot=_number(stored["last_boot"]),
        last_seq=_number(stored["last_seq"]),
        last_evidence_at=None if last is None else _aware(last),
        recent=_texts(stored["recent"]),
        standing=tuple(_judgement(item) for item in stored["standing"]),
    )


def _judgement(stored: Mapping[str, Any]) -> Judgement:
    return Judgement(**{**stored, "weight": float(stored["weight"])})


def _finding(stored: Mapping[str, Any]) -> Finding:
    return Finding(**{**stored, "severity": Severity(stored["severity"])})


def _texts(stored: object) -> tuple[str, ...]:
    if not isinstance(stored, list) or not all(isinstance(item, str) for item in stored):
        raise TypeError("not a list of strings")
    return tuple(stored)


def _number(stored: object) -> int | None:
    if stored is not None and type(stored) is not int:
        raise TypeError("not an integer")
    return stored


def _aware(stored: str) -> datetime:
    moment = datetime.fromisoformat(stored)
    if moment.tzinfo is None:
        raise ValueError("not an aware time")
    return moment
