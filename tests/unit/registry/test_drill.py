"""The drill's story: order of harm, a bounded rate, who waits and who is left; the same again by its seed."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from registry.drill import (
    DAY,
    HABITS,
    HOUR,
    ORDER_OF_HARM,
    BadDrill,
    FleetDevice,
    Hindrance,
    Outcome,
    Rules,
    make_fleet,
    play,
)
from registry.model.criticality import Criticality

_RANK = {kind: rank for rank, kind in enumerate(ORDER_OF_HARM)}


def _instant(_devices: Sequence[FleetDevice]) -> float:
    return 0.0


def _ready(*kinds: Criticality, at: float | None = 0.0) -> list[FleetDevice]:
    return [FleetDevice(number, kind, at, Hindrance.NONE) for number, kind in enumerate(kinds)]


def test_whoever_is_ready_is_served_in_the_order_of_harm() -> None:
    served: list[FleetDevice] = []

    def one_second(devices: Sequence[FleetDevice]) -> float:
        served.extend(devices)
        return 1.0

    outcome = play(_ready(*reversed(ORDER_OF_HARM)), one_second, Rules(batch=1))
    assert [device.criticality for device in served] == list(ORDER_OF_HARM)
    assert sorted(outcome.safe_at.values()) == [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert (outcome.issuing, outcome.issued_per_second) == (6.0, 1.0)


def test_a_grave_one_that_comes_back_overtakes_those_who_wait() -> None:
    light = [FleetDevice(n, Criticality.NON_CLINICAL, 0.0, Hindrance.NONE) for n in range(10)]
    grave = FleetDevice(99, Criticality.LIFE_SUSTAINING, 2.5, Hindrance.OFFLINE)
    outcome = play([*light, grave], lambda _: 1.0, Rules(batch=1))
    assert outcome.safe_at[99] == 4.0
    assert max(outcome.safe_at.values()) == 11.0


def test_a_rate_bounds_what_issuing_could_do() -> None:
    fleet = _ready(*[Criticality.THERAPY] * 100)
    quick = play(fleet, _instant, Rules(batch=10))
    bound = play(fleet, _instant, Rules(batch=10, rate=5))
    assert max(quick.safe_at.values()) == 0.0
    assert max(bound.safe_at.values()) == 20.0


def test_every_ready_device_is_served_once_and_after_it_is_ready() -> None:
    fleet = make_fleet(2000, random.Random(3))
    served: list[int] = []

    def issue(devices: Sequence[FleetDevice]) -> float:
        served.extend(device.number for device in devices)
        ranks = [_RANK[device.criticality] for device in devices]
        assert all(one <= other for one, other in pairwise(ranks))
        return 0.01 * len(devices)

    outcome = play(fleet, issue, Rules())
    assert len(served) == len(set(served)) == len(outcome.safe_at)
    assert all(outcome.safe_at[d.number] > (d.ready_at or 0) for d in fleet if d.number in outcome.safe_at)


def test_who_is_left_and_why() -> None:
    fleet = [
        *_ready(Criticality.THERAPY),
        FleetDevice(7, Criticality.THERAPY, None, Hindrance.UNABLE),
        FleetDevice(8, Criticality.MONITORING, None, Hindrance.LOST),
        FleetDevice(9, Criticality.LIFE_SUSTAINING, 1e9, Hindrance.OFFLINE),
    ]
    outcome = play(fleet, _instant, Rules())
    assert outcome.remaining() == [
        (Criticality.LIFE_SUSTAINING, Hindrance.OFFLINE, 1),
        (Criticality.THERAPY, Hindrance.UNABLE, 1),
        (Criticality.MONITORING, Hindrance.LOST, 1),
    ]
    assert outcome.safe_share(0.0) == 0.25
    assert outcome.safe_share(0.0, Criticality.DIAGNOSTIC) == 1.0
    assert (outcome.time_to(0.25), outcome.time_to(0.5), outcome.time_to(0.5, Criticality.THERAPY)) == (
        0.0,
        None,
        0.0,
    )


def test_the_seed_plays_the_same_story() -> None:
    one, other, third = (make_fleet(500, random.Random(seed)) for seed in (5, 5, 6))
    assert one == other
    assert one != third


def test_a_fleet_has_every_criticality_and_the_shares_of_the_habits() -> None:
    small = make_fleet(len(HABITS), random.Random(1))
    assert {device.criticality for device in small} == set(HABITS)
    large = Outcome(tuple(make_fleet(5000, random.Random(1))), {}, 0.0, 1.0)
    for kind, habit in HABITS.items():
        assert len(large.of(kind)) == round(5000 * habit.share)


def test_devices_wait_and_come_back_as_their_habits_say() -> None:
    fleet = make_fleet(20_000, random.Random(1))
    for kind, habit in HABITS.items():
        among = [device for device in fleet if device.criticality is kind]
        waits = [d.ready_at for d in among if d.hindrance is Hindrance.MAINTENANCE and d.ready_at]
        away = [d.ready_at for d in among if d.hindrance is Hindrance.OFFLINE and d.ready_at]
        unable = sum(d.hindrance is Hindrance.UNABLE for d in among)
        assert unable / len(among) == pytest.approx(habit.unable, rel=0.6)
        assert len(away) / len(among) == pytest.approx(habit.offline, rel=0.4)
        assert sum(away) / len(away) == pytest.approx(habit.away_days * DAY, rel=0.35)
        if habit.wait_hours:
            assert sum(waits) / len(waits) == pytest.approx(habit.wait_hours * HOUR, rel=0.2)
        else:
            assert waits == []


@pytest.mark.parametrize("count", [0, -1, 5, 100_001])
def test_a_fleet_that_cannot_be_is_refused(count: int) -> None:
    with pytest.raises(BadDrill, match="cannot be played"):
        make_fleet(count, random.Random(1))
