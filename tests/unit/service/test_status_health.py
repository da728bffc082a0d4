"""Health turns red before somebody is locked out, and not for what only sends its readers elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from registry.store.lists import DELTA, WHOLE, ListHead
from service.status.health import Facts

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def head(left: timedelta, life: timedelta = DAY, scope: str = WHOLE) -> ListHead:
    return ListHead("issuing", 7, NOW + left - life, NOW + left, scope)


def facts(
    *lists: ListHead, signer: timedelta = 60 * DAY, root: timedelta = 300 * DAY, clock_behind: bool = False
) -> Facts:
    named = {("issuing", each.scope): each for each in lists}
    named["root", WHOLE] = ListHead("root", 1, NOW + root - 365 * DAY, NOW + root)
    return Facts(NOW, {("issuing", "ec-p256"): NOW + signer}, named, ("issuing",), clock_behind)


@pytest.mark.parametrize(
    ("hours", "problems"),
    [(16, ()), (6.1, ()), (5.9, ("crl_lapses_soon",)), (0, ("crl_lapsed",)), (-1, ("crl_lapsed",))],
)
def test_a_list_of_a_day_is_red_with_a_quarter_left(hours: float, problems: tuple[str, ...]) -> None:
    assert facts(head(timedelta(hours=hours))).problems == problems


@pytest.mark.parametrize(("days", "problems"), [(8, ()), (6, ("crl_lapses_soon",)), (0, ("crl_lapsed",))])
def test_a_roots_list_of_a_year_is_red_a_week_before(days: int, problems: tuple[str, ...]) -> None:
    assert facts(head(DAY), root=days * DAY).problems == problems


def test_a_part_counts_and_a_delta_does_not() -> None:
    assert facts(head(DAY), head(-DAY, scope=DELTA)).problems == ()
    assert facts(head(DAY), head(-DAY, scope="16-3")).problems == ("crl_lapsed",)


@pytest.mark.parametrize(
    ("left", "problems"),
    [(4 * DAY, ()), (2 * DAY, ("responder_lapses_soon",)), (timedelta(0), ("responder_lapsed",))],
)
def test_a_signer_is_red_three_days_before(left: timedelta, problems: tuple[str, ...]) -> None:
    assert facts(head(DAY), signer=left).problems == problems


def test_no_list_no_store_and_a_clock_that_went_back() -> None:
    assert facts().problems == ("crl_missing",)
    assert Facts(NOW, {}, None, ("issuing",)).problems == ("store_unreachable",)
    assert facts(head(DAY), clock_behind=True).problems == ("clock_behind",)


def test_the_document_tells_number_age_and_what_is_left() -> None:
    assert facts(head(timedelta(hours=10))).document() == {
        "status": "ok",
        "problems": [],
        "crl_number": 7,
        "crl_age_seconds": 14 * 3600,
        "crl_seconds_left": 10 * 3600,
    }


def test_gauges_say_the_same() -> None:
    told = {gauge.name: dict(gauge.values) for gauge in facts(head(timedelta(hours=10))).gauges()}
    assert told["medtrust_status_healthy"] == {(): 1.0}
    assert told["medtrust_crl_seconds_left"]["issuing", WHOLE] == 36_000
    assert told["medtrust_ocsp_signer_days_left"] == {("issuing", "ec-p256"): 60.0}
