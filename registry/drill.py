"""A drill: a key algorithm has fallen, and a fleet gets new certificates in the order of harm.

Time in here is simulated, in seconds from the alarm, but for issuing, whose time is measured by whoever does
it. Rule 7 holds in a drill too: nobody is cut off for being late. Not handled here: stores, keys, pictures.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from types import MappingProxyType
from typing import Final, Protocol

from registry.model.criticality import Criticality
from registry.model.errors import RegistryError

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
_HEARS_WITHIN: Final = 30.0
"""Seconds until a device that is online has heard of it over MQTT."""
_LOST_OF_OFFLINE: Final = 0.05
ORDER_OF_HARM: Final = (
    Criticality.LIFE_SUSTAINING,
    Criticality.UNKNOWN,
    Criticality.THERAPY,
    Criticality.MONITORING,
    Criticality.DIAGNOSTIC,
    Criticality.NON_CLINICAL,
)
_RANK: Final = {criticality: rank for rank, criticality in enumerate(ORDER_OF_HARM)}


class BadDrill(RegistryError):
    """A drill that cannot be played."""

    kind = "usage"


class Hindrance(StrEnum):
    """Why a device has no new certificate yet."""

    NONE = "waits its turn"
    MAINTENANCE = "in use at a patient: waits for maintenance"
    OFFLINE = "switched off or lent: not seen yet"
    LOST = "never seen again"
    UNABLE = "its software knows no algorithm that stands"


@dataclass(frozen=True, slots=True)
class Habit:
    """How devices of one criticality live; assumptions, to be replaced by a hospital's own figures."""

    share: float
    """Of the fleet."""
    offline: float
    """Share that is switched off, in stock or lent when it happens."""
    away_days: float
    """How long those stay away, on average."""
    wait_hours: float
    """Until a device in use may be touched, on average."""
    unable: float
    """Share that needs new software first."""


HABITS: Final[Mapping[Criticality, Habit]] = MappingProxyType(
    {
        Criticality.LIFE_SUSTAINING: Habit(0.08, 0.05, 2.0, 12.0, 0.02),
        Criticality.UNKNOWN: Habit(0.02, 0.10, 7.0, 12.0, 0.05),
        Criticality.THERAPY: Habit(0.30, 0.15, 4.0, 4.0, 0.02),
        Criticality.MONITORING: Habit(0.35, 0.08, 3.0, 1.0, 0.01),
        Criticality.DIAGNOSTIC: Habit(0.15, 0.10, 5.0, 8.0, 0.04),
        Criticality.NON_CLINICAL: Habit(0.10, 0.20, 7.0, 0.0, 0.03),
    }
)


class Chance(Protocol):
    """A seeded source of chance: the same seed plays the same drill."""

    def random(self) -> float:
        """From 0 to below 1."""

    def expovariate(self, lambd: float, /) -> float:
        """Exponential, with mean 1 / lambd."""


@dataclass(frozen=True, slots=True)
class FleetDevice:
    """One device of the fleet."""

    number: int
    criticality: Criticality
    ready_at: float | None
    """Seconds after the alarm at which it can take a certificate; None: never."""
    hindrance: Hindrance


@dataclass(frozen=True, slots=True)
class Rules:
    """How the drill is played."""

    batch: int = 32
    """Certificates that share their commits."""
    rate: float = 0.0
    """At most so many a second; 0: as fast as issuing is."""
    horizon: float = 30 * DAY


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who was safe when."""

    fleet: tuple[FleetDevice, ...]
    safe_at: Mapping[int, float]
    """Seconds after the alarm, by the device's number."""
    issuing: float
    """Seconds that issuing took in all: measured, not simulated."""
    horizon: float

    @property
    def issued_per_second(self) -> float:
        """Certificates a second, measured over all batches."""
        return len(self.safe_at) / self.issuing if self.issuing else 0.0

    def of(self, criticality: Criticality | None = None) -> list[FleetDevice]:
        """All devices, or those of one criticality."""
        return [device for device in self.fleet if criticality in (None, device.criticality)]

    def times(self, criticality: Criticality | None = None) -> list[float]:
        """When devices became safe, in order."""
        return sorted(self.safe_at[d.number] for d in self.of(criticality) if d.number in self.safe_at)

    def time_to(self, share: float, criticality: Criticality | None = None) -> float | None:
        """Seconds until this share of them was safe; None where it never was."""
        wanted, times = max(1, ceil(share * len(self.of(criticality)))), self.times(criticality)
        return times[wanted - 1] if len(times) >= wanted else None

    def safe_share(self, at: float, criticality: Criticality | None = None) -> float:
        """Share that was safe at a time; 1 for none."""
        among = len(self.of(criticality))
        return bisect_right(self.times(criticality), at) / among if among else 1.0

    def remaining(self) -> list[tuple[Criticality, Hindrance, int]]:
        """Who is left at the horizon, and why; the gravest first."""
        left = Counter(
            (device.criticality, device.hindrance)
            for device in self.fleet
            if device.number not in self.safe_at
        )
        return sorted(
            ((c, h, count) for (c, h), count in left.items()), key=lambda row: (_RANK[row[0]], row[1])
        )


