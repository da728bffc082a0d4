"""Servers that mean no good, over real sockets: bounded in time and in memory, and a typed error."""

from __future__ import annotations

import gzip
import socket
import time
import tracemalloc

import pytest

from service.http_fetch import fetch
from tests.odd_server import answer, odd_server, says
from tests.unit.service.fetch_steps import SMALL, failure


def forever(connection: socket.socket, piece: bytes, pause: float = 0) -> None:
    """Until the other side has gone."""
    while True:
        connection.sendall(piece)
        time.sleep(pause)


@pytest.mark.parametrize(
    ("said", "word"),
    [
        (answer(b"x", status="404 Not Found"), "answers 404 Not Found"),
        (answer(b"x", status="503 Service Unavailable"), "answers 503"),
        (answer(b"short", length=100), "95 octets are missing"),
        (answer(b"", length=SMALL + 1), "more than 4096 octets"),
        (answer(b"x", length=10**15), "more than 4096 octets"),
        (answer(b"x" * (SMALL + 1)), "more than 4096 octets"),
        (answer(gzip.compress(b"x" * 1000), "Content-Encoding: gzip"), "compressed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "IncompleteRead"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab", "IncompleteRead"),
        (b"\x30\x82garbage\r\n\r\n", "BadStatusLine"),
        (b"HTTP/1.1 banana\r\n\r\n", "BadStatusLine"),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n", "HTTPException"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n", "LineTooLong"),
        (b"", "closed connection without response"),
    ],
)
def test_what_is_no_whole_document_is_refused(said: bytes, word: str) -> None:
    assert word in failure(says(said)).problem


def test_a_document_of_just_the_allowed_size_is_taken() -> None:
    with odd_server(says(answer(b"x" * SMALL))) as url:
        assert len(fetch(url, at_most=SMALL).body) == SMALL


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (HEAD + b"\r\n", b"x"),
        (HEAD + b"Content-Length: 4000\r\n\r\n", b"x"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
        (HEAD, b"X: y\r\n"),
        (HEAD + b"X: ", b"y"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n"),
    ],
    ids=["body", "counted body", "chunks", "headers", "one header", "interim answers", "trailers"],
)
def test_an_octet_now_and_then_does_not_hold_us(first: bytes, piece: bytes) -> None:
    def deed(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(first)
        forever(connection, piece, 0.1)

    began = time.monotonic()
    failed = failure(deed, seconds=1)
    assert "no whole answer in 1 seconds" in failed.problem
    assert time.monotonic() - began < 5


def test_silence_does_not_hold_us() -> None:
    failed = failure(lambda connection, _head: time.sleep(2), seconds=0.5)
    assert "no whole answer in 0.5 seconds" in failed.problem


@pytest.mark.parametrize(
    ("first", "piece"),
    [
        (HEAD + b"\r\n", b"x" * 65536),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 10_000),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"y" * 60_000 + b"\r\nx\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: y\r\n" * 10_000),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 3000),
    ],
    ids=["body", "chunks", "chunks of an octet", "chunk extensions", "trailers", "interim answers"],
)
def test_what_never_ends_is_cut_off_in_little_memory(first: bytes, piece: bytes) -> None:
    sent = [0]

    def deed(connection: socket.socket, _head: bytes) -> None:
        connection.sendall(first)
        while True:
            connection.sendall(piece)
            sent[0] += len(piece)

    tracemalloc.start()
    try:
        failed = failure(deed, seconds=20)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "no whole answer" not in failed.problem
    assert peak < 4 * 1024 * 1024
    assert sent[0] < 32 * 1024 * 1024
