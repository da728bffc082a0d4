"""Joining: what is granted, what is refused and with which word, and what a repetition gives."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pki import csr as requests
from pki.errors import PkiError
from pki.tbs import Certificate
from registry.enrollment import enroll
from registry.identity.catalogue import SEED
from registry.model import transcript
from registry.model.certificate import CertificateState
from registry.model.device import DeviceState
from registry.model.errors import (
    AwaitingApproval,
    BadInput,
    Conflict,
    NonceExpired,
    Refused,
    RegistryError,
    Unauthenticated,
)
from registry.registration import RegistrationRequest, register
from registry.revocation import revoke_device
from registry.tokens import create_token
from tests.unit.registry.hospital import ENGINEER, PUMP, VENTILATOR, Hospital, device_key, proof


def test_a_pending_certificate_becomes_active_when_it_is_used(hospital: Hospital) -> None:
    device = hospital.admit(PUMP)
    enrolled = hospital.enroll(device)
    assert enrolled.certificate.state is CertificateState.PENDING
    assert hospital.device(device.device_id).state is DeviceState.ENROLLING
    certificate = Certificate.parse(enrolled.chain[0])
    assert certificate.public_key == device_key().classical.public
    assert certificate.alternative_public_key == device_key().public.alternative
    record = hospital.confirm(enrolled)
    assert record.state is CertificateState.ACTIVE
    assert hospital.device(device.device_id).state is DeviceState.ACTIVE
    assert hospital.confirm(enrolled) == record


def test_the_log_holds_each_act_and_no_serial_number(hospital: Hospital) -> None:
    hospital.active(PUMP)
    assert hospital.log_kinds() == [
        "device.registered",
        "device.approved",
        "token.created",
        "certificate.intended",
        "certificate.issued",
        "certificate.confirmed",
    ]
    with hospital.store.read() as uow:
        leaves = b"".join(uow.log.read_entries(0, 100))
    assert b"PUMP-1" not in leaves


def test_the_same_request_again_gives_the_same_certificate(hospital: Hospital) -> None:
    request = hospital.request(hospital.admit(PUMP))
    first = enroll(request, ports=hospital.ports, parts=hospital.parts)
    hospital.wait(hours=5)
    again = enroll(request, ports=hospital.ports, parts=hospital.parts)
    assert again.repeated
    assert not first.repeated
    assert again.chain == first.chain
    assert again.log_index == first.log_index


def test_the_same_request_id_with_another_body_is_a_conflict(hospital: Hospital) -> None:
    request = hospital.request(hospital.admit(PUMP))
    enroll(request, ports=hospital.ports, parts=hospital.parts)
    with pytest.raises(Conflict, match="another body") as refused:
        enroll(replace(request, body_hash=bytes(32)), ports=hospital.ports, parts=hospital.parts)
    assert refused.value.field == "rid"


def test_a_token_is_good_once(hospital: Hospital) -> None:
    device = hospital.admit(PUMP)
    token, _ = create_token(device.device_id, ENGINEER, ports=hospital.ports)
    enroll(hospital.request_with(device, token, "r1"), ports=hospital.ports, parts=hospital.parts)
    with pytest.raises(Conflict, match="used before") as refused:
        enroll(hospital.request_with(device, token, "r2"), ports=hospital.ports, parts=hospital.parts)
    assert refused.value.field == "token_hmac"


def test_an_expired_token_is_named_as_such(hospital: Hospital) -> None:
    device = hospital.admit(PUMP)
    token, _ = create_token(device.device_id, ENGINEER, ports=hospital.ports)
    hospital.wait(hours=24)
    request = hospital.request_with(device, token)
    with pytest.raises(Unauthenticated, match="expired"):
        enroll(request, ports=hospital.ports, parts=hospital.parts)


def test_a_wrong_token_learns_nothing_about_the_device(hospital: Hospital) -> None:
    device = hospital.admit(PUMP)
    wrong = hospital.request_with(device, "mtj1_wrong")
    with pytest.raises(Unauthenticated) as known:
        enroll(wrong, ports=hospital.ports, parts=hospital.parts)
    stranger = replace(device, device_id=type(device.device_id)("mtd-nobody-knows"))
    with pytest.raises(Unauthenticated) as unknown:
        enroll(
            hospital.request_with(stranger, "mtj1_wrong", "r2"), ports=hospital.ports, parts=hospital.parts
        )
    assert str(known.value) == str(unknown.value)


def test_a_nonce_is_good_for_two_minutes_and_once(hospital: Hospital) -> None:
    device = hospital.admit(PUMP)
    late = hospital.request(device)
    hospital.wait(minutes=2)
    with pytest.raises(NonceExpired):
        enroll(late, ports=hospital.ports, parts=hospital.parts)
    used = hospital.request(device, "r2")
    enroll(used, ports=hospital.ports, parts=hospital.parts)
    with pytest.raises(NonceExpired):
        enroll(replace(used, request_id="r3"), ports=hospital.ports, parts=hospital.parts)


def test_a_challenge_of_one_device_does_not_serve_another(hospital: Hospital) -> None:
    request = hospital.request(hospital.admit(PUMP))
    other = hospital.admit(VENTILATOR)
    with pytest.raises(NonceExpired):
        enroll(replace(request, device_id=other.device_id), ports=hospital.ports, parts=hospital.parts)


@pytest.mark.parametrize("half", ["classical", "alternative"])
def test_every_key_must_sign_the_transcript(hospital: Hospital, half: str) -> None:
    request = hospital.request(hospital.admit(PUMP))
    forged = replace(request.proof, **{half: b"\x00" * 70})
    with pytest.raises(Unauthenticated) as refused:
        enroll(replace(request, proof=forged), ports=hospital.ports, parts=hospital.parts)
    assert refused.value.field == f"proof.{half}"


def test_the_alternative_proof_may_not_be_left_out(hospital: Hospital) -> None:
    request = hospital.request(hospital.admit(PUMP))
    bare = replace(request.proof, alternative=None)
    with pytest.raises(Unauthenticated, match="alternative"):
        enroll(replace(request, proof=bare), ports=hospital.ports, parts=hospital.parts)


def test_a_request_that_names_another_device_is_refused(hospital: Hospital) -> None:
    device, other = hospital.admit(PUMP), hospital.admit(VENTILATOR)
    token, _ = create_token(device.device_id, ENGINEER, ports=hospital.ports)
    honest = hospital.request_with(device, token)
    with hospital.store.read() as uow:
        given = uow.enrollments.challenge_of(honest.session)
    assert given is not None
    der = requests.build(device_key(), common_name=other.device_id)
    signed = transcript.enroll(der, given.nonce, device.device_id, device.device_id)
    hmac = transcript.token_hmac(transcript.token_key(token), signed)
    stolen = replace(honest, csr=der, proof=proof(device_key(), signed), token_hmac=hmac)
    with pytest.raises(PkiError) as refused:
        enroll(stolen, ports=hospital.ports, parts=hospital.parts)
    assert refused.value.kind == "refused"
    with hospital.store.read() as uow:
        assert uow.certificates.all() == []


@pytest.mark.parametrize("csr", [b"", b"\x30\x80", b"not der", bytes(70_000)])
def test_a_malformed_request_is_bad_input(hospital: Hospital, csr: bytes) -> None:
    request = hospital.request(hospital.admit(PUMP))
    with pytest.raises(BadInput) as refused:
        enroll(replace(request, csr=csr), ports=hospital.ports, parts=hospital.parts)
    assert refused.value.field.startswith("csr")


def test_a_device_that_nobody_approved_gets_no_token(hospital: Hospital) -> None:
    device = register(RegistrationRequest(PUMP), ENGINEER, ports=hospital.ports, catalogue=SEED).device
    with pytest.raises(Refused, match="not approved"):
        create_token(device.device_id, ENGINEER, ports=hospital.ports)


def test_a_conflict_that_appears_later_stops_the_enrolment(hospital: Hospital) -> None:
    device = hospital.admit(PUMP)
    request = hospital.request(device)
    with hospital.store.write() as uow:
        uow.devices.save(replace(hospital.device(device.device_id), conflicts=("two addresses",)))
    with pytest.raises(AwaitingApproval):
        enroll(request, ports=hospital.ports, parts=hospital.parts)


def test_a_revoked_device_does_not_come_back_by_an_old_token(hospital: Hospital) -> None:
    device = hospital.admit(PUMP)
    token, _ = create_token(device.device_id, ENGINEER, ports=hospital.ports)
    hospital.confirm(hospital.enroll(device, "first"))
    revoke_device(device.device_id, "keyCompromise", ENGINEER, ports=hospital.ports)
    with pytest.raises(RegistryError) as refused:
        enroll(hospital.request_with(device, token, "r9"), ports=hospital.ports, parts=hospital.parts)
    assert refused.value.kind == "refused"
