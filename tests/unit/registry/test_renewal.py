"""Renewal: new keys, proved by the new and the current ones; the old certificate goes on confirm."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pki.tbs import Certificate
from registry.enrollment import confirm
from registry.model import transcript
from registry.model.certificate import CertificateState
from registry.model.device import DeviceState
from registry.model.enrollment import ConfirmRequest
from registry.model.errors import (
    BadInput,
    Conflict,
    NotFound,
    Refused,
    RegistryError,
    Unauthenticated,
    Unprocessable,
)
from registry.renewal import renew
from registry.revocation import hold_device, revoke_device
from tests.unit.registry.hospital import (
    DISPLAY,
    ENGINEER,
    PUMP,
    VENTILATOR,
    Hospital,
    device_key,
    proof,
)
from tests.unit.registry.telemetry import altered, send, vouch_for_firmware

S = CertificateState


def test_the_new_certificate_supersedes_the_old_when_it_is_used(hospital: Hospital) -> None:
    device, old = hospital.active(PUMP)
    hospital.wait(days=300)
    renewed = hospital.renew(device, old, key=device_key(1))
    assert hospital.certificate(old.certificate_serial) == old
    assert Certificate.parse(renewed.chain[0]).public_key == device_key(1).classical.public
    assert renewed.certificate.state is S.PENDING
    assert hospital.owed() == []
    record = hospital.confirm(renewed, key=device_key(1))
    superseded = hospital.certificate(old.certificate_serial)
    assert (record.state, superseded.state, superseded.reason) == (S.ACTIVE, S.SUPERSEDED, "superseded")
    assert hospital.owed() == [("publish_crl", None)]
    assert hospital.device(device.device_id).state is DeviceState.ACTIVE


def test_a_redelivered_request_gets_the_same_answer(hospital: Hospital) -> None:
    device, old = hospital.active(PUMP)
    request = hospital.renewal(device, old, key=device_key(1))
    first = renew(request, ports=hospital.ports, parts=hospital.parts)
    again = renew(request, ports=hospital.ports, parts=hospital.parts)
    assert (first.repeated, again.repeated) == (False, True)
    assert (again.chain, again.log_index) == (first.chain, first.log_index)
    hospital.confirm(first, key=device_key(1))
    assert renew(request, ports=hospital.ports, parts=hospital.parts).chain == first.chain
    assert len(hospital.certificates()) == 2


def test_the_same_id_with_another_body_is_a_conflict(hospital: Hospital) -> None:
    device, old = hospital.active(PUMP)
    hospital.renew(device, old, key=device_key(1))
    other = hospital.renewal(device, old, key=device_key(2))
    with pytest.raises(Conflict) as refused:
        renew(other, ports=hospital.ports, parts=hospital.parts)
    assert refused.value.field == "rid"


def test_old_keys_are_not_renewed(hospital: Hospital) -> None:
    device, old = hospital.active(PUMP)
    with pytest.raises(Unprocessable, match="old key") as refused:
        hospital.renew(device, old, key=device_key())
    assert refused.value.field == "csr"


@pytest.mark.parametrize("half", ["classical", "alternative"])
@pytest.mark.parametrize("whose", ["proof", "current_proof"])
def test_all_four_keys_must_sign(hospital: Hospital, whose: str, half: str) -> None:
    device, old = hospital.active(PUMP)
    honest = hospital.renewal(device, old, key=device_key(1))
    forged = replace(getattr(honest, whose), **{half: b"\x00" * 70})
    with pytest.raises(Unauthenticated) as refused:
        renew(replace(honest, **{whose: forged}), ports=hospital.ports, parts=hospital.parts)
    assert refused.value.field == f"{whose}.{half}"
    assert len(hospital.certificates()) == 1


def test_a_stranger_with_keys_of_his_own_gets_nothing(hospital: Hospital) -> None:
    device, old = hospital.active(PUMP)
    request = hospital.renewal(device, old, key=device_key(1), held=device_key(2))
    with pytest.raises(Unauthenticated) as refused:
        renew(request, ports=hospital.ports, parts=hospital.parts)
    assert refused.value.field == "current_proof.classical"


def test_another_devices_certificate_authenticates_nobody(hospital: Hospital) -> None:
    _, pumps = hospital.active(PUMP)
    other, _ = hospital.active(VENTILATOR)
    with pytest.raises(Unauthenticated, match="No certificate of this device") as refused:
        hospital.renew(other, pumps, key=device_key(1))
    assert refused.value.field == "current_fingerprint"


@pytest.mark.parametrize("fingerprint", ["", "zz", "00" * 32, "A" * 64])
def test_a_fingerprint_that_nobody_has(hospital: Hospital, fingerprint: str) -> None:
    device, old = hospital.active(PUMP)
    request = replace(hospital.renewal(device, old, key=device_key(1)), current_fingerprint=fingerprint)
    with pytest.raises(Unauthenticated):
        renew(request, ports=hospital.ports, parts=hospital.parts)
    with pytest.raises(NotFound):
        confirm(
            ConfirmRequest("c9", device.device_id, fingerprint, proof(device_key(), b"x")),
            ports=hospital.ports,
        )


def test_a_pending_certificate_renews_nothing(hospital: Hospital) -> None:
    device = hospital.admit(PUMP)
    pending = hospital.enroll(device).certificate
    with pytest.raises(Unauthenticated, match="pending"):
        hospital.renew(device, pending, key=device_key(1))


def test_a_held_device_does_not_renew_itself_free(hospital: Hospital) -> None:
    device, old = hospital.active(PUMP)
    hold_device(device.device_id, "", ENGINEER, ports=hospital.ports)
    with pytest.raises(Unauthenticated, match="held"):
        hospital.renew(device, old, key=device_key(1))
    assert len(hospital.certificates()) == 1


def test_a_revoked_device_does_not_renew_itself_free(hospital: Hospital) -> None:
    device, old = hospital.active(PUMP)
    revoke_device(device.device_id, "keyCompromise", ENGINEER, ports=hospital.ports)
    with pytest.raises(Unauthenticated, match="revoked"):
        hospital.renew(device, old, key=device_key(1))


def test_a_superseded_certificate_renews_nothing(hospital: Hospital) -> None:
    device, old = hospital.active(PUMP)
    hospital.confirm(hospital.renew(device, old, key=device_key(1)), key=device_key(1))
    with pytest.raises(Unauthenticated, match="superseded"):
        hospital.renew(device, old, "n2", key=device_key(2))


def test_a_contradicted_identity_is_not_renewed(hospital: Hospital) -> None:
    device, old = hospital.active(PUMP)
    with hospital.store.write() as uow:
        uow.devices.save(replace(device, conflicts=("two addresses",)))
    with pytest.raises(Refused) as refused:
        hospital.renew(device, old, key=device_key(1))
    assert refused.value.field == "conflicts"


@pytest.mark.parametrize("csr", [b"", b"\x30\x80", b"not der"])
def test_a_malformed_request_is_bad_input(hospital: Hospital, csr: bytes) -> None:
    device, old = hospital.active(PUMP)
    request = replace(hospital.renewal(device, old, key=device_key(1)), csr=csr)
    with pytest.raises(BadInput):
        renew(request, ports=hospital.ports, parts=hospital.parts)


def test_a_contained_ventilator_may_renew_or_it_would_be_cut_later(hospital: Hospital) -> None:
    vouch_for_firmware(hospital)
    device, old = hospital.active(VENTILATOR)
    send(hospital, device, altered(hospital, 1))
    assert hospital.device(device.device_id).state is DeviceState.CONTAINED
    renewed = hospital.renew(device, old, key=device_key(1))
    assert hospital.confirm(renewed, key=device_key(1)).state is S.ACTIVE
    assert hospital.device(device.device_id).state is DeviceState.CONTAINED


def test_confirmation_needs_the_new_keys(hospital: Hospital) -> None:
    device, old = hospital.active(DISPLAY)
    renewed = hospital.renew(device, old, key=device_key(1))
    with pytest.raises(Unauthenticated) as refused:
        hospital.confirm(renewed, key=device_key())
    assert refused.value.field == "signature.classical"
    assert hospital.certificate(old.certificate_serial).state is S.ACTIVE


def test_a_confirmation_of_another_device_is_not_found(hospital: Hospital) -> None:
    _, old = hospital.active(DISPLAY)
    other = hospital.admit(PUMP)
    signed = transcript.confirm(other.device_id, "c2", bytes.fromhex(old.fingerprint or ""))
    request = ConfirmRequest("c2", other.device_id, old.fingerprint or "", proof(device_key(), signed))
    with pytest.raises(RegistryError) as refused:
        confirm(request, ports=hospital.ports)
    assert refused.value.kind == "not_found"
