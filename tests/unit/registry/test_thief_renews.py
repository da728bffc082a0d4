"""A thief of a device's keys renews: the revocation must not leave him in, nor may he fill the list."""

from __future__ import annotations

import pytest

from registry.model.certificate import CertificateState
from registry.model.device import DeviceState
from registry.model.enrollment import Enrollment
from registry.model.errors import Refused, Unauthenticated
from registry.renewal import MOST_A_DAY, renew
from registry.revocation import revoke_certificate
from tests.unit.registry.hospital import DISPLAY, ENGINEER, PUMP, Hospital, device_key

S = CertificateState


def test_an_unconfirmed_renewal_ends_with_the_compromised_key_behind_it(hospital: Hospital) -> None:
    device, stolen = hospital.active(PUMP)
    renewed = hospital.renew(device, stolen, key=device_key(1))
    revoke_certificate(stolen.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    heir = hospital.certificate(renewed.certificate.certificate_serial)
    assert (heir.state, heir.reason) == (S.REVOKED, "keyCompromise")
    assert hospital.device(device.device_id).state is DeviceState.REVOKED
    with pytest.raises(Unauthenticated):
        hospital.confirm(renewed, key=device_key(1))


def test_another_reason_leaves_the_renewal_alone(hospital: Hospital) -> None:
    device, old = hospital.active(PUMP)
    renewed = hospital.renew(device, old, key=device_key(1))
    revoke_certificate(old.certificate_serial, "superseded", ENGINEER, ports=hospital.ports)
    assert hospital.confirm(renewed, key=device_key(1)).state is S.ACTIVE


def test_a_confirmed_heir_of_a_compromised_key_is_shown_to_people(hospital: Hospital) -> None:
    device, stolen = hospital.active(PUMP)
    heir = hospital.confirm(hospital.renew(device, stolen, key=device_key(1)), key=device_key(1))
    revoke_certificate(stolen.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    assert hospital.certificate(heir.certificate_serial).state is S.ACTIVE
    with hospital.store.read() as uow:
        rules = [alarm.rule for alarm in uow.alarms.open(device.device_id)]
    assert rules == ["certificate.heir_of_compromised_key"]


@pytest.mark.parametrize("confirmed", [True, False])
def test_a_device_cannot_fill_the_revocation_list_by_renewing(hospital: Hospital, confirmed: bool) -> None:
    device, current = hospital.active(DISPLAY)
    held = hospital.key_of(device.device_id)

    def ask(number: int) -> Enrollment:
        request = hospital.renewal(device, current, f"n{number}", key=device_key(number), held=held)
        return renew(request, ports=hospital.ports, parts=hospital.parts)

    for number in range(1, MOST_A_DAY):
        done = ask(number)
        if confirmed:
            held, current = device_key(number), hospital.confirm(done, key=device_key(number))
    with pytest.raises(Refused, match="within a day"):
        ask(40)
    assert len(hospital.certificates()) == MOST_A_DAY
    hospital.wait(days=1, seconds=1)
    assert ask(41).certificate.state is S.PENDING
