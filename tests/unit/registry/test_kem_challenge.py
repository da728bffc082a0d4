"""Challenges to keys that cannot sign: the right answer, once, in time, for its own request."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pki import csr, profiles
from pki.algorithms import PrivateKey
from pki.csr_build import Holder
from pki.errors import RequestRefused
from pki.providers.interface import KeyAlgorithm
from pki.tbs import Certificate
from registry.issuance import issue
from registry.kem_challenge import CHALLENGE_LIVES, challenge_key
from registry.model.device import DeviceState
from registry.model.errors import BadInput, NonceExpired, Refused, Unauthenticated
from registry.model.kem_challenge import KemAnswer, KemChallenge, KemProof
from registry.ordering import Asked, order_of
from tests.unit.registry.desk import KEM, Desk, content, desk_of
from tests.unit.registry.hospital import ENGINEER, Hospital


@pytest.fixture
def desk(hospital: Hospital) -> Desk:
    return desk_of(hospital)


def test_an_ml_kem_certificate_for_the_answer_to_a_challenge(desk: Desk) -> None:
    der = desk.kem()
    record = desk.order(der, profiles.DEVICE_KEM, answer=desk.challenged(der))
    assert Certificate.parse(record.der or b"").public_key == KEM.public
    assert desk.hospital.device(desk.device.device_id).state is DeviceState.ACTIVE


def test_no_ml_kem_certificate_without_a_proof(desk: Desk) -> None:
    with pytest.raises(Refused, match="Nothing proves") as refused:
        desk.order(desk.kem(), profiles.DEVICE_KEM)
    assert refused.value.field == "--answer"
    with pytest.raises(Refused, match="Nothing proves"):
        desk.order(desk.kem(), profiles.DEVICE_KEM, kem_proof=KemProof.STATEMENT)
    assert desk.hospital.certificates() == []


def test_a_statement_is_enough_only_where_the_hospital_says_so(desk: Desk) -> None:
    der = desk.kem(desk.classical())
    with pytest.raises(Refused, match="Nothing proves"):
        desk.order(der, profiles.DEVICE_KEM)
    assert desk.order(der, profiles.DEVICE_KEM, kem_proof=KemProof.STATEMENT).der is not None


def test_a_statement_and_an_answer_are_both_held_to(desk: Desk) -> None:
    holder = desk.classical()
    der = desk.kem(holder)
    answer = desk.challenged(der)
    desk.revoke(holder)
    with pytest.raises(Refused, match="revoked"):
        desk.order(der, profiles.DEVICE_KEM, answer=answer)


def test_a_statement_by_a_stranger_is_refused(desk: Desk) -> None:
    real = desk.classical()
    forged = desk.kem(Holder(real.certificate, PrivateKey.generate(KeyAlgorithm.EC_P256)))
    with pytest.raises(RequestRefused, match="statement_unproven"):
        desk.order(forged, profiles.DEVICE_KEM, kem_proof=KemProof.STATEMENT)


def test_an_answer_is_good_once(desk: Desk) -> None:
    der = desk.kem()
    answer = desk.challenged(der)
    desk.order(der, profiles.DEVICE_KEM, answer=answer)
    with pytest.raises(NonceExpired):
        desk.order(der, profiles.DEVICE_KEM, answer=answer)


def test_of_two_orders_with_one_answer_one_wins(desk: Desk) -> None:
    der = desk.kem()
    asked = Asked(
        request=der,
        profile=profiles.DEVICE_KEM,
        device=desk.device.device_id,
        answer=desk.challenged(der),
    )
    first, second = (order_of(asked, desk.hospital.parts, desk.hospital.ports, content) for _ in range(2))
    issue(first, ENGINEER, ports=desk.hospital.ports, issuer=desk.hospital.parts.issuer)
    with pytest.raises(NonceExpired):
        issue(second, ENGINEER, ports=desk.hospital.ports, issuer=desk.hospital.parts.issuer)


def test_an_answer_is_in_time_or_never(desk: Desk) -> None:
    der = desk.kem()
    answer = desk.challenged(der)
    desk.hospital.now += CHALLENGE_LIVES
    with pytest.raises(NonceExpired):
        desk.order(der, profiles.DEVICE_KEM, answer=answer)


def test_a_wrong_answer_proves_nothing(desk: Desk) -> None:
    der = desk.kem()
    right = desk.challenged(der)
    guessed = replace(right, proof=bytes(32))
    with pytest.raises(Unauthenticated, match="does not hold the key"):
        desk.order(der, profiles.DEVICE_KEM, answer=guessed)
    # The mistake costs nothing: the challenge stands.
    assert desk.order(der, profiles.DEVICE_KEM, answer=right).der is not None


def test_an_answer_speaks_for_its_own_request(desk: Desk) -> None:
    der, other = desk.kem(), desk.kem(desk.classical())
    with pytest.raises(Unauthenticated, match="another request"):
        desk.order(other, profiles.DEVICE_KEM, answer=desk.challenged(der))


def test_the_store_does_not_hold_the_answer(desk: Desk) -> None:
    answer = desk.challenged(desk.kem())
    with desk.hospital.store.read() as uow:
        kept = uow.enrollments.challenge_of(f"kem:{answer.challenge_id}")
    assert kept is not None
    assert kept.nonce != answer.proof


def test_a_key_that_signs_is_not_challenged(desk: Desk) -> None:
    der = csr.build(desk.key, common_name=desk.device.device_id)
    with pytest.raises(BadInput, match="its signature is its proof"):
        challenge_key(csr.Request.parse(der), ports=desk.hospital.ports)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[1]",
        b"[" * 100_000,
        b"\xff",
        b"x" * 20_000,
        b'{"format": "medtrust-kem-challenge-v1"}',
        b'{"format": "medtrust-kem-challenge-v1", "challenge": "a", "csr_sha256": "zz", "ciphertext": "", '
        b'"expires_at": "2026-11-22T07:00:00Z"}',
        b'{"format": "medtrust-kem-challenge-v1", "challenge": "a", "csr_sha256": "00", "ciphertext": "@", '
        b'"expires_at": "2026-11-22T07:00:00Z"}',
        b'{"format": "medtrust-kem-challenge-v1", "challenge": "a", "csr_sha256": "00", "ciphertext": "", '
        b'"expires_at": "soon"}',
        b'{"format": "medtrust-kem-challenge-v1", "challenge": 1, "csr_sha256": "00", "ciphertext": "", '
        b'"expires_at": "2026-11-22T07:00:00Z"}',
        b'{"format": "medtrust-kem-answer-v1", "challenge": "a", "answer": "@"}',
        b'{"format": "medtrust-kem-answer-v1", "challenge": "a", "answer": "\\ud800"}',
    ],
)
def test_documents_of_another_kind_are_refused(data: bytes) -> None:
    for read, field in ((KemChallenge.from_json, "challenge"), (KemAnswer.from_json, "answer")):
        with pytest.raises(BadInput) as refused:
            read(data)
        assert refused.value.field == field
