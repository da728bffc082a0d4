"""Statuses by the thousand agree with those asked one by one, and a page is read from its index alone."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, text

from registry.model.certificate import CertificateRecord, CertificateState, of_int
from registry.status import (
    NOT_ISSUED,
    KnownStatus,
    Status,
    StatusKind,
    certificate_status,
    statuses_after,
)
from registry.store.certificates import _ANSWERED
from registry.store.unit_of_work import Store, UnitOfWork
from tests.integration.store.test_migration_lists import first_schema
from tests.unit.registry.hospital import START

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