def make_fleet(count: int, chance: Chance, habits: Mapping[Criticality, Habit] = HABITS) -> list[FleetDevice]:
    """A fleet by habits; every criticality has at least one device where there are enough."""
    if not len(habits) <= count <= 100_000:
        raise BadDrill(
            f"A fleet of {count} devices cannot be played.",
            next_step=f"Choose from {len(habits)} to 100000.",
            field="--devices",
        )
    sizes = {kind: max(1, round(count * habit.share)) for kind, habit in habits.items()}
    # Rounding, and the one that each has at least, are at the cost of the largest.
    while surplus := sum(sizes.values()) - count:
        largest = max(sizes, key=lambda kind: sizes[kind])
        sizes[largest] -= 1 if surplus > 0 else -1
    kinds = [kind for kind, size in sizes.items() for _ in range(size)]
    return [_device(number, kind, habits[kind], chance) for number, kind in enumerate(kinds)]


def _device(number: int, criticality: Criticality, habit: Habit, chance: Chance) -> FleetDevice:
    heard = chance.random() * _HEARS_WITHIN
    unable, offline, lost = (chance.random() for _ in range(3))
    away = chance.expovariate(1 / (habit.away_days * DAY))
    waits = chance.expovariate(1 / (habit.wait_hours * HOUR)) if habit.wait_hours else 0.0
    if unable < habit.unable:
        return FleetDevice(number, criticality, None, Hindrance.UNABLE)
    if offline < habit.offline:
        if lost < _LOST_OF_OFFLINE:
            return FleetDevice(number, criticality, None, Hindrance.LOST)
        # Whatever comes back is not at a patient yet.
        return FleetDevice(number, criticality, away + heard, Hindrance.OFFLINE)
    hindrance = Hindrance.MAINTENANCE if waits else Hindrance.NONE
    return FleetDevice(number, criticality, waits + heard, hindrance)


Reissue = Callable[[Sequence[FleetDevice]], float]
"""Issues to these devices for real, and says how many seconds that took."""


def play(fleet: Sequence[FleetDevice], reissue: Reissue, rules: Rules) -> Outcome:
    """Re-issues to whoever is ready, the gravest harm first, until the horizon."""
    waiting = [(d.ready_at, d.number) for d in fleet if d.ready_at is not None]
    heapq.heapify(waiting)
    by_number = {device.number: device for device in fleet}
    ready: list[tuple[int, float, int]] = []
    safe_at: dict[int, float] = {}
    now, issuing = 0.0, 0.0
    while waiting or ready:
        if not ready:
            now = max(now, waiting[0][0])
        while waiting and waiting[0][0] <= now:
            since, number = heapq.heappop(waiting)
            heapq.heappush(ready, (_RANK[by_number[number].criticality], since, number))
        if now > rules.horizon:
            break
        batch = [by_number[heapq.heappop(ready)[2]] for _ in range(min(rules.batch, len(ready)))]
        took = reissue(batch)
        issuing += took
        now += max(took, len(batch) / rules.rate if rules.rate else 0.0)
        safe_at.update((device.number, now) for device in batch)
    return Outcome(tuple(fleet), MappingProxyType(safe_at), issuing, rules.horizon)
