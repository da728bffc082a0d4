"""Commits are heard of across processes on a real PostgreSQL, through whatever happens to the connection."""

from __future__ import annotations

import multiprocessing
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import create_engine, make_url, text

from audit.leaf import Leaf
from registry.model.certificate import certificate_serial
from registry.revocation import revoke_certificate
from registry.status import changes_since, log_size
from registry.store.audit_log import CHANNEL
from registry.store.notices import Notices, notices_for
from registry.store.unit_of_work import Store
from tests.integration.store.postgres import own_cluster
from tests.unit.registry.hospital import DISPLAY, ENGINEER, START, Hospital

PATIENCE = 20
"""Seconds for what must come; what must not come is followed by something that does."""
_NUMBERS = count(1)
LEAF = Leaf(kind="trust.judged", at=START, actor="job:test", subject="mtd-1")


@pytest.fixture
def url(server: str) -> str:
    """An empty database on PostgreSQL."""
    name = f"heard{next(_NUMBERS)}"
    with create_engine(server + "postgres", isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return server + name


class Heard:
    """A listener, and at each of its calls the size of the log that could be read then."""

    def __init__(self, notices: Notices, store: Store) -> None:
        self.notices, self._store = notices, store
        self.sizes: queue.Queue[int] = queue.Queue()
        notices.on_change(lambda: self.sizes.put(size_of(store)))

    def once(self) -> int:
        """Wait for a call."""
        return self.sizes.get(timeout=PATIENCE)

    def until(self, size: int) -> None:
        """Wait for the call that sees as much; nothing else will be told, so it must come."""
        while self.once() < size:
            pass

    def nothing_more(self) -> None:
        """For a moment at least."""
        with pytest.raises(queue.Empty):
            self.sizes.get(timeout=0.5)


def size_of(store: Store) -> int:
    with store.read() as uow:
        return log_size(uow)


@contextmanager
def listening(store: Store) -> Iterator[Heard]:
    notices = notices_for(store)
    assert notices is not None
    heard = Heard(notices, store)
    notices.start()
    try:
        heard.once()  # the connection itself
        yield heard
    finally:
        notices.stop()


def revoke_elsewhere(url: str, serial: str) -> None:
    store = Store.open(url)
    revoke_certificate(certificate_serial(f"0x{serial}"), "superseded", ENGINEER, ports=Hospital(store).ports)
    store.close()


def commit(store: Store) -> None:
    with store.write() as uow:
        uow.log.append(LEAF)


def backends(url: str, *, end: bool = False) -> int:
    """How many connections our listeners have, or had before the server ended them."""
    what = "pg_terminate_backend(pid)" if end else "*"
    query = f"SELECT count({what}) FROM pg_stat_activity WHERE application_name = 'medtrust-notices'"  # noqa: S608
    with create_engine(url, isolation_level="AUTOCOMMIT").connect() as connection:
        return int(connection.execute(text(query + " AND datname = current_database()")).scalar_one())


def test_a_revocation_in_another_process_is_heard(hospital: Hospital, url: str) -> None:
    _, record = hospital.active(DISPLAY)
    reader = Store.open(url, read_only=True)
    seen = size_of(reader)
    with listening(reader) as heard:
        elsewhere = multiprocessing.get_context("spawn").Process(
            target=revoke_elsewhere, args=(url, record.certificate_serial)
        )
        elsewhere.start()
        heard.once()
        with reader.read() as uow:
            told = changes_since(seen, uow)
        elsewhere.join()
    assert told.serials == {int(record.certificate_serial, 16)}
    assert elsewhere.exitcode == 0
    reader.close()


def test_a_killed_backend_is_replaced_and_what_it_missed_is_told(hospital: Hospital, url: str) -> None:
    with listening(hospital.store) as heard:
        for number in range(1, 6):
            while not backends(url, end=True):
                threading.Event().wait(0.01)
            commit(hospital.store)
            heard.until(number)
        commit(hospital.store)
        heard.until(6)
        assert heard.notices.connected


def test_what_did_not_commit_or_grew_no_log_is_not_heard_of(hospital: Hospital) -> None:
    with listening(hospital.store) as heard:
        with pytest.raises(ZeroDivisionError):
            undone(hospital.store)
        with hospital.store.write() as uow:
            uow.operations.promise("publish_crl", None, "no leaf", START)
        heard.nothing_more()
        commit(hospital.store)
        assert heard.once() == 1
        heard.nothing_more()


def undone(store: Store) -> None:
    with store.write() as uow:
        uow.log.append(LEAF)
        uow.log.announce()
        raise ZeroDivisionError


def test_a_commit_tells_the_logs_new_size_once(hospital: Hospital, url: str) -> None:
    plain = url.replace("+psycopg", "")
    with psycopg.connect(plain, autocommit=True) as other:
        other.execute(f"LISTEN {CHANNEL}")
        with hospital.store.write() as uow:
            uow.log.append(LEAF, LEAF)
            uow.log.append(LEAF)
        told = [notice.payload for notice in other.notifies(timeout=PATIENCE, stop_after=1)]
        told += [notice.payload for notice in other.notifies(timeout=0.3)]
    assert told == ["3"]


def test_who_may_only_select_hears(hospital: Hospital, url: str) -> None:
    role = f"{make_url(url).database}_status"
    with hospital.store.engine.begin() as connection:
        connection.execute(text(f"CREATE ROLE {role} LOGIN"))
        connection.execute(text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"))
    reader = Store.open(make_url(url).set(username=role).render_as_string(), read_only=True)
    with listening(reader) as heard:
        commit(hospital.store)
        heard.once()
    reader.close()


def test_a_callback_that_fails_is_called_again(hospital: Hospital) -> None:
    notices = notices_for(hospital.store)
    assert notices is not None
    failing = iter([True, True, False])
    called: queue.Queue[None] = queue.Queue()

    def call() -> None:
        called.put(None)
        if next(failing, False):
            raise ZeroDivisionError

    notices.on_change(call)
    notices.start()
    for _ in range(3):
        called.get(timeout=PATIENCE)
    commit(hospital.store)
    called.get(timeout=PATIENCE)
    assert notices.connected
    notices.stop()


def test_stopped_it_calls_nobody_and_leaves_no_connection(hospital: Hospital, url: str) -> None:
    with listening(hospital.store) as heard:
        assert backends(url) == 1
    assert not heard.notices.connected
    commit(hospital.store)
    heard.nothing_more()
    while backends(url):
        threading.Event().wait(0.01)
    heard.notices.stop()


def test_it_can_be_stopped_before_it_began(hospital: Hospital) -> None:
    notices = notices_for(hospital.store)
    assert notices is not None
    notices.stop()
    notices.start()
    notices.stop()
    assert not notices.connected


def test_a_server_that_goes_and_comes_back_is_heard_again() -> None:
    with own_cluster() as server:
        store = Store.open(server.url + "postgres")
        with listening(store) as heard:
            server.stop()
            while heard.notices.connected:
                threading.Event().wait(0.01)
            server.start()
            heard.until(0)
            commit(store)
            heard.until(1)
        store.close()


def test_a_server_that_is_not_there_yet_is_waited_for() -> None:
    with own_cluster() as server:
        store = Store.open(server.url + "postgres")
        store.close()
        server.stop()
        notices = notices_for(store)
        assert notices is not None
        heard = Heard(notices, store)
        notices.start()
        heard.nothing_more()
        assert not notices.connected
        server.start()
        heard.until(0)
        notices.stop()
        store.close()


def test_a_file_tells_nobody(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path / 'registry.db'}")
    assert notices_for(store) is None
    store.close()
