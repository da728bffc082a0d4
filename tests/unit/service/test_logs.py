"""One event is one JSON line, and only keys of the allow-list get in, whenever the logger was made."""

from __future__ import annotations

import io
import json
import logging

import pytest

from service import logs

MADE_BEFORE = logs.get("early")


@pytest.fixture
def stream() -> io.StringIO:
    made = io.StringIO()
    logs.configure("info", made)
    return made


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_logger_made_before_the_configuration_obeys_it(
    stream: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    MADE_BEFORE.warning("x.happened", serial_number="SN-1", field="f")
    (line,) = lines(stream)
    assert (line["room"], line["field"], line["dropped_keys"]) == ("early", "f", 1)
    assert "SN-1" not in stream.getvalue() + "".join(capfd.readouterr())


def test_control_characters_make_no_second_line(stream: io.StringIO) -> None:
    logs.get("x").info("x.happened", problem="one\ntwo\x1b[31m\u202e")
    assert lines(stream)[0]["problem"] == "one?two?[31m?"


def test_a_library_speaks_in_templates_only(stream: io.StringIO) -> None:
    logging.getLogger("lib").warning("client %s is odd", "MRN-4711")
    logging.getLogger("lib").warning("client " + "MRN-4711" + " is odd")
    assert [line["event"] for line in lines(stream)] == ["client %s is odd", "library.spoke"]
    assert "MRN-4711" not in stream.getvalue()
