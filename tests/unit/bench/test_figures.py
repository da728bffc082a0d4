"""The arithmetic of the benches: ratios, goals, the table. What they measure is nobody's test."""

from __future__ import annotations

import json

import pytest

from bench.figures import Figure, Goal, Report, document, table
from bench.timing import Turns, by_turns, percentile


def test_a_ratio_is_the_value_over_the_limit() -> None:
    assert Figure("f", 50, "/s", "limit", 200).ratio == 0.25


def test_a_ratio_taken_turn_by_turn_goes_before_the_medians_one() -> None:
    assert Figure("f", 50, "/s", "limit", 200, paired_ratio=0.3).ratio == 0.3


def test_without_a_limit_there_is_no_ratio_and_a_goal_on_it_is_not_met() -> None:
    figure = Figure("f", 50, "/s", goal=Goal(least=0.1, on_ratio=True))
    assert figure.ratio is None
    assert figure.met is False


@pytest.mark.parametrize(
    ("goal", "met"),
    [
        (Goal(most=100), True),
        (Goal(most=99), False),
        (Goal(least=100), True),
        (Goal(least=101), False),
        (Goal(least=0.5, on_ratio=True), True),
        (Goal(least=0.6, on_ratio=True), False),
    ],
)
def test_goals_bound_the_value_or_the_ratio(goal: Goal, met: bool) -> None:
    assert Figure("f", 100, "ms", "limit", 200, goal=goal).met is met


def test_the_table_says_that_a_goal_is_not_met() -> None:
    written = table([Figure("issued", 50, "/s", "signed", 200, goal=Goal(least=0.6, on_ratio=True))])
    assert (
        " ".join(written.splitlines()[-1].split()) == "issued 50 /s signed: 200 /s 0.25 ratio >= 0.6 NOT MET"
    )


def test_the_document_carries_ratio_and_verdict() -> None:
    said = json.loads(document({"one": Report([Figure("f", 1, "ms", "l", 2, goal=Goal(most=1))], ["why"])}))
    (figure,) = said["benches"]["one"]["figures"]
    assert (figure["ratio"], figure["met"]) == (0.5, True)
    assert said["benches"]["one"]["notes"] == ["why"]


def test_a_share_of_the_limit_is_the_median_over_the_turns() -> None:
    turns = Turns(wall=[2, 4, 100], limit_wall=[1, 1, 1], cpu=[4, 4, 4], limit_cpu=[2, 2, 2])
    assert turns.ratio == 0.25
    assert turns.cpu_ratio == 0.5
    assert turns.rate == 0.25


def test_turns_alternate_after_one_that_does_not_count() -> None:
    heard: list[str] = []

    def say(word: str) -> int:
        heard.append(word)
        return 1

    turns = by_turns(lambda: say("A"), lambda: say("B"), turns=2)
    assert heard == ["A", "B"] * 3
    assert len(turns.wall) == 2


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 3), (0.99, 5), (1.0, 5)])
def test_percentiles_are_of_what_was_measured(share: float, value: float) -> None:
    assert percentile([5, 1, 3, 2, 4], share) == value
