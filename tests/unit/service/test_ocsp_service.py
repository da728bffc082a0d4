"""The responder without HTTP: every status, both signers, nonces, and answers that stay in memory."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path

import pytest

from pki import oids
from pki.algorithms import SignatureAlgorithm
from pki.cert_id import CertId
from pki.crl_list import CrlReason
from pki.ocsp import (
    GOOD,
    NEVER_ISSUED,
    UNKNOWN,
    ResponseStatus,
    Revoked,
    build_request,
    parse_response,
    verify_response,
)
from registry.revocation import hold_certificate, release_certificate, revoke_certificate
from service import clock
from service.authority import Authority
from service.home import Home
from service.status.answers import http_date
from tests.unit.service.ocsp_bench import Bench, bench, ca, certificate
from tests.unit.service.ocsp_requests import request_of
from tests.unit.service.status_fixtures import HOUR, WHO, opened

__all__ = ["bench", "ca"]

NONCE = bytes(range(32))


@pytest.mark.parametrize("digest", [oids.SHA1, oids.SHA256, oids.SHA384, oids.SHA512])
@pytest.mark.parametrize("post_quantum", [False, True])
def test_a_live_certificate_is_good_and_the_answer_verifies(
    bench: Bench, digest: str, post_quantum: bool
) -> None:
    mine = bench.authority.registry.certificate
    response = bench.ask(build_request(mine, bench.issuer, hash_oid=digest), post_quantum=post_quantum)
    wanted = CertId.of(bench.issuer, mine.serial, digest)
    found = verify_response(response, wanted, bench.issuer, clock.now())
    assert [finding for finding in found if finding.refuses] == []
    assert response.basic is not None
    answer = response.basic.answer_for(wanted)
    assert answer is not None
    assert answer.status == GOOD
    assert answer.next_update == answer.this_update + HOUR


def test_the_path_and_the_preference_choose_the_signer(bench: Bench) -> None:
    mine, classical, quantum = (
        bench.authority.registry.certificate,
        SignatureAlgorithm.ECDSA_SHA256,
        SignatureAlgorithm.ML_DSA_65,
    )

    def signed(*preferred: SignatureAlgorithm, path: bool = False) -> SignatureAlgorithm:
        request = build_request(mine, bench.issuer, preferred=preferred)
        return bench.basic(request, post_quantum=path).algorithm

    assert signed() is classical
    assert signed(quantum) is quantum
    assert signed(classical, quantum) is classical
    assert signed(SignatureAlgorithm.ML_DSA_87, quantum, classical) is quantum
    assert signed(SignatureAlgorithm.ML_DSA_87) is classical
    assert signed(classical, path=True) is quantum


def test_a_serial_that_was_never_issued_is_revoked_since_1970_and_never_good(bench: Bench) -> None:
    basic = bench.basic(request_of(CertId.of(bench.issuer, 0x1234)))
    assert basic.answers[0].status == NEVER_ISSUED
    assert basic.extended_revoke
    assert basic.answers[0].next_update == basic.answers[0].this_update + timedelta(minutes=5)


def test_what_was_not_issued_is_not_kept_so_that_issuing_shows_at_once(bench: Bench) -> None:
    answer = bench.http(request_of(CertId.of(bench.issuer, 0x1234)))
    assert dict(answer.headers)[b"cache-control"] == b"no-store"
    assert answer.etag == b""


def test_another_issuer_is_unauthorized_and_beside_one_of_ours_unknown(bench: Bench) -> None:
    foreign = CertId.of(bench.authority.root, bench.issuer.serial)
    mine = CertId.of(bench.issuer, bench.authority.registry.certificate.serial)
    assert bench.ask(request_of(foreign)).status is ResponseStatus.UNAUTHORIZED
    both = bench.basic(request_of(foreign, mine))
    assert [answer.status for answer in both.answers] == [UNKNOWN, GOOD]
    assert [answer.cert_id for answer in both.answers] == [foreign.der, mine.der]


def test_an_unknown_digest_is_unauthorized(bench: Bench) -> None:
    mine = CertId.of(bench.issuer, bench.authority.registry.certificate.serial)
    odd = CertId.parse(
        mine.der.replace(bytes.fromhex("608648016503040201"), bytes.fromhex("608648016503040204"))
    )
    assert bench.ask(request_of(odd)).status is ResponseStatus.UNAUTHORIZED


@pytest.mark.parametrize("request_bytes", [b"", b"\x30\x00", b"not DER", b"\x30\x80\x00\x00", bytes(70_000)])
def test_what_is_no_request_is_malformed(bench: Bench, request_bytes: bytes) -> None:
    assert bench.ask(request_bytes).status is ResponseStatus.MALFORMED_REQUEST


def test_revoke_hold_and_release_show_at_the_next_question_after_a_touch(bench: Bench) -> None:
    one, other = bench.certify(), bench.certify()
    request = build_request(certificate(one), bench.issuer)
    untouched = build_request(certificate(other), bench.issuer)
    kept = bench.ask(untouched)

    def status() -> object:
        bench.desk.watch.touch()
        return bench.basic(request).answers[0].status

    assert status() == GOOD
    held = hold_certificate(one.certificate_serial, WHO, ports=bench.ports)
    assert held.revoked_at is not None
    assert status() == Revoked(held.revoked_at.replace(microsecond=0), CrlReason.CERTIFICATE_HOLD)
    release_certificate(one.certificate_serial, WHO, ports=bench.ports)
    assert status() == GOOD
    ended = revoke_certificate(one.certificate_serial, "keyCompromise", WHO, ports=bench.ports)
    assert ended.revoked_at is not None
    assert status() == Revoked(ended.revoked_at.replace(microsecond=0), CrlReason.KEY_COMPROMISE)
    assert bench.ask(untouched) == kept


def test_another_process_commit_shows_once_the_last_look_is_old(
    bench: Bench, ca: tuple[Home, Authority]
) -> None:
    record = bench.certify()
    request = build_request(certificate(record), bench.issuer)
    assert bench.basic(request).answers[0].status == GOOD
    with opened(ca[0]) as elsewhere:
        revoke_certificate(record.certificate_serial, "superseded", WHO, ports=elsewhere.ports)
    bench.clock.ahead += timedelta(milliseconds=150)
    status = bench.basic(request).answers[0].status
    assert isinstance(status, Revoked)
    assert status.reason is CrlReason.SUPERSEDED


@pytest.mark.parametrize("post_quantum", [False, True])
def test_a_nonce_comes_back_is_never_kept_and_still_tells_of_a_revocation(
    bench: Bench, post_quantum: bool
) -> None:
    record = bench.certify()
    for nonce in (NONCE, bytes(reversed(NONCE)), b"x", bytes(128)):
        request = build_request(certificate(record), bench.issuer, nonce=nonce)
        assert bench.basic(request, post_quantum=post_quantum).nonce == nonce
        assert dict(bench.http(request).headers)[b"cache-control"] == b"no-store"
    revoke_certificate(record.certificate_serial, "unspecified", WHO, ports=bench.ports)
    bench.desk.watch.touch()
    request = build_request(certificate(record), bench.issuer, nonce=NONCE)
    assert isinstance(bench.basic(request, post_quantum=post_quantum).answers[0].status, Revoked)


def test_an_answer_is_kept_for_half_its_life(bench: Bench) -> None:
    request = build_request(bench.authority.registry.certificate, bench.issuer)
    first = bench.ask(request)
    assert bench.ask(request) == first
    bench.clock.ahead += timedelta(minutes=29)
    assert bench.ask(request) == first
    bench.clock.ahead += timedelta(minutes=2)
    assert bench.ask(request) != first


def test_no_answer_outlives_its_signer(bench: Bench) -> None:
    mine = bench.authority.registry.certificate
    signer = bench.authority.default.ocsp_ecdsa.certificate
    request = build_request(mine, bench.issuer)
    bench.clock.ahead = signer.not_after - clock.now() - timedelta(minutes=10)
    assert bench.basic(request).answers[0].next_update == signer.not_after
    bench.clock.ahead += timedelta(minutes=20)
    assert bench.ask(request).status is ResponseStatus.INTERNAL_ERROR


def test_caching_fields_follow_the_answers_times(bench: Bench) -> None:
    answer = bench.http(build_request(bench.authority.registry.certificate, bench.issuer))
    headers = dict(answer.headers)
    basic = parse_response(answer.body + answer.tail).basic
    assert basic is not None
    assert basic.answers[0].next_update is not None
    assert headers[b"last-modified"] == http_date(basic.answers[0].this_update)
    assert headers[b"expires"] == http_date(basic.answers[0].next_update)
    assert headers[b"cache-control"].startswith(b"max-age=60, public")
    assert headers[b"etag"] == b'"%b"' % hashlib.sha256(answer.body + answer.tail).hexdigest().encode()


def test_a_store_that_does_not_answer_means_try_later_but_what_is_signed_stands(
    bench: Bench, tmp_path: Path
) -> None:
    record = bench.certify()
    known = build_request(bench.authority.registry.certificate, bench.issuer)
    kept = bench.ask(known)
    moved = bench.runtime.home.root / "registry.db"
    bench.ports.store.close()
    moved.rename(tmp_path / "registry.db")
    try:
        moved.mkdir()
        bench.desk.watch.touch()
        asked = build_request(certificate(record), bench.issuer)
        assert bench.ask(asked).status is ResponseStatus.TRY_LATER
        assert bench.ask(known) == kept
    finally:
        moved.rmdir()
        (tmp_path / "registry.db").rename(moved)


def test_of_an_expired_certificate_the_answer_goes_on_with_an_archive_cutoff(bench: Bench) -> None:
    record = bench.certify()
    request = build_request(certificate(record), bench.issuer)
    assert bench.basic(request).answers[0].archive_cutoff is None
    bench.clock.ahead = certificate(record).not_after - clock.now() + timedelta(days=1)
    answer = bench.basic(request).answers[0]
    assert answer.status == GOOD
    assert answer.archive_cutoff == bench.issuer.not_before
