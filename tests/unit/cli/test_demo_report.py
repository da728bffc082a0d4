"""A step is as good as the worst word about it, and who could not look is never a yes."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from cli.demo.report import Report, Said, looked, step_of

ABSENT = Said("openssl", None, "not checked: openssl is not installed")


def report() -> tuple[Report, io.StringIO]:
    printed = io.StringIO()
    return Report(Console(file=printed, width=100)), printed


@pytest.mark.parametrize(
    ("words", "ok"),
    [
        ([looked(True, "good", "one"), looked(True, "good", "two")], True),
        ([looked(True, "good", "one"), looked(False, "revoked", "two")], False),
        ([looked(True, "good", "one"), ABSENT], True),
        ([looked(False, "revoked", "one"), ABSENT], False),
        ([ABSENT], False),
        ([], False),
    ],
    ids=["all yes", "one no", "one could not look", "no and could not look", "nobody looked", "nobody asked"],
)
def test_a_step_is_as_good_as_the_worst_word(words: list[Said], ok: bool) -> None:
    assert step_of("step", words).ok is ok


def test_who_could_not_look_is_told_and_not_named_as_a_witness() -> None:
    step = step_of("step", [looked(True, "good", "medtrust verifier"), ABSENT])
    assert step.checked_by == "medtrust verifier"
    assert "not checked: openssl is not installed" in step.detail


def test_nothing_is_ok_before_the_story_has_ended() -> None:
    told, _ = report()
    told.check("first", looked(True, "good"))
    assert json.loads(told.document())["ok"] is False
    told.finish()
    assert json.loads(told.document())["ok"] is True


def test_a_story_without_steps_is_not_ok() -> None:
    told, _ = report()
    told.finish()
    assert told.ok is False


def test_a_failed_step_is_printed_again_at_the_end() -> None:
    told, printed = report()
    told.check("the moon is made of cheese", looked(False, "it is not"))
    told.finish()
    told.close("demo-out")
    assert printed.getvalue().count("FAILED  the moon is made of cheese") == 2
    assert "0 of 1 steps hold" in printed.getvalue()


def test_what_a_device_said_cannot_write_to_the_terminal() -> None:
    told, printed = report()
    told.check("step", looked(True, "\x1b[2Jwiped"))
    assert "\x1b" not in printed.getvalue()
    assert "?[2Jwiped" in printed.getvalue()


def test_the_summary_says_who_was_not_there_and_how_often() -> None:
    made, printed = report()
    for name in ("first", "second"):
        made.check(name, looked(True, "good"), ABSENT)
    made.close("out")

    assert "Not checked by openssl, which is not here: 2 times." in printed.getvalue()
