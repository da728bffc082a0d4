"""Appraisals and trust states as JSON objects and back: the form the store keeps and the CLI prints."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
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
    return {name: _plain(value) for name, value in asdict(appraisal).items()}


def state_to_dict(state: TrustState) -> dict[str, object]:
    """JSON-ready, as `appraisal_to_dict`."""
    return {name: _plain(value) for name, value in asdict(state).items()}


def appraisal_from_dict(stored: Mapping[str, Any]) -> Appraisal:
    """The appraisal again; StoredTrustUnreadable where a field is missing or of another kind."""
    return _read("appraisal", _appraisal, stored)


def state_from_dict(stored: Mapping[str, Any]) -> TrustState:
    """The state again; StoredTrustUnreadable as above. An absent field is never guessed."""
    return _read("state", _state, stored)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Tier | Severity) else value


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
