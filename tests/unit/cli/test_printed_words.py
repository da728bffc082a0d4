"""Values in words, tables in pipes, documents in JSON."""

import json
from datetime import UTC, datetime

import pytest

from cli.output import print_fields, print_findings, print_rows
from cli.words import colon_hex, shown

AT = datetime(2026, 11, 22, 7, 5, 9, 500, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "-"),
        ("", "-"),
        (True, "yes"),
        (False, "no"),
        (0, "0"),
        (AT, "2026-11-22 07:05:09Z"),
        (b"\x01\xff", "01ff"),
        (("a", None), "a, -"),
        ([], "-"),
        ("\x1b[31mred", "?[31mred"),
    ],
)
def test_a_value_for_people(value: object, words: str) -> None:
    assert shown(value) == words


def test_fingerprints_look_like_those_of_other_tools() -> None:
    assert colon_hex(b"\xab\x01") == "AB:01"


def test_a_table_in_a_pipe_is_plain_and_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        {"device_id": "a", "state": "active", "hidden": 1},
        {"device_id": "bcd", "state": None, "hidden": 2},
    ]
    print_rows(rows, as_json=False, columns=("device_id", "state"), empty="none")

    assert capsys.readouterr().out == "device id  state\na          active\nbcd        -\n"


def test_json_holds_every_column_and_an_empty_list_is_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([{"a": AT, "b": None}], as_json=True, columns=("a",), empty="none")
    assert json.loads(capsys.readouterr().out) == [{"a": "2026-11-22T07:05:09.000500Z", "b": None}]

    print_rows([], as_json=True, empty="none")
    assert json.loads(capsys.readouterr().out) == []


def test_an_empty_table_says_so_on_stderr_only(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows([], as_json=False, empty="No devices.")
    said = capsys.readouterr()

    assert (said.out, said.err) == ("", "No devices.\n")


def test_a_list_in_an_object_gets_a_line_an_item(capsys: pytest.CaptureFixture[str]) -> None:
    print_fields({"path": ["leaf", "root"], "a_b": 1}, as_json=False)

    assert capsys.readouterr().out == "path  leaf\n      root\na b   1\n"


def test_findings_name_rule_message_and_subject(capsys: pytest.CaptureFixture[str]) -> None:
    print_findings([{"rule": "a.b", "severity": "error", "message": "Bad.", "subject": "x\x07"}])
    print_findings([])

    assert capsys.readouterr().out == "findings:\n  error: a.b: Bad. (x?)\n"
