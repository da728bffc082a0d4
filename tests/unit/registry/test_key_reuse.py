"""One key, one owner: another device's key and a compromised one are refused before anything is signed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pki.csr import Request, build
from pki.keys import HybridPrivateKey
from pki.profiles import DEVICE
from registry.enrollment import LIFETIME, facts_of
from registry.issuance import IssuanceOrder, issue_batch
from registry.model.device import Device
from registry.model.errors import Refused
from registry.registration import Approval, approve
from registry.renewal import renew
from registry.revocation import revoke_certificate, revoke_device
from tests.unit.registry.hospital import DISPLAY, ENGINEER, MONITOR, PUMP, Hospital, device_key


def mixed(classical: HybridPrivateKey, alternative: HybridPrivateKey) -> HybridPrivateKey:
    return replace(classical, alternative=alternative.alternative)


@pytest.mark.parametrize(
    "stolen",
    [device_key(0), mixed(device_key(0), device_key(7)), mixed(device_key(7), device_key(0))],
    ids=["both", "classical", "alternative"],
)
def test_another_devices_key_is_refused_and_nothing_is_spent(
    hospital: Hospital, stolen: HybridPrivateKey
) -> None:
    hospital.active(DISPLAY)
    thief = hospital.admit(MONITOR)
    before = len(hospital.certificates())
    with pytest.raises(Refused, match="another owner") as refused:
        hospital.enroll(thief, "t1", key=stolen)
    assert refused.value.field == "csr.key"
    assert len(hospital.certificates()) == before
    with hospital.store.read() as uow:
        assert [token.spent_at for token in uow.enrollments.tokens_of(thief.device_id)] == [None]
    assert hospital.enroll(thief, "t2", key=device_key(8)).certificate.der is not None


def test_a_compromised_key_stays_refused_for_its_own_device_too(hospital: Hospital) -> None:
    device, _ = hospital.active(PUMP)
    revoke_device(device.device_id, "keyCompromise", ENGINEER, ports=hospital.ports)
    approve(Approval(device.device_id), ENGINEER, ports=hospital.ports)
    with pytest.raises(Refused, match="compromised") as refused:
        hospital.enroll(device, "again")
    assert refused.value.field == "csr.key"
    assert hospital.enroll(device, "fresh", key=device_key(9)).certificate.der is not None


def test_a_superseded_key_that_turns_out_compromised_is_no_key_for_a_renewal(hospital: Hospital) -> None:
    device, old = hospital.active(PUMP)
    current = hospital.confirm(hospital.renew(device, old, key=device_key(9)), key=device_key(9))
    revoke_certificate(old.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    request = hospital.renewal(device, current, "n2", key=device_key(0), held=device_key(9))
    with pytest.raises(Refused, match="compromised"):
        renew(request, ports=hospital.ports, parts=hospital.parts)


def test_the_same_device_may_keep_a_key_that_nobody_stole(hospital: Hospital) -> None:
    device, _ = hospital.active(PUMP)
    revoke_device(device.device_id, "cessationOfOperation", ENGINEER, ports=hospital.ports)
    approve(Approval(device.device_id), ENGINEER, ports=hospital.ports)
    assert hospital.enroll(device, "again").certificate.der is not None


def test_two_owners_of_one_key_in_one_batch_are_refused(hospital: Hospital) -> None:
    def order(device: Device) -> IssuanceOrder:
        request = Request.parse(build(device_key(), common_name=device.device_id))
        facts = facts_of(device, hospital.parts)
        return IssuanceOrder(DEVICE, facts, request, LIFETIME, device_id=device.device_id)

    orders = [order(hospital.admit(DISPLAY)), order(hospital.admit(MONITOR))]
    with pytest.raises(Refused, match="another owner"):
        issue_batch(orders, ENGINEER, ports=hospital.ports, issuer=hospital.parts.issuer)
    assert hospital.certificates() == []
