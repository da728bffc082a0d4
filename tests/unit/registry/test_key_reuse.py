"""One key, one owner: another device's key and a compromised one are refused before anything is signed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pki.algorithms import KeyAlgorithm, PrivateKey, PublicKey, component_spkis
from pki.csr import Request, build
from pki.keys import HybridPrivateKey, HybridPublicKey
from pki.profiles import DEVICE
from pki.providers.identifiers import spki
from registry.issuance import IssuanceOrder, issue_batch
from registry.key_reuse import KeyClaim, claim_keys
from registry.model.device import Device
from registry.model.errors import Refused
from registry.pending import facts_of
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
        return IssuanceOrder(DEVICE, facts, request, DEVICE.lifetime, device_id=device.device_id)

    orders = [order(hospital.admit(DISPLAY)), order(hospital.admit(MONITOR))]
    with pytest.raises(Refused, match="another owner"):
        issue_batch(orders, ENGINEER, ports=hospital.ports, issuer=hospital.parts.issuer)
    assert hospital.certificates() == []


def _half(composite: PrivateKey, place: int) -> HybridPublicKey:
    """A half as a certificate of its own would name it: 1 is ML-DSA's, 2 the classical one."""
    return HybridPublicKey(PublicKey.load(component_spkis(composite.public)[place]))


@pytest.mark.parametrize("place", [1, 2], ids=["ml-dsa", "classical"])
@pytest.mark.parametrize("first", ["alone", "composite"])
@pytest.mark.parametrize("together", [False, True], ids=["one after the other", "in one batch"])
def test_a_half_of_a_composite_never_stands_alone_not_even_its_owners(
    hospital: Hospital, place: int, first: str, together: bool
) -> None:
    device, held = hospital.active(PUMP)
    renewed = hospital.renew(device, held, key=device_key(9))
    composite = PrivateKey.generate(KeyAlgorithm.MLDSA65_ECDSA_P256_SHA512)
    forms = [HybridPublicKey(composite.public), _half(composite, place)]
    if first == "alone":
        forms.reverse()
    serials = (held.certificate_serial, renewed.certificate.certificate_serial)
    claims = [KeyClaim(serial, device.device_id, form) for serial, form in zip(serials, forms, strict=True)]
    if not together:
        with hospital.store.write() as uow:
            claim_keys(claims[:1], uow)
    with hospital.store.write() as uow, pytest.raises(Refused, match="without its other half"):
        claim_keys(claims if together else claims[1:], uow)


def test_two_composites_share_no_half(hospital: Hospital) -> None:
    device, held = hospital.active(PUMP)
    one = PrivateKey.generate(KeyAlgorithm.MLDSA65_ECDSA_P256_SHA512)
    other = PrivateKey.generate(KeyAlgorithm.MLDSA65_ECDSA_P256_SHA512)
    mixed_bits = one.public.key_bits[:1952] + other.public.key_bits[1952:]
    mixture = PublicKey.load(spki(one.algorithm, mixed_bits))
    claims = [
        KeyClaim(held.certificate_serial, device.device_id, HybridPublicKey(key))
        for key in (one.public, mixture)
    ]
    with hospital.store.write() as uow:
        claim_keys(claims[:1], uow)
    renewed = hospital.renew(device, held, key=device_key(9)).certificate.certificate_serial
    with hospital.store.write() as uow, pytest.raises(Refused, match="without its other half"):
        claim_keys([replace(claims[1], certificate_serial=renewed)], uow)


def test_a_composite_may_be_kept_by_its_owner_and_by_nobody_else(hospital: Hospital) -> None:
    device, held = hospital.active(PUMP)
    renewed = hospital.renew(device, held, key=device_key(9)).certificate.certificate_serial
    public = HybridPublicKey(PrivateKey.generate(KeyAlgorithm.MLDSA65_ECDSA_P256_SHA512).public)
    with hospital.store.write() as uow:
        claim_keys([KeyClaim(held.certificate_serial, device.device_id, public)], uow)
    with hospital.store.write() as uow:
        claim_keys([KeyClaim(renewed, device.device_id, public)], uow)
    other = hospital.admit(MONITOR)
    with hospital.store.write() as uow, pytest.raises(Refused, match="another owner"):
        claim_keys([KeyClaim(renewed, other.device_id, public)], uow)
