"""Health turns red while somebody can still act, and for nothing that does not matter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from registry.model.actor import job
from registry.ports import BACKWARD_JUMP, Ports
from registry.publication import publish
from registry.store.lists import DELTA, WHOLE, ListHead
from registry.upkeep import reconcile_intentions
from service.authority import Authority
from service.home import Home
from service.runtime import Runtime
from service.status.health import SIGNER_WARNED, Facts, Health
from tests.unit.service.status_fixtures import WHO, TurnedClock, make_home, opened

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
SIGNER = ("issuing", "ec-p256")


def head(left: timedelta, life: timedelta, *, scope: str = WHOLE, issuer: str = "issuing") -> ListHead:
    return ListHead(issuer, 7, NOW + left - life, NOW + left, scope)


def facts(*heads: ListHead, signer: timedelta = 30 * DAY, behind: bool = False) -> Facts:
    lists = {(each.issuer, each.scope): each for each in heads}
    return Facts(NOW, {SIGNER: NOW + signer}, lists, ("issuing",), behind)


FINE = head(3 * DAY, 4 * DAY)


def test_all_well_is_no_problem_and_says_so() -> None:
    assert facts(FINE).problems == ()
    assert facts(FINE).document() == {
        "status": "ok",
        "problems": [],
        "crl_number": 7,
        "crl_age_seconds": 24 * 3600,
        "crl_seconds_left": 3 * 24 * 3600,
    }


@pytest.mark.parametrize(
    ("left", "life", "problems"),
    [
        (HOUR, 4 * HOUR, ()),
        (HOUR - SECOND, 4 * HOUR, ("crl_lapses_soon",)),
        (SECOND, 4 * HOUR, ("crl_lapses_soon",)),
        (timedelta(), 4 * HOUR, ("crl_lapsed",)),
        (-DAY, 4 * HOUR, ("crl_lapsed",)),
        (7 * DAY, 365 * DAY, ()),
        (7 * DAY - SECOND, 365 * DAY, ("crl_lapses_soon",)),
        (7 * DAY, 28 * DAY, ()),
        (7 * DAY - SECOND, 28 * DAY, ("crl_lapses_soon",)),
    ],
)
def test_red_with_a_quarter_of_a_lists_life_or_seven_days_left(
    left: timedelta, life: timedelta, problems: tuple[str, ...]
) -> None:
    assert facts(head(left, life)).problems == problems
    assert facts(FINE, head(left, life, scope="s-01-16")).problems == problems
    assert facts(FINE, head(left, life, issuer="root")).problems == problems
    assert facts(FINE, head(left, life)).document()["status"] == ("failing" if problems else "ok")


def test_a_delta_that_lapsed_only_sends_its_readers_to_the_whole_list() -> None:
    assert facts(FINE, head(-DAY, HOUR, scope=DELTA)).problems == ()


@pytest.mark.parametrize(
    ("left", "problems"),
    [
        (SIGNER_WARNED, ()),
        (SIGNER_WARNED - SECOND, ("responder_lapses_soon",)),
        (timedelta(), ("responder_lapsed",)),
    ],
)
def test_red_three_days_before_a_signer_ends(left: timedelta, problems: tuple[str, ...]) -> None:
    assert timedelta(days=3) == SIGNER_WARNED
    assert facts(FINE, signer=left).problems == problems


def test_each_problem_is_told_once_and_all_are_told() -> None:
    found = replace(facts(head(-DAY, HOUR), head(-DAY, HOUR, issuer="root"), behind=True, signer=-DAY))
    assert found.problems == ("responder_lapsed", "clock_behind", "crl_lapsed")
    gauges = {gauge.name: gauge.values for gauge in found.gauges()}
    assert gauges["medtrust_status_healthy"] == {(): 0.0}
    assert gauges["medtrust_ocsp_signer_days_left"] == {SIGNER: -1.0}
    assert gauges["medtrust_crl_seconds_left"]["root", WHOLE] == -86400


def test_a_missing_list_and_a_store_that_is_gone() -> None:
    assert facts().problems == ("crl_missing",)
    assert facts(head(DAY, 2 * DAY, scope=DELTA)).problems == ("crl_missing",)
    gone = Facts(NOW, {SIGNER: NOW + 30 * DAY}, None, ("issuing",))
    assert gone.problems == ("store_unreachable",)
    assert gone.document()["status"] == "failing"
    assert {gauge.name for gauge in gone.gauges()} >= {"medtrust_crl_seconds_left"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Authority]:
    return make_home(tmp_path_factory.mktemp("health"))


@pytest.fixture
def runtime(made: tuple[Home, Authority]) -> Iterator[Runtime]:
    with opened(made[0]) as opened_here:
        publish(made[1].default.list_signer, WHO, ports=opened_here.ports)
        yield opened_here


def at(runtime: Runtime, ahead: timedelta) -> Ports:
    return replace(runtime.ports, clock=TurnedClock(ahead))


def test_a_real_home_is_well_and_turns_red_before_its_list_lapses(
    made: tuple[Home, Authority], runtime: Runtime
) -> None:
    seen = Health(made[1], runtime.ports).facts()
    assert seen.problems == ()
    assert seen.lists is not None
    lists = seen.lists["issuing", WHOLE]
    assert ("root", WHOLE) in seen.lists
    life = lists.next_update - lists.this_update
    soon = Health(made[1], at(runtime, life * 7 / 8)).facts()
    assert "crl_lapses_soon" in soon.problems
    assert "crl_lapsed" not in soon.problems
    assert "crl_lapsed" in Health(made[1], at(runtime, life + HOUR)).facts().problems


def test_a_roots_list_counts_as_well(made: tuple[Home, Authority], runtime: Runtime) -> None:
    root = (Health(made[1], runtime.ports).facts().lists or {})["root", WHOLE]
    ahead = root.next_update - runtime.ports.clock() - DAY
    later = Health(made[1], at(runtime, ahead)).facts()
    only_root = replace(later, signers={}, lists={("root", WHOLE): root}, expected=())
    assert only_root.problems == ("crl_lapses_soon",)


def test_a_clock_behind_what_the_store_has_seen(made: tuple[Home, Authority], runtime: Runtime) -> None:
    reconcile_intentions(job("upkeep"), ports=runtime.ports)
    with runtime.store.read() as uow:
        seen = uow.operations.clock_seen()
    assert seen is not None
    back = seen - runtime.ports.clock() - BACKWARD_JUMP
    assert "clock_behind" not in Health(made[1], at(runtime, back + 5 * SECOND)).facts().problems
    assert "clock_behind" in Health(made[1], at(runtime, back - 5 * SECOND)).facts().problems


def test_a_store_that_is_gone_is_told_not_raised(made: tuple[Home, Authority], tmp_path: Path) -> None:
    with opened(made[0]) as runtime:
        health = Health(made[1], runtime.ports)
        database = made[0].root / "registry.db"
        runtime.store.close()
        away = database.rename(tmp_path / "away.db")
        try:
            assert health.facts().problems == ("store_unreachable",)
        finally:
            database.unlink(missing_ok=True)
            away.rename(database)
