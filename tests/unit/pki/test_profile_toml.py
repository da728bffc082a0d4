"""Profiles as TOML: the schema's refusals name the key, and no profile leaves the closed list of its kind."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki import oids, profile_toml, profiles
from pki.constraint_extensions import NameConstraints, Subtrees
from pki.errors import PkiError
from pki.extensions import KeyUsage
from pki.profile_limits import check_narrows, check_profile
from pki.profile_model import Form, Kind, NamePolicy, Profile
from pki.profiles import ProfileMalformed, built_in_text, by_name
from pki.providers.interface import KeyAlgorithm

DEVICE = built_in_text("device")
PUMP = """
extends = "device"
name = "infusion-pump"
summary = "Our pumps."

[validity]
lifetime = "90d"
"""
FOLDER = Path(profiles.__file__).parent / "profile_data"


def test_the_table_of_names_is_the_folder() -> None:
    assert sorted(profiles.NAMES) == sorted(path.stem for path in FOLDER.glob("*.toml"))


@pytest.mark.parametrize("name", profiles.NAMES)
def test_a_built_in_profile_keeps_to_its_kind_and_says_what_it_is_for(name: str) -> None:
    profile = by_name(name)
    assert profile.name == name
    assert check_profile(profile) == ()
    assert profile.summary.endswith(".")
    assert profile.self_issued == (profile.kind is Kind.ROOT)


def test_a_constant_is_the_profile_of_its_name() -> None:
    assert profiles.DEVICE_CLASSICAL is by_name("device-classical")
    with pytest.raises(AttributeError, match="DEVISE"):
        _ = profiles.DEVISE  # type: ignore[attr-defined]


def test_a_profile_of_ones_own_lies_over_the_one_it_extends() -> None:
    own = profiles.own(PUMP, file_name="infusion-pump")
    assert own == replace(
        by_name("device"), name="infusion-pump", summary="Our pumps.", lifetime=timedelta(days=90)
    )


def test_a_profile_may_extend_one_that_extends_another() -> None:
    text = PUMP.replace('"device"', '"device-therapy"')
    assert profiles.own(text).main == by_name("device").main
    with pytest.raises(ProfileMalformed) as refused:
        profile_toml.parse('extends = "device"', lambda _name: 'extends = "device"')
    assert refused.value.field == "extends"


def test_every_table_reaches_the_profile() -> None:
    text = """
    name = "branch-ca"
    kind = "ca"
    form = "catalyst"
    [keys]
    main = ["ec-p256", "ec-p384"]
    alternative = "ml-dsa-87"
    [subject]
    common_name = '[A-Z][a-z]{1,20} CA'
    [usage]
    key_usages = ["key-cert-sign", "crl-sign"]
    [validity]
    lifetime = "48h"
    backdate = "1m"
    [extensions]
    policies = ["1.3.6.1.4.1.99999.1"]
    [ca]
    path_length = 1
    [ca.name_constraints]
    permitted = { dns = ["hospital.example"], ip = ["10.0.0.0/8"], organization = ["Hospital"] }
    excluded = { uri = ["evil.example"] }
    [names]
    deny_common_names = ['Test.*']
    allow_dns = ["hospital.example"]
    deny_ip = ["10.9.0.0/16"]
    wildcards = true
    [issuer]
    forms = ["catalyst"]
    """
    profile = profiles.own(text)
    assert profile.main == (KeyAlgorithm.EC_P256, KeyAlgorithm.EC_P384)
    assert profile.key_usages == (KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN)
    assert (profile.lifetime, profile.backdate) == (timedelta(hours=48), timedelta(minutes=1))
    assert profile.policies == ("1.3.6.1.4.1.99999.1",)
    assert (profile.ca, profile.path_length) == (True, 1)
    constraints = profile.name_constraints
    assert constraints is not None
    assert constraints.permitted.dns == ("hospital.example",)
    assert constraints.permitted.directory[0].endswith(b"Hospital")
    assert constraints.excluded == Subtrees(uri=("evil.example",))
    assert profile.names.deny_ip == ("10.9.0.0/16",)
    assert profile.issuer_forms == (Form.CATALYST,)
    assert oids.NAME_CONSTRAINTS in profile.extensions


MALFORMED: dict[str, tuple[str, str]] = {
    "no TOML": ("profile", "name = "),
    "nested without end": ("profile", "a = " + "[" * 20_000),
    "endless": ("profile", "#" * 70_000),
    "huge number": ("profile", "a = " + "9" * 5_000),
    "nothing": ("name", ""),
    "unknown key": ("extensions", DEVICE + "smell = 1\n"),
    "unknown table": ("colour", DEVICE + "[colour]\n"),
    "wrong type": ("keys.main", DEVICE.replace('["ec-p256"]', '"ec-p256"')),
    "unknown algorithm": ("keys.main[0]", DEVICE.replace("ec-p256", "ec-p999")),
    "no algorithm": ("keys.main", DEVICE.replace('["ec-p256"]', "[]")),
    "lifetime without unit": ("validity.lifetime", DEVICE.replace('"365d"', '"365"')),
    "lifetime as a number": ("validity.lifetime", DEVICE.replace('"365d"', "365")),
    "name with a slash": ("name", DEVICE.replace('name = "device"', 'name = "../device"')),
    "extends nobody": ("profile", 'extends = "devise"\n'),
    "extends a number": ("extends", "extends = 1\n"),
    "slow pattern": ("subject.common_name", DEVICE.replace("[A-Za-z0-9_-]{8,64}", "(a+)+b")),
    "many repetitions": ("subject.common_name", DEVICE.replace("[A-Za-z0-9_-]{8,64}", "a*a*a*a*")),
    "open set": ("subject.common_name", DEVICE.replace("[A-Za-z0-9_-]{8,64}", "[a")),
    "turned range": ("subject.common_name", DEVICE.replace("[A-Za-z0-9_-]{8,64}", "[z-a]")),
    "UUID's arc": ("extensions.policies", DEVICE + 'policies = ["2.25.9999999999"]\n'),
    "third root arc": ("extensions.policies", DEVICE + 'policies = ["1.40.1"]\n'),
    "any policy": ("extensions.policies", DEVICE + 'policies = ["2.5.29.32.0"]\n'),
    "policy twice": ("extensions.policies", DEVICE + 'policies = ["1.2.3", "1.2.3"]\n'),
    "network with host bits": ("names.ip", DEVICE + '[names]\nallow_ip = ["10.0.0.1/8"]\n'),
    "a CA in a device": ("ca", DEVICE + "[ca]\n"),
    "OCSP signing for a device": ("usage.purposes", DEVICE.replace('"client-auth"', '"ocsp-signing"')),
    "no purpose, which is any": ("usage.purposes", DEVICE.replace('["client-auth"]', "[]")),
    "any purpose": ("usage.purposes", DEVICE.replace('"client-auth"', '"2.5.29.37.0"')),
    "OCSP signing beside another": (
        "usage.purposes",
        built_in_text("ocsp-ecdsa").replace('"ocsp-signing"', '"ocsp-signing", "client-auth"'),
    ),
    "no-check in a device": ("extensions.ocsp_no_check", DEVICE + "ocsp_no_check = true\n"),
    "no status": ("extensions.status_urls", DEVICE + "status_urls = false\n"),
    "certSign for a device": (
        "usage.key_usages",
        DEVICE.replace("[usage]", '[usage]\nkey_usages = ["digital-signature", "key-cert-sign"]'),
    ),
    "ten years": ("validity.lifetime", DEVICE.replace("365d", "3650d")),
    "backdate": ("validity.backdate", DEVICE.replace('"365d"', '"365d"\nbackdate = "6m"')),
    "RSA for new keys": ("keys.main", DEVICE.replace("ec-p256", "rsa-3072")),
    "KEM as a catalyst": ("keys.main", DEVICE.replace("ec-p256", "ml-kem-768")),
    "classical alternative": ("keys.alternative", DEVICE.replace("ml-dsa-65", "ec-p384")),
    "alternative of a pure": (
        "keys.alternative",
        built_in_text("device-pure").replace("[subject]", 'alternative = "ml-dsa-65"\n[subject]'),
    ),
    "KEM that signs": (
        "usage.key_usages",
        built_in_text("device-kem").replace('"key-encipherment"', '"digital-signature"'),
    ),
    "CA that signs nothing": (
        "usage.key_usages",
        built_in_text("issuing-ca").replace('"key-cert-sign", ', ""),
    ),
    "empty constraints": ("ca.name_constraints", built_in_text("issuing-ca") + "[ca.name_constraints]\n"),
    "server without names": (
        "subject.alt_names",
        built_in_text("server").replace('"hosts"', '"none"'),
    ),
    "another file's name": ("name", PUMP.replace("infusion-pump", "pump")),
    "laxer than its namesake": (
        "validity.lifetime",
        'extends = "device"\nname = "device"\n[validity]\nlifetime = "366d"\n',
    ),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_refused_profile_names_the_key(case: str) -> None:
    key, text = MALFORMED[case]
    with pytest.raises(PkiError) as refused:
        profiles.own(text, file_name="infusion-pump" if "infusion" in case or "file" in case else "")
    assert refused.value.field == key, refused.value
    assert refused.value.kind in ("usage", "not_found")


LAXER: dict[str, Profile] = {
    "kind": replace(by_name("device"), kind=Kind.OPERATOR),
    "keys.main": replace(by_name("device"), main=(KeyAlgorithm.EC_P384,)),
    "keys.alternative_required": replace(by_name("device"), alternative_required=False),
    "usage.purposes": replace(by_name("device"), purposes=(oids.EKU_SERVER_AUTH,)),
    "names.wildcards": replace(by_name("server"), names=NamePolicy(wildcards=True)),
    "extensions.status_urls": replace(by_name("device"), status_urls=False),
    "ca.path_length": replace(by_name("issuing-ca"), path_length=1),
    "issuer.forms": replace(by_name("device-pure"), issuer_forms=()),
}


@pytest.mark.parametrize("key", LAXER)
def test_a_namesake_only_narrows(key: str) -> None:
    own = LAXER[key]
    assert [finding.subject for finding in check_narrows(own, by_name(own.name))] == [key]


def test_a_namesake_without_purposes_is_not_narrower() -> None:
    own = replace(by_name("server"), purposes=())
    assert [finding.subject for finding in check_narrows(own, by_name("server"))] == ["usage.purposes"]


def test_a_narrower_namesake_is_welcome() -> None:
    assert profiles.own(
        'extends = "device"\nname = "device"\n[validity]\nlifetime = "30d"\n', file_name="device"
    ).lifetime == timedelta(days=30)


@given(st.text(max_size=300))
def test_any_text_is_a_profile_or_a_named_refusal(text: str) -> None:
    with pytest.raises(PkiError) as refused:
        profile_toml.parse(text, built_in_text)
    assert refused.value.field


def test_a_ceremony_narrows_an_issuing_ca_by_name() -> None:
    narrowed = replace(
        by_name("issuing-ca"), name_constraints=NameConstraints(permitted=Subtrees(dns=("ward.example",)))
    )
    assert check_profile(narrowed) == ()
    assert hash(narrowed) == hash(by_name("issuing-ca"))
    assert narrowed != by_name("issuing-ca")
