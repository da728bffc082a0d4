"""What the access log keeps: no identities unless told to, no flood, no forged lines."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from service import logs
from service.status.access import MOST_LINES, AccessLog, AccessLogging

TARGET = b"/ocsp/MEIwQDA-serial-1234ABCD"
CLIENT = "192.0.2.77"


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What goes to stderr in production, through the production's processors."""
    before = structlog.get_config()
    stream = io.StringIO()
    logs.configure("info", stream)
    yield stream
    structlog.configure(**before)


def note(log: AccessLog, target: bytes = TARGET) -> None:
    log.note("GET", "/ocsp", 200, 1234, whole=target, client=CLIENT)


def lines(written: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def log_of(logging: AccessLogging) -> AccessLog:
    return AccessLog(logging, logs.get("status"))


def test_anonymous_keeps_no_client_no_serial_and_no_path(written: io.StringIO) -> None:
    note(log_of(AccessLogging.ANONYMOUS))
    text = written.getvalue()
    assert CLIENT not in text
    assert "1234ABCD" not in text
    (line,) = lines(written)
    assert (line["event"], line["method"], line["path"]) == ("http.request", "GET", "/ocsp")
    assert (line["status"], line["bytes"]) == (200, 1234)
    assert set(line) == {"event", "level", "timestamp", "room", "method", "path", "status", "bytes"}


def test_full_keeps_client_and_path(written: io.StringIO) -> None:
    note(log_of(AccessLogging.FULL))
    (line,) = lines(written)
    assert (line["client"], line["path"]) == (CLIENT, TARGET.decode())
    assert "dropped_keys" not in line


def test_off_keeps_nothing_however_many(written: io.StringIO) -> None:
    log = log_of(AccessLogging.OFF)
    for _ in range(2 * MOST_LINES):
        note(log)
    log.second()
    assert written.getvalue() == ""


@pytest.mark.parametrize("logging", [AccessLogging.ANONYMOUS, AccessLogging.FULL])
def test_fifty_lines_a_second_and_then_their_count(written: io.StringIO, logging: AccessLogging) -> None:
    log = log_of(logging)
    for _ in range(MOST_LINES + 7):
        note(log)
    assert len(lines(written)) == MOST_LINES == 50
    log.second()
    assert (lines(written)[-1]["event"], lines(written)[-1]["count"]) == ("http.more_requests", 7)
    note(log)
    log.second()
    assert [line["event"] for line in lines(written)[-2:]] == ["http.more_requests", "http.request"]


@pytest.mark.parametrize(
    "target",
    [b'/ocsp/\r\n{"event":"forged"}', b"/\x1b[2J\x00\x07", b"/\xc2\x85\xff\x9b31m", b"/" + b"a" * 60_000],
    ids=["newline", "escape", "c1", "long"],
)
def test_control_characters_and_long_paths_make_no_lines_of_their_own(
    written: io.StringIO, target: bytes
) -> None:
    note(log_of(AccessLogging.FULL), target)
    (line,) = lines(written)
    assert line["event"] == "http.request"
    assert len(line["path"]) <= 300
    assert all(" " <= c <= "~" for c in written.getvalue().rstrip("\n"))
    assert not any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 for c in line["path"])
