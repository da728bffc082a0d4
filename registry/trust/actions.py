"""What follows from a tier: tier x criticality as a table, and who may decide it.

Rule 7 is in the data: for life-sustaining, therapy and unknown devices nothing here that cuts is automatic.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from registry.model.appraisal import Appraisal, Tier
from registry.model.criticality import Criticality
from registry.model.finding import Finding


class ActionKind(StrEnum):
    """What can be done. RESTRICT narrows the network and may cost function; CONTAIN watches and narrows
    command topics only; HOLD and DISCONNECT cut the device off."""

    ALERT = "alert"
    RAISE_TELEMETRY_RATE = "raise_telemetry_rate"
    DEMAND_EVIDENCE = "demand_evidence"
    NARROW_COMMANDS = "narrow_commands"
    REFUSE_EXTENSION = "refuse_extension"
    CONTAIN = "contain"
    RESTRICT = "restrict"
    HOLD = "hold"
    DISCONNECT = "disconnect"
    LIFT = "lift"
    """Undo what was contained, narrowed or restricted automatically. A hold needs a person's release."""

    @property
    def cuts(self) -> bool:
        """Whether a patient could lose the device by it."""
        return self in (ActionKind.RESTRICT, ActionKind.HOLD, ActionKind.DISCONNECT)


@dataclass(frozen=True, slots=True)
class PlannedAction:
    """One action with who must agree: automatic, or `needs` people, one clinical where it says so."""

    kind: ActionKind
    automatic: bool
    needs: int
    clinical_sign_off: bool
    reason: str
    rule: str
    """The finding that it rests on."""


@dataclass(frozen=True, slots=True)
class Line:
    """One cell's entry: an action and who decides."""

    kind: ActionKind
    needs: int = 0
    clinical_sign_off: bool = False


_K = ActionKind
_WATCH: Final = (Line(_K.RAISE_TELEMETRY_RATE), Line(_K.DEMAND_EVIDENCE))
_CUT: Final = (_K.HOLD, _K.DISCONNECT)
_NEVER_CUT: Final = {
    Tier.UNKNOWN: _WATCH,
    Tier.RESTRICTED: (*_WATCH, Line(_K.NARROW_COMMANDS)),
    Tier.QUARANTINED: (
        *_WATCH,
        Line(_K.CONTAIN),
        *(Line(kind, needs=2, clinical_sign_off=True) for kind in _CUT),
    ),
}
_WATCHES_PATIENTS: Final = {
    Tier.UNKNOWN: _WATCH,
    Tier.RESTRICTED: (*_WATCH, Line(_K.NARROW_COMMANDS), Line(_K.REFUSE_EXTENSION)),
    Tier.QUARANTINED: (
        *_WATCH,
        Line(_K.RESTRICT),
        Line(_K.REFUSE_EXTENSION),
        *(Line(kind, needs=1) for kind in _CUT),
    ),
}
_NON_CLINICAL: Final = {
    Tier.UNKNOWN: _WATCH,
    Tier.RESTRICTED: (*_WATCH, Line(_K.NARROW_COMMANDS), Line(_K.RESTRICT), Line(_K.REFUSE_EXTENSION)),
    Tier.QUARANTINED: (*_WATCH, Line(_K.REFUSE_EXTENSION), *(Line(kind) for kind in _CUT)),
}
ACTION_TABLE: Final[dict[Criticality, dict[Tier, tuple[Line, ...]]]] = {
    Criticality.LIFE_SUSTAINING: _NEVER_CUT,
    Criticality.THERAPY: _NEVER_CUT,
    Criticality.UNKNOWN: _NEVER_CUT,
    Criticality.MONITORING: _WATCHES_PATIENTS,
    Criticality.DIAGNOSTIC: _WATCHES_PATIENTS,
    Criticality.NON_CLINICAL: _NON_CLINICAL,
}
"""TRUSTED has no entry. REFUSE_EXTENSION is missing for devices that are never cut: a certificate that is
let lapse would cut them too, only later."""


def plan(appraisal: Appraisal, previous_tier: Tier, criticality: Criticality) -> tuple[PlannedAction, ...]:
    """What to do now. ALERT comes with a fall, LIFT with a rise; the rest is idempotent and repeats."""
    tier = appraisal.tier
    cause = _cause(appraisal)
    rule = cause.rule if cause else "appraisal.tier"
    because = f": {cause.message}" if cause else "."
    reason = f"{tier} and {criticality}{because}"
    lines = list(ACTION_TABLE[criticality].get(tier, ()))
    if tier.rank > previous_tier.rank and previous_tier in (Tier.RESTRICTED, Tier.QUARANTINED):
        lines.insert(0, Line(ActionKind.LIFT))
    if tier.rank < previous_tier.rank:
        lines.insert(0, Line(ActionKind.ALERT))
    return tuple(
        PlannedAction(line.kind, line.needs == 0, line.needs, line.clinical_sign_off, reason, rule)
        for line in lines
    )


def within_fleet_limit(acted_last_hour: int, fleet_size: int) -> bool:
    """Whether one more automatic cut stays within 1 % of the fleet an hour (at least one device)."""
    return acted_last_hour < max(1, fleet_size // 100)


def _cause(appraisal: Appraisal) -> Finding | None:
    """The finding that weighs most: what refuses first, else the first that is told."""
    refusing = (finding for finding in appraisal.findings if finding.refuses)
    return next(refusing, next(iter(appraisal.findings), None))
