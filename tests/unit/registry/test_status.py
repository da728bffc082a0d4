"""Statuses by state, and what a commit is taken to have changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from audit.leaf import Leaf
from registry.model.certificate import CertificateRecord, CertificateState, of_int
from registry.status import (
    GOOD,
    NOT_ISSUED,
    Status,
    StatusKind,
    certificate_status,
    changes_since,
    log_size,
)
from registry.store.unit_of_work import Store

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
S = CertificateState


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(f"sqlite:///{tmp_path / 'registry.db'}")
    yield opened
    opened.close()


def record(serial: int, state: CertificateState, *, issuer: str = "issuing") -> CertificateRecord:
    revoked = state.is_revoked and state is not S.ABANDONED
    signed = state not in (S.INTENDED, S.ABANDONED)
    return CertificateRecord(
        certificate_serial=of_int(serial),
        issuer=issuer,
        profile="server",
        subject="x",
        state=state,
        not_before=NOW,
        not_after=NOW + timedelta(days=1),
        tbs_digest=b"",
        intended_at=NOW,
        der=b"der" if signed else None,
        fingerprint=f"{serial:x}" if signed else None,
        reason="superseded" if revoked else "",
        revoked_at=NOW + timedelta(hours=1) if revoked else None,
    )


def commit(store: Store, kind: str, subject: str) -> None:
    with store.write() as uow:
        uow.log.append(Leaf(kind=kind, at=NOW, actor="operator:me", subject=subject, detail={}))


@pytest.mark.parametrize("state", [S.PENDING, S.ACTIVE, S.EXPIRED])
def test_what_was_signed_and_not_taken_back_is_good(store: Store, state: CertificateState) -> None:
    with store.write() as uow:
        uow.certificates.add([record(7, state)])
        assert certificate_status(7, uow) == GOOD


@pytest.mark.parametrize("state", [S.HELD, S.SUPERSEDED, S.REVOKED, S.VOID])
def test_what_was_taken_back_says_when_and_why(store: Store, state: CertificateState) -> None:
    with store.write() as uow:
        uow.certificates.add([record(7, state)])
        found = certificate_status(7, uow)
    assert found == Status(StatusKind.REVOKED, NOW + timedelta(hours=1), "superseded")


def test_an_abandoned_intention_is_revoked_since_it_was_intended(store: Store) -> None:
    with store.write() as uow:
        uow.certificates.add([record(7, S.ABANDONED)])
        assert certificate_status(7, uow) == Status(StatusKind.REVOKED, NOW, "")


@pytest.mark.parametrize("serial", [8, 0, -7, 1 << 200])
def test_a_serial_that_nobody_has_was_not_issued(store: Store, serial: int) -> None:
    with store.write() as uow:
        uow.certificates.add([record(7, S.ACTIVE)])
        assert certificate_status(serial, uow) == NOT_ISSUED


def test_an_intention_and_the_roots_certificates_are_not_issued_by_this_ca(store: Store) -> None:
    with store.write() as uow:
        uow.certificates.add([record(7, S.INTENDED), record(9, S.ACTIVE, issuer="root")])
        assert certificate_status(7, uow) == NOT_ISSUED
        assert certificate_status(9, uow) == NOT_ISSUED


def test_every_state_has_an_answer(store: Store) -> None:
    for state in S:
        with store.write() as uow:
            uow.certificates.add([record(100 + list(S).index(state), state)])
            kind = certificate_status(100 + list(S).index(state), uow).kind
        assert (kind is StatusKind.GOOD) == (state in (S.PENDING, S.ACTIVE, S.EXPIRED))


def test_nothing_new_changes_nothing(store: Store) -> None:
    with store.read() as uow:
        found = changes_since(log_size(uow), uow)
    assert (found.serials, found.lists) == (frozenset(), False)


def test_a_revocation_touches_its_certificate_only(store: Store) -> None:
    with store.write() as uow:
        uow.certificates.add([record(7, S.ACTIVE), record(8, S.ACTIVE)])
    commit(store, "certificate.revoked", "7")
    with store.read() as uow:
        found = changes_since(0, uow)
    assert (found.log_size, found.serials, found.lists) == (1, frozenset({7}), False)


def test_a_published_list_touches_no_certificate(store: Store) -> None:
    commit(store, "crl.published", "issuing")
    with store.read() as uow:
        found = changes_since(0, uow)
    assert (found.serials, found.lists) == (frozenset(), True)


@pytest.mark.parametrize("kind", ["device.revoked", "something.nobody_knows_yet"])
def test_what_cannot_be_placed_touches_everything(store: Store, kind: str) -> None:
    commit(store, kind, "dev-without-certificates")
    with store.read() as uow:
        assert changes_since(0, uow).serials is None


def test_a_log_that_shrank_or_ran_far_ahead_touches_everything(store: Store) -> None:
    commit(store, "trust.judged", "dev-1")
    with store.read() as uow:
        assert changes_since(5, uow).serials is None
        assert changes_since(0, uow).serials == frozenset()
        assert changes_since(-2_000, uow).serials is None
