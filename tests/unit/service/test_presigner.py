"""Answers signed ahead: true, current, and given only while nothing that was committed is against it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from audit.leaf import Leaf
from pki import oids
from pki.cert_id import CertId
from pki.crl_entry import CrlReason
from pki.ocsp import GOOD, Revoked, build_request, verify_response
from pki.ocsp_template import serial_octets
from registry.model.certificate import CertificateRecord
from registry.revocation import hold_certificate, release_certificate, revoke_certificate
from service import clock
from service.authority import Authority
from service.home import Home
from service.status.presigned import Presigned
from service.status.presigner import Presigner
from tests.unit.service.ocsp_bench import Bench, benched, ca, certificate, serial_of
from tests.unit.service.ocsp_requests import request_of
from tests.unit.service.status_fixtures import HOUR, WHO

__all__ = ["ca"]


@pytest.fixture
def presigned(tmp_path: Path) -> Iterator[Presigned]:
    file = Presigned(tmp_path / "presigned", writable=True)
    yield file
    file.close()


@pytest.fixture
def bench(ca: tuple[Home, Authority], presigned: Presigned) -> Iterator[Bench]:
    yield from benched(ca, presigned.reader())


@pytest.fixture
def presigner(bench: Bench, presigned: Presigned) -> Presigner:
    return another(bench, presigned)


def another(bench: Bench, presigned: Presigned, lifetime: timedelta = HOUR) -> Presigner:
    return Presigner(bench.authority, bench.ports, presigned, lifetime=lifetime, digests=[oids.SHA1])


def walk(presigner: Presigner) -> None:
    while presigner.step():
        pass


def asked(bench: Bench, record: CertificateRecord, nonce: bytes | None = None) -> bytes:
    return build_request(certificate(record), bench.issuer, hash_oid=oids.SHA1, nonce=nonce)


def known_shape(bench: Bench) -> None:
    """Some client of this kind has asked before."""
    for nonce in (None, bytes(range(32))):
        bench.ask(asked(bench, bench.certify(), nonce))


def look(bench: Bench) -> None:
    """The next question looks at the store, as after a tenth of a second."""
    bench.desk.watch.touch()


def test_what_is_signed_ahead_verifies_and_carries_its_own_times(bench: Bench, presigner: Presigner) -> None:
    known_shape(bench)
    record = bench.certify()
    walk(presigner)
    look(bench)
    request = asked(bench, record)
    bench.ask(request)
    assert bench.how(request) == "presigned"
    cert_id = CertId.of(bench.issuer, serial_of(record), oids.SHA1)
    response = bench.ask(request)
    found = verify_response(response, cert_id, bench.issuer, clock.now())
    assert [finding for finding in found if finding.refuses] == []
    assert response.basic is not None
    answer = response.basic.answers[0]
    assert (answer.status, answer.next_update) == (GOOD, answer.this_update + HOUR)
    http = bench.http(request)
    assert http.etag == b'"%b"' % hashlib.sha256(http.body + http.tail).hexdigest().encode()


def test_every_change_shows_at_once_and_again_when_it_was_followed(
    bench: Bench, presigner: Presigner
) -> None:
    known_shape(bench)
    record = bench.certify()
    walk(presigner)
    request = asked(bench, record)

    def status(*, followed: bool) -> object:
        if followed:
            presigner.follow()
        look(bench)
        bench.ask(request)
        assert (bench.how(request) == "presigned") == followed
        return bench.basic(request).answers[0].status

    assert status(followed=True) == GOOD
    held = hold_certificate(record.certificate_serial, WHO, ports=bench.ports)
    assert held.revoked_at is not None
    on_hold = Revoked(held.revoked_at.replace(microsecond=0), CrlReason.CERTIFICATE_HOLD)
    assert [status(followed=False), status(followed=True)] == [on_hold, on_hold]
    release_certificate(record.certificate_serial, WHO, ports=bench.ports)
    assert [status(followed=False), status(followed=True)] == [GOOD, GOOD]
    revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=bench.ports)
    for followed in (False, True):
        said = status(followed=followed)
        assert isinstance(said, Revoked)
        assert said.reason is CrlReason.KEY_COMPROMISE


def test_a_nonce_is_answered_from_what_is_known_without_the_store(bench: Bench, presigner: Presigner) -> None:
    known_shape(bench)
    record = bench.certify()
    walk(presigner)
    look(bench)
    bench.ask(asked(bench, record))
    nonce = bytes(range(1, 33))
    assert bench.how(asked(bench, record, nonce)) == "signed"
    basic = bench.basic(asked(bench, record, nonce))
    assert (basic.nonce, basic.answers[0].status) == (nonce, GOOD)
    revoke_certificate(record.certificate_serial, "superseded", WHO, ports=bench.ports)
    look(bench)
    assert isinstance(bench.basic(asked(bench, record, nonce)).answers[0].status, Revoked)


def test_an_answer_is_given_for_half_its_life_and_made_new_before(bench: Bench, presigner: Presigner) -> None:
    known_shape(bench)
    record = bench.certify()
    walk(presigner)
    look(bench)
    first = bench.basic(asked(bench, record)).answers[0].this_update
    bench.clock.ahead += timedelta(minutes=29)
    look(bench)
    assert bench.basic(asked(bench, record)).answers[0].this_update == first
    walk(presigner)
    look(bench)
    bench.ask(asked(bench, record))
    assert bench.how(asked(bench, record)) == "presigned"
    assert bench.basic(asked(bench, record)).answers[0].this_update >= first + timedelta(minutes=29)
    bench.clock.ahead += timedelta(minutes=31)
    look(bench)
    bench.ask(asked(bench, record))
    assert bench.how(asked(bench, record)) == "cached"


def test_what_was_never_issued_is_not_signed_ahead(
    bench: Bench, presigner: Presigner, presigned: Presigned
) -> None:
    walk(presigner)
    known_shape(bench)
    request = request_of(CertId.of(bench.issuer, 0x7777 << 100, oids.SHA1))
    assert bench.how(request) == "looked_up"
    assert bench.how(request) == "looked_up"
    marks = {serial for _, form in presigner._forms for serial, _ in presigned.made(form.mark)}
    assert serial_octets(0x7777 << 100) not in marks
    assert len(marks) >= 1


def test_records_of_another_lifetime_are_not_given_out(
    bench: Bench, presigner: Presigner, presigned: Presigned
) -> None:
    known_shape(bench)
    record = bench.certify()
    walk(presigner)
    walk(another(bench, presigned, 2 * HOUR))
    look(bench)
    bench.ask(asked(bench, record))
    assert bench.how(asked(bench, record)) == "cached"
    walk(another(bench, presigned))
    look(bench)
    bench.ask(asked(bench, record))
    assert bench.how(asked(bench, record)) == "presigned"


def test_a_file_that_was_signed_from_a_newer_store_is_not_believed(
    bench: Bench, presigner: Presigner, presigned: Presigned
) -> None:
    known_shape(bench)
    record = bench.certify()
    walk(presigner)
    presigned.write(b"", (), synced=10**9)
    look(bench)
    bench.ask(asked(bench, record))
    assert bench.how(asked(bench, record)) != "presigned"
    presigner.follow()
    walk(presigner)
    look(bench)
    bench.ask(asked(bench, record))
    assert bench.how(asked(bench, record)) == "presigned"


def test_an_act_that_may_have_changed_anything_is_followed_by_signing_all_anew(
    bench: Bench, presigner: Presigner
) -> None:
    known_shape(bench)
    record = bench.certify()
    walk(presigner)
    signed = presigner.signed
    with bench.ports.store.write() as uow:
        uow.log.append(Leaf(kind="store.older_accepted", at=bench.clock(), actor=str(WHO), subject="store"))
    look(bench)
    bench.ask(asked(bench, record))
    assert bench.how(asked(bench, record)) != "presigned"
    walk(presigner)
    assert presigner.signed > signed + 1
    look(bench)
    bench.ask(asked(bench, record))
    assert bench.how(asked(bench, record)) == "presigned"


def test_a_presigner_that_comes_after_a_killed_one_follows_what_happened_between(
    bench: Bench, presigner: Presigner, presigned: Presigned
) -> None:
    known_shape(bench)
    records = [bench.certify() for _ in range(5)]
    walk(presigner)
    for record in records:
        revoke_certificate(record.certificate_serial, "superseded", WHO, ports=bench.ports)
    next_one = another(bench, presigned)
    next_one.follow()
    assert next_one.signed == len(records)
    look(bench)
    for record in records:
        assert isinstance(bench.basic(asked(bench, record)).answers[0].status, Revoked)
        assert bench.how(asked(bench, record)) == "presigned"


def test_with_a_clock_that_went_back_nothing_is_signed_and_nobody_is_told_anything_new(
    bench: Bench, presigner: Presigner
) -> None:
    record = bench.certify()
    with bench.ports.store.write() as uow:
        uow.operations.mark_clock(bench.clock() + timedelta(days=1))
    try:
        before = presigner.signed
        walk(presigner)
        assert presigner.signed == before
        assert bench.how(asked(bench, record)) == "try_later"
    finally:
        with bench.ports.store.write() as uow:
            uow.operations.mark_clock(bench.clock())


def test_a_lapsed_delegate_signs_nothing_ahead(bench: Bench, presigner: Presigner) -> None:
    ends = bench.authority.default.ocsp_ecdsa.certificate.not_after
    bench.clock.ahead = ends - clock.now() - timedelta(seconds=30)
    walk(presigner)
    assert presigner.signed == 0
