"""What a device means to the patient at the end of the wire."""

from __future__ import annotations

from enum import StrEnum


class Criticality(StrEnum):
    """Ours, explained by rules over FDA's facts; not FDA's flag. UNKNOWN counts as life-sustaining."""

    LIFE_SUSTAINING = "life_sustaining"
    THERAPY = "therapy"
    MONITORING = "monitoring"
    DIAGNOSTIC = "diagnostic"
    NON_CLINICAL = "non_clinical"
    UNKNOWN = "unknown"

    @property
    def never_cut(self) -> bool:
        """Rule 7: no automatic path revokes, holds or disconnects such a device."""
        return self in (Criticality.LIFE_SUSTAINING, Criticality.THERAPY, Criticality.UNKNOWN)
