"""Answers made from a template are what the long way would have said: verified, timed and current."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pki import asn1, oids
from pki.cert_id import CertId
from pki.extensions import Extension
from pki.ocsp import GOOD, ResponseStatus, Revoked, build_request, verify_response
from registry.model.certificate import CertificateRecord
from registry.revocation import revoke_certificate
from service import clock
from tests.unit.service.ocsp_bench import Bench, bench, ca, certificate
from tests.unit.service.status_fixtures import HOUR, WHO

__all__ = ["bench", "ca"]


@pytest.fixture
def record(bench: Bench) -> CertificateRecord:
    return bench.certify()


def asked(bench: Bench, record: CertificateRecord, nonce: bytes, digest: str = oids.SHA1) -> bytes:
    return build_request(certificate(record), bench.issuer, nonce=nonce, hash_oid=digest)


def has_template(bench: Bench, request: bytes) -> bool:
    """Whether it is answered at once, by what its shape told."""
    return bench.desk.quick(request, post_quantum=False) is not None


@pytest.mark.parametrize("length", [16, 32, 64, 125])
def test_every_answer_from_a_template_verifies_with_its_own_nonce(
    bench: Bench, record: CertificateRecord, length: int
) -> None:
    cert_id = CertId.of(bench.issuer, certificate(record).serial, oids.SHA1)
    bench.ask(asked(bench, record, bytes(range(length))))
    for turn in range(1, 6):
        nonce = bytes(range(turn, turn + length))
        request = asked(bench, record, nonce)
        assert has_template(bench, request)
        response = bench.ask(request)
        found = verify_response(response, cert_id, bench.issuer, clock.now(), nonce=nonce)
        assert [finding for finding in found if finding.refuses] == []
        assert response.basic is not None
        assert response.basic.answers[0].status == GOOD


def test_the_times_are_those_of_the_question(bench: Bench, record: CertificateRecord) -> None:
    bench.ask(asked(bench, record, bytes(range(32))))
    bench.ask(asked(bench, record, bytes(range(2, 34))))
    bench.clock.ahead += timedelta(minutes=25)
    bench.desk.watch.touch()
    bench.ask(asked(bench, record, bytes(32)))
    before = bench.clock().replace(microsecond=0)
    basic = bench.basic(asked(bench, record, bytes(range(1, 33))))
    answer = basic.answers[0]
    assert before <= basic.produced_at <= bench.clock()
    assert (answer.this_update, answer.next_update) == (basic.produced_at, basic.produced_at + HOUR)


def test_a_revocation_ends_the_template_and_makes_another(bench: Bench, record: CertificateRecord) -> None:
    bench.ask(asked(bench, record, bytes(range(32))))
    revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=bench.ports)
    bench.desk.watch.touch()
    bench.clock.ahead += timedelta(seconds=2)
    for turn in range(3):
        basic = bench.basic(asked(bench, record, bytes(range(turn, turn + 32))))
        assert isinstance(basic.answers[0].status, Revoked)
    assert has_template(bench, asked(bench, record, bytes(range(50, 82))))


def test_a_revocation_learned_elsewhere_ends_the_template(bench: Bench, record: CertificateRecord) -> None:
    bench.ask(asked(bench, record, bytes(range(32))))
    revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=bench.ports)
    bench.desk.watch.touch()
    bench.ask(build_request(certificate(record), bench.issuer))
    basic = bench.basic(asked(bench, record, bytes(range(1, 33))))
    assert isinstance(basic.answers[0].status, Revoked)


def test_another_question_has_no_template(bench: Bench, record: CertificateRecord) -> None:
    bench.ask(asked(bench, record, bytes(range(32))))
    assert not has_template(bench, asked(bench, record, bytes(range(31))))
    assert not has_template(bench, asked(bench, record, bytes(range(32)), oids.SHA256))
    assert not has_template(bench, asked(bench, bench.certify(), bytes(range(32))))
    assert not has_template(bench, build_request(certificate(record), bench.issuer))


def test_a_lapsed_responder_signs_nothing_from_a_template(bench: Bench, record: CertificateRecord) -> None:
    bench.ask(asked(bench, record, bytes(range(32))))
    ends = bench.authority.default.ocsp_ecdsa.certificate.not_after
    bench.clock.ahead = ends - clock.now() + timedelta(seconds=5)
    assert bench.ask(asked(bench, record, bytes(range(1, 33)))).status is ResponseStatus.INTERNAL_ERROR


@pytest.mark.parametrize("nonce", [b"x", b"\x30", bytes(126), bytes(128)])
def test_a_nonce_that_cannot_be_told_apart_goes_the_long_way(
    bench: Bench, record: CertificateRecord, nonce: bytes
) -> None:
    for _ in range(2):
        assert bench.basic(asked(bench, record, nonce)).nonce == nonce


def test_a_nonce_that_holds_the_mark_of_a_nonce_is_echoed(bench: Bench, record: CertificateRecord) -> None:
    trick = bytes.fromhex("06092b0601050507300102040a04084142434445464748") + bytes(9)
    bench.ask(asked(bench, record, bytes(range(32))))
    assert bench.basic(asked(bench, record, trick)).nonce == trick


def test_a_name_that_looks_like_the_nonce_is_not_taken_for_it(
    bench: Bench, record: CertificateRecord
) -> None:
    def request(decoy: bytes, nonce: bytes) -> bytes:
        single = asn1.sequence(CertId.of(bench.issuer, certificate(record).serial).der)
        extension = Extension(oids.OCSP_NONCE, False, asn1.octet_string(nonce))
        hidden = asn1.oid(oids.OCSP_NONCE) + asn1.octet_string(asn1.octet_string(decoy))
        name = asn1.explicit(1, asn1.implicit(2, hidden))
        found = asn1.explicit(2, asn1.sequence(extension.encode()))
        return asn1.sequence(asn1.sequence(name, asn1.sequence(single), found))

    real, other = bytes(range(32)), bytes(range(1, 33))
    bench.ask(request(real, real))
    assert bench.basic(request(other, real)).nonce == real
