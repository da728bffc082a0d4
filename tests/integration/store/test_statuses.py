"""Statuses by the thousand agree with those asked one by one; the log's backlog names what has changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, text

from audit.leaf import Leaf
from registry.model.actor import job
from registry.model.certificate import CertificateRecord, CertificateState, of_int
from registry.publication import publish
from registry.registration import retire
from registry.revocation import hold_device, release_device, revoke_certificate, revoke_device
from registry.status import (
    NOT_ISSUED,
    KnownStatus,
    Status,
    StatusKind,
    certificate_status,
    changes_between,
    changes_since,
    log_size,
    statuses_after,
)
from registry.store.certificates import _ANSWERED
from registry.store.unit_of_work import Store, UnitOfWork
from registry.upkeep import expire, reconcile_intentions, void_unconfirmed
from tests.integration.store.test_migration_lists import first_schema
from tests.unit.registry.hospital import DISPLAY, ENGINEER, MONITOR, PUMP, START, Hospital, device_key

S = CertificateState
ISSUERS = ("issuing", "old", "root")
MINUTE = timedelta(minutes=1)


def record(
    serial: int, state: CertificateState, issuer: str, *, minutes: int, has_der: bool, dated: bool
) -> CertificateRecord:
    """Any row that the columns allow, also one that no use case writes."""
    return CertificateRecord(
        certificate_serial=of_int(serial),
        issuer=issuer,
        profile="server",
        subject="x",
        state=state,
        not_before=START - timedelta(days=1),
        not_after=START + minutes * MINUTE,
        tbs_digest=b"",
        intended_at=START - 5 * MINUTE,
        der=b"der" if has_der else None,
        fingerprint=f"{serial:x}" if has_der else None,
        reason="keyCompromise" if state.is_revoked else "",
        revoked_at=START - MINUTE if dated and state is not S.ACTIVE else None,
    )


ROWS = st.lists(
    st.builds(
        record,
        st.integers(1, 1 << 12) | st.integers(1, (1 << 158)),
        st.sampled_from(S),
        st.sampled_from(ISSUERS),
        minutes=st.integers(-2, 2),
        has_der=st.booleans(),
        dated=st.booleans(),
    ),
    unique_by=lambda row: row.certificate_serial,
    max_size=40,
)


def pages(uow: UnitOfWork, issuer: str, limit: int) -> Iterator[list[KnownStatus]]:
    """Until one is not full."""
    after = ""
    while True:
        page = statuses_after(issuer, after, limit, uow, not_after=START)
        yield page
        if len(page) < limit:
            return
        after = of_int(page[-1].certificate_serial)


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url)
    yield opened
    opened.close()


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(rows=ROWS, limit=st.integers(1, 12))
def test_in_bulk_they_are_what_they_are_one_by_one(
    store: Store, rows: list[CertificateRecord], limit: int
) -> None:
    with store.engine.begin() as connection:
        for name in ("certificate", "revocation"):
            connection.execute(text(f"DELETE FROM {name}"))  # noqa: S608 - two words of ours
    with store.write() as uow:
        uow.certificates.add(rows)
    with store.read() as uow:
        for issuer in ISSUERS:
            found = [known for page in pages(uow, issuer, limit) for known in page]
            asked: dict[int, tuple[Status, object]] = {}
            for row in rows:
                serial = int(row.certificate_serial, 16)
                status = certificate_status(serial, uow, issuer)
                if status != NOT_ISSUED and row.not_after >= START:
                    asked[serial] = (status, row.not_after)
            assert {known.certificate_serial: known[1:] for known in found} == asked
            assert len(found) == len(asked)


def test_pages_come_in_the_order_of_what_is_stored(store: Store) -> None:
    serials = (0x9, 0x10, 0xA, 0xAB, 0xFF, 0x100, 0x9A)
    with store.write() as uow:
        uow.certificates.add(
            [record(serial, S.ACTIVE, "issuing", minutes=1, has_der=True, dated=False) for serial in serials]
        )
    with store.read() as uow:
        found = [known.certificate_serial for page in pages(uow, "issuing", 2) for known in page]
    assert found == [0x10, 0x100, 0x9, 0x9A, 0xA, 0xAB, 0xFF]


def test_a_page_is_read_from_its_index_alone(store: Store) -> None:
    """Without the index's own words in the query every page would read, or sort, the CA's certificates."""
    rows = [record(n, S.ACTIVE, "issuing", minutes=1, has_der=True, dated=False) for n in range(1, 2_000)]
    with store.write() as uow:
        uow.certificates.add(rows)
    asked = {"of_issuer": "issuing", "after": "5", "ends_from": START, "most": 10}
    dialect = store.engine.dialect
    statement = _ANSWERED._text(dialect)
    how = "EXPLAIN QUERY PLAN " if dialect.name == "sqlite" else "EXPLAIN "
    with store.engine.connect() as connection:
        if dialect.name == "postgresql":
            connection.execute(text("ANALYZE certificate"))
        cursor = connection.connection.cursor()
        cursor.execute(how + statement.sql, statement.values(asked))
        plan = str(cursor.fetchall())
    assert "certificate_status" in plan
    assert "TEMP B-TREE" not in plan
    assert "Sort" not in plan


def test_a_store_of_the_first_schema_gets_its_index_and_the_same_answers(url: str) -> None:
    first_schema(url)
    store = Store.open(url)
    with store.read() as uow:
        found = statuses_after("issuing", "", 10, uow, not_after=START)
        asked = {serial: certificate_status(serial, uow) for serial in (0xABC1, 0xFF02, 0x77)}
        assert certificate_status(0x88, uow) == NOT_ISSUED  # active, but nothing was ever signed
    indexes = {str(index["name"]) for index in inspect(store.engine).get_indexes("certificate")}
    store.close()
    assert {known.certificate_serial: known.status for known in found} == asked
    assert all(status.kind is StatusKind.REVOKED for status in asked.values())
    assert "certificate_status" in indexes
    assert "ix_certificate_issuer" not in indexes


def statuses(hospital: Hospital) -> dict[int, Status]:
    with hospital.store.read() as uow:
        return {
            int(each.certificate_serial, 16): certificate_status(int(each.certificate_serial, 16), uow)
            for each in uow.certificates.all()
        }


class Followed:
    """A hospital whose every act is compared with what the log says that it has moved."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital = hospital
        self.before, self.size = statuses(hospital), 0
        self.moved: list[int] = []

    def check(self) -> set[int]:
        """What has changed since the last check; the log must have named all of it, and exactly."""
        after = statuses(self.hospital)
        changed = {
            serial for serial, status in after.items() if self.before.get(serial, NOT_ISSUED) != status
        }
        with self.hospital.store.read() as uow:
            told = changes_between(self.size, log_size(uow), uow)
        assert told.serials is not None
        assert changed <= told.serials
        self.before, self.size = after, told.log_size
        return changed


