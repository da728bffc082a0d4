"""Who the device believes: only what stands under both keys of the pinned root."""

from __future__ import annotations

import ssl
from dataclasses import replace
from pathlib import Path
from typing import cast

import msgspec
import pytest
from msgspec import Struct

from mqtt_bridge import messages as m
from mqtt_bridge.device.device import Device
from mqtt_bridge.device.errors import AlreadyEnrolled, OwnerNotProven
from mqtt_bridge.octets import Octets
from pki import profiles
from pki.algorithms import KeyAlgorithm
from pki.errors import PkiError
from pki.keys import HybridPrivateKey
from tests.unit.mqtt_bridge.device_authority import DEVICE, NOW, TOKEN, Authority, House, house, root, under
from tests.unit.mqtt_bridge.device_fixtures import BOOTSTRAP, BoxedRegistry, changed, enroll

_OTHER_NONCE = Octets(bytes(32))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"nonce": _OTHER_NONCE}, "signature"),
        ({"nonce": Octets(b"short")}, "nonce"),
        ({"expires_at": "2026-11-22T05:59:59Z"}, "expires_at"),
        ({"expires_at": "2026-13-22T05:59:59Z"}, "expires_at"),
        ({"expires_at": "2026-11-23T06:02:00Z"}, "signature"),
        ({"issuer_fingerprints": ["00" * 32]}, "issuer_fingerprints"),
        ({"signer_chain": [Octets(b"0\x00"), Octets(b"0\x00")]}, "signer_chain"),
        ({"csr": m.CsrAttributes(common_name="other-device", classical="ec-p256")}, "csr.common_name"),
        ({"rid": "another"}, "rid"),
    ],
)
def test_a_challenge_that_was_touched_is_not_the_owners(
    tmp_path: Path, fields: dict[str, object], field: str
) -> None:
    registry = BoxedRegistry(change={"hello": changed(**fields)})
    with pytest.raises(OwnerNotProven) as refused:
        enroll(tmp_path, registry)
    assert refused.value.field == field
    assert [verb for verb, _ in registry.asked] == ["hello"]  # nothing of ours was shown to it


def test_each_half_of_the_owners_signature_must_hold(tmp_path: Path) -> None:
    def drop(answer: Struct) -> Struct:
        signature = cast(m.Challenge, answer).signature
        return msgspec.structs.replace(answer, signature=m.Signatures(classical=signature.classical))

    with pytest.raises(OwnerNotProven, match="signature does not hold"):
        enroll(tmp_path, BoxedRegistry(change={"hello": drop}))


def test_another_hospitals_registry_is_not_ours(tmp_path: Path) -> None:
    with pytest.raises(OwnerNotProven, match="not under the pinned root"):
        enroll(tmp_path, BoxedRegistry(house=house("Other")))


def test_a_root_of_the_same_name_with_other_keys_is_not_ours(tmp_path: Path) -> None:
    fake_root = root("Test Root")
    fake_issuing = under(fake_root, profiles.ISSUING_CA, "Test Issuing", 2)
    signer = under(fake_issuing, profiles.REGISTRY, "Test Registry", 3)
    fake = House(fake_root, fake_issuing, signer)
    with pytest.raises(OwnerNotProven, match="not under the pinned root"):
        enroll(tmp_path, BoxedRegistry(house=fake))


@pytest.mark.parametrize("alternative", ["stripped", "another"])
def test_a_broken_classical_root_key_is_not_enough(tmp_path: Path, alternative: str) -> None:
    other = HybridPrivateKey.generate(KeyAlgorithm.EC_P384, KeyAlgorithm.ML_DSA_87).alternative
    stolen = HybridPrivateKey(house().root.key.classical, None if alternative == "stripped" else other)
    forger = Authority(stolen, house().root.certificate)
    issuing = under(forger, profiles.ISSUING_CA, "Test Issuing", 2)
    signer = under(issuing, profiles.REGISTRY, "Test Registry", 3)
    with pytest.raises(OwnerNotProven, match=r"not under the pinned root.*signature"):
        enroll(tmp_path, BoxedRegistry(house=House(forger, issuing, signer)))


@pytest.mark.parametrize("profile", [profiles.DEVICE, profiles.SERVER, profiles.BRIDGE])
def test_a_device_of_the_same_ca_cannot_pose_as_the_registry(
    tmp_path: Path, profile: profiles.Profile
) -> None:
    plain = replace(profile, alt_names=profiles.AltNames.NONE)
    impostor = under(house().issuing, plain, "impostor-01", 7)
    with pytest.raises(OwnerNotProven, match="not the registry's"):
        enroll(tmp_path, BoxedRegistry(signer=impostor))


def test_a_chain_for_other_keys_is_not_kept(tmp_path: Path) -> None:
    def swap(answer: Struct) -> Struct:
        other = under(house().issuing, profiles.DEVICE, DEVICE, 9).certificate
        issuing = house().issuing.certificate
        return msgspec.structs.replace(answer, chain=[Octets(other.der), Octets(issuing.der)])

    with pytest.raises(OwnerNotProven, match="other keys"):
        enroll(tmp_path, BoxedRegistry(change={"enroll": swap}))
    assert not list((tmp_path / "state").rglob("chain.pem"))


def test_a_wrong_root_can_be_put_right_until_a_certificate_is_here(tmp_path: Path) -> None:
    registry = BoxedRegistry()

    def with_root(pem: bytes) -> Device:
        return Device(tmp_path / "state", pem, link_factory=registry.link, clock=lambda: NOW, timeout=0.02)

    with with_root(house("Other").root_pem) as wrong, pytest.raises(OwnerNotProven):
        wrong.enroll(bootstrap=BOOTSTRAP, token=TOKEN, device_id=DEVICE)
    with with_root(house().root_pem) as right:
        assert right.enroll(bootstrap=BOOTSTRAP, token=TOKEN, device_id=DEVICE).device_id == DEVICE
    with with_root(house("Other").root_pem) as late, pytest.raises(AlreadyEnrolled):
        late.enroll(bootstrap=BOOTSTRAP, token=TOKEN, device_id=DEVICE)
    assert (tmp_path / "state" / "root.pem").read_bytes() == house().root_pem


def test_a_root_that_is_no_certificate_of_ours_is_refused_before_anything_is_stored(tmp_path: Path) -> None:
    junk = ssl.DER_cert_to_PEM_cert(b"0\x03junk").encode()
    with Device(tmp_path / "state", junk) as made:
        with pytest.raises(PkiError):
            made.enroll(bootstrap=BOOTSTRAP, token=TOKEN, device_id=DEVICE)
        assert made.state == "new"
