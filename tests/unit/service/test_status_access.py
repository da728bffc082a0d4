"""The access log holds no identity until it is told to, and no flood."""

from __future__ import annotations

from io import StringIO

import pytest

from service import logs
from service.status.access import MOST_LINES, AccessLog, AccessLogging

TARGET = b"/ocsp/MFEwTzBNMEswSTAJBgUrDgMCGgUABBR\x1b[31m"


@pytest.fixture
def lines() -> StringIO:
    stream = StringIO()
    logs.configure("info", stream)
    return stream


def noted(how: AccessLogging, times: int = 1) -> AccessLog:
    access = AccessLog(how, logs.get("status"))
    for _ in range(times):
        access.note("GET", "/ocsp", 200, 6139, whole=TARGET, client="192.0.2.7")
    return access


def test_by_default_neither_who_asked_nor_about_what(lines: StringIO) -> None:
    noted(AccessLogging.ANONYMOUS)
    said = lines.getvalue()
    assert '"event": "http.request"' in said
    assert all(
        part in said for part in ('"path": "/ocsp"', '"status": 200', '"bytes": 6139', '"method": "GET"')
    )
    assert "192.0.2.7" not in said
    assert "MFEw" not in said


def test_in_full_both_and_no_control_character(lines: StringIO) -> None:
    noted(AccessLogging.FULL)
    said = lines.getvalue()
    assert "192.0.2.7" in said
    assert "MFEw" in said
    assert "\x1b" not in said
    assert "dropped_keys" not in said
    assert said.count("\n") == 1


def test_off_says_nothing(lines: StringIO) -> None:
    noted(AccessLogging.OFF, 1_000).second()
    assert lines.getvalue() == ""


def test_a_flood_is_counted_and_a_new_second_has_new_lines(lines: StringIO) -> None:
    access = noted(AccessLogging.ANONYMOUS, MOST_LINES + 7)
    assert lines.getvalue().count("\n") == MOST_LINES
    access.second()
    assert '"count": 7' in lines.getvalue()
    access.note("GET", "/crl", 200, 1, whole=b"/crl/issuing.crl", client="")
    assert lines.getvalue().count("\n") == MOST_LINES + 2