def test_the_log_names_every_status_that_any_act_moves(hospital: Hospital) -> None:
    followed = Followed(hospital)
    device, first = hospital.active(DISPLAY)
    assert followed.check() == {int(first.certificate_serial, 16)}
    renewed = hospital.confirm(hospital.renew(device, first, key=device_key(1)), key=device_key(1))
    assert followed.check() == {int(each.certificate_serial, 16) for each in (first, renewed)}
    hold_device(device.device_id, "looks odd", ENGINEER, ports=hospital.ports)
    assert len(followed.check()) == 1
    release_device(device.device_id, ENGINEER, ports=hospital.ports)
    assert len(followed.check()) == 1
    hospital.seen[device.device_id] = 1
    pending = hospital.renew(device, renewed, "n2", key=device_key(2))
    followed.check()
    revoke_certificate(renewed.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    assert len(followed.check()) == 2, f"{pending.device_id}'s heir ends with it"
    monitor, _ = hospital.active(MONITOR)
    followed.check()
    revoke_device(monitor.device_id, "superseded", ENGINEER, ports=hospital.ports)
    assert len(followed.check()) == 1
    pump = hospital.admit(PUMP)
    hospital.enroll(pump)
    assert len(followed.check()) == 1
    retire(pump.device_id, ENGINEER, ports=hospital.ports)
    assert len(followed.check()) == 1
    publish(hospital.signer, job("publisher"), ports=hospital.ports)
    assert followed.check() == set()


def test_what_time_does_is_named_too(hospital: Hospital) -> None:
    followed = Followed(hospital)
    pending = hospital.enroll(hospital.admit(DISPLAY))
    hospital.active(MONITOR)
    with hospital.store.write() as uow:
        orphan = record(0x77, S.INTENDED, "issuing", minutes=100, has_der=False, dated=False)
        uow.certificates.add([orphan])
    followed.check()
    hospital.wait(days=2)
    reconcile_intentions(job("upkeep"), ports=hospital.ports)
    assert followed.check() == {0x77}
    hospital.wait(days=30)
    void_unconfirmed(job("upkeep"), ports=hospital.ports)
    assert len(followed.check()) == 1, f"{pending.device_id} never confirmed"
    hospital.wait(days=4_000)
    assert expire(job("upkeep"), ports=hospital.ports) == 1
    assert followed.check() == set()


def test_a_backlog_of_any_length_is_walked_in_steps(hospital: Hospital) -> None:
    device, record_ = hospital.active(DISPLAY)
    leaf = Leaf(kind="trust.judged", at=START, actor="job:test", subject=device.device_id)
    for _ in range(3):
        with hospital.store.write() as uow:
            uow.log.append(*[leaf] * 1_000)
    with hospital.store.read() as uow:
        size = log_size(uow)
        assert changes_since(0, uow).serials is None
        assert changes_since(size - 2_000, uow).serials == frozenset()
        seen, found, steps = 0, set(), 0
        while seen < size:
            step = changes_between(seen, seen + 700, uow)
            assert step.serials is not None
            found |= step.serials
            seen, steps = step.log_size, steps + 1
    assert (seen, steps) == (size, -(-size // 700))
    assert found == {int(record_.certificate_serial, 16)}


def test_a_device_without_certificates_moves_none(hospital: Hospital) -> None:
    device = hospital.admit(DISPLAY)
    with hospital.store.read() as uow:
        seen = log_size(uow)
    retire(device.device_id, ENGINEER, ports=hospital.ports)
    with hospital.store.read() as uow:
        assert changes_since(seen, uow).serials == frozenset()


@pytest.mark.parametrize(("seen", "upto"), [(9, 12), (-1, 1)])
def test_a_log_that_is_shorter_than_what_was_seen_says_nothing_exact(
    store: Store, seen: int, upto: int
) -> None:
    with store.write() as uow:
        uow.log.append(Leaf(kind="crl.published", at=START, actor="job:test", subject="issuing"))
    with store.read() as uow:
        assert changes_between(seen, upto, uow).serials is None
        told = changes_between(0, 5, uow)
    assert (told.log_size, told.serials, told.lists) == (1, frozenset(), True)


def test_a_leaf_that_is_gone_or_names_no_serial_may_have_been_anything(store: Store) -> None:
    with store.write() as uow:
        leaf = Leaf(kind="certificate.issued", at=START, actor="job:test", subject="mtd-1")
        uow.log.append(leaf, leaf)
    with store.read() as uow:
        assert changes_between(0, 2, uow).serials is None
    with store.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_entry"))
    with store.read() as uow:
        assert changes_between(0, 2, uow).serials is None
