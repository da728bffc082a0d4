"""Who acts. Every use case takes an Actor and has no default for it (rule 6)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """The three that can act."""

    OPERATOR = "operator"
    DEVICE = "device"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class Actor:
    """An operator by login name, a device by DeviceId, or a job by its name."""

    kind: ActorKind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    @property
    def is_automatic(self) -> bool:
        """A job or a device acts without a person deciding: rule 7 binds it."""
        return self.kind is not ActorKind.OPERATOR


def operator(name: str) -> Actor:
    """A person at the CLI."""
    return Actor(ActorKind.OPERATOR, name)


def device(device_id: str) -> Actor:
    """A device, proved by its certificate or token."""
    return Actor(ActorKind.DEVICE, device_id)


def job(name: str) -> Actor:
    """A scheduled job."""
    return Actor(ActorKind.JOB, name)
