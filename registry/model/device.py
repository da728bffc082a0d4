"""A device as the registry knows it, and the table of its life (rule 5: an illegal move is a missing key)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType

from registry.model.criticality import Criticality
from registry.model.errors import BadInput, Conflict
from registry.model.product import Product

DeviceId = NewType("DeviceId", str)
"""Equals CN, MQTT client id and topic segment; opaque: neither UDI nor serial number."""

_DEVICE_ID: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")


def device_id(text: str) -> DeviceId:
    """A checked DeviceId; BadInput says the allowed form."""
    if not _DEVICE_ID.fullmatch(text):
        raise BadInput(
            f"The device id {text[:80]!r} is not 8 to 64 letters, digits, '_' or '-'.",
            next_step="List the known ones: medtrust device list.",
            field="device_id",
        )
    return DeviceId(text)


class DeviceState(StrEnum):
    """Where a device is in its life."""

    REGISTERED = "registered"
    APPROVED = "approved"
    ENROLLING = "enrolling"
    ACTIVE = "active"
    CONTAINED = "contained"
    HELD = "held"
    REVOKED = "revoked"
    RETIRED = "retired"


class DeviceEvent(StrEnum):
    """What can happen to it."""

    APPROVE = "approve"
    ISSUE = "issue"
    CONFIRM = "confirm"
    VOID = "void"
    CONTAIN = "contain"
    HOLD = "hold"
    RELEASE = "release"
    REVOKE = "revoke"
    RETIRE = "retire"


_S, _E = DeviceState, DeviceEvent
DEVICE_LIFECYCLE: Final[dict[tuple[DeviceState, DeviceEvent], DeviceState]] = {
    (_S.REGISTERED, _E.APPROVE): _S.APPROVED,
    (_S.APPROVED, _E.ISSUE): _S.ENROLLING,
    (_S.ENROLLING, _E.ISSUE): _S.ENROLLING,
    (_S.ENROLLING, _E.CONFIRM): _S.ACTIVE,
    (_S.ENROLLING, _E.VOID): _S.APPROVED,
    (_S.ENROLLING, _E.HOLD): _S.HELD,
    (_S.ACTIVE, _E.ISSUE): _S.ACTIVE,
    (_S.ACTIVE, _E.CONFIRM): _S.ACTIVE,
    (_S.ACTIVE, _E.VOID): _S.ACTIVE,
    (_S.ACTIVE, _E.CONTAIN): _S.CONTAINED,
    (_S.ACTIVE, _E.HOLD): _S.HELD,
    (_S.CONTAINED, _E.ISSUE): _S.CONTAINED,
    (_S.CONTAINED, _E.CONFIRM): _S.CONTAINED,
    (_S.CONTAINED, _E.VOID): _S.CONTAINED,
    (_S.CONTAINED, _E.HOLD): _S.HELD,
    (_S.CONTAINED, _E.RELEASE): _S.ACTIVE,
    (_S.HELD, _E.RELEASE): _S.ACTIVE,
    (_S.REVOKED, _E.APPROVE): _S.APPROVED,
    (_S.ENROLLING, _E.REVOKE): _S.REVOKED,
    (_S.ACTIVE, _E.REVOKE): _S.REVOKED,
    (_S.CONTAINED, _E.REVOKE): _S.REVOKED,
    (_S.HELD, _E.REVOKE): _S.REVOKED,
    **{(state, _E.RETIRE): _S.RETIRED for state in _S if state is not _S.RETIRED},
}


def move(state: DeviceState, event: DeviceEvent) -> DeviceState:
    """The next state; Conflict names what is possible from here."""
    after = DEVICE_LIFECYCLE.get((state, event))
    if after is None:
        possible = ", ".join(sorted(e for s, e in DEVICE_LIFECYCLE if s is state)) or "nothing"
        raise Conflict(
            f"The device is {state}: {event} is not possible.",
            next_step=f"Possible: {possible}.",
            field="state",
        )
    return after


@dataclass(frozen=True, slots=True)
class Device:
    """One physical device. Its certificates and its trust stand apart."""

    device_id: DeviceId
    state: DeviceState
    product: Product
    criticality: Criticality
    criticality_reasons: tuple[str, ...]
    registered_at: datetime
    udi_carrier: str = field(default="", repr=False)
    """The label as scanned: may identify a patient, never leaves the registry in clear."""
    udi_agency: str | None = None
    udi_di: str | None = None
    serial_number: str | None = field(default=None, repr=False)
    lot_number: str | None = field(default=None, repr=False)
    macs: tuple[str, ...] = ()
    ward: str = ""
    conflicts: tuple[str, ...] = ()
    """Open contradictions about who this is; any blocks issuance."""
