"""Profiles: what each built-in one allows, and that every one of them issues what its lint accepts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pki import asn1, names, oids, profiles
from pki.errors import LintRefused, RequestRefused
from pki.extensions import KeyUsage, read_extended_key_usage, read_key_usage
from pki.identity_extensions import device_names, hardware_type, read_alternative_names
from pki.keys import HybridPrivateKey
from pki.profiles import PROFILES, Form, Kind, Profile, ProfileNotFound, SubjectFacts
from pki.providers.interface import KeyAlgorithm
from pki.tbs import Certificate
from tests.unit.pki.issuing_fixtures import DEVICE_FACTS, NOW, entropy, house, issue

CLASSICAL = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
ML_DSA = HybridPrivateKey.generate(KeyAlgorithm.ML_DSA_65, None)
BOTH = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
SERVICE = SubjectFacts(common_name="Hospital Registry", organization="Hospital")
HOSTS = replace(SERVICE, dns_names=("broker.hospital.example",), ip_addresses=("127.0.0.1", "::1"))
ISSUED: dict[str, tuple[Profile, SubjectFacts, HybridPrivateKey]] = {
    "ocsp-ecdsa": (profiles.OCSP_ECDSA, SERVICE, BOTH),
    "ocsp-ecdsa, classical": (profiles.OCSP_ECDSA, SERVICE, CLASSICAL),
    "ocsp-ml-dsa": (profiles.OCSP_ML_DSA, SERVICE, ML_DSA),
    "server": (profiles.SERVER, HOSTS, CLASSICAL),
    "server, hybrid": (profiles.SERVER, HOSTS, BOTH),
    "registry": (profiles.REGISTRY, SERVICE, BOTH),
    "bridge": (profiles.BRIDGE, SERVICE, CLASSICAL),
    "device": (profiles.DEVICE, DEVICE_FACTS, BOTH),
    "device-classical": (profiles.DEVICE_CLASSICAL, DEVICE_FACTS, CLASSICAL),
}


@pytest.mark.parametrize("case", ISSUED)
def test_a_profile_issues_what_it_names_and_nothing_else(case: str) -> None:
    profile, facts, key = ISSUED[case]
    certificate = Certificate.parse(issue(profile, facts, key).der)
    present = {extension.oid for extension in certificate.extensions}
    assert present <= profile.extensions
    assert oids.ALT_SIGNATURE_VALUE in present
    assert (oids.SUBJECT_ALT_PUBLIC_KEY_INFO in present) == (key.alternative is not None)
    assert (oids.OCSP_NO_CHECK in present) == profile.ocsp_no_check
    assert (oids.CRL_DISTRIBUTION_POINTS in present) == profile.status_urls
    assert read_key_usage(certificate.extension(oids.KEY_USAGE) or b"") == {KeyUsage.DIGITAL_SIGNATURE}
    purposes = certificate.extension(oids.EXTENDED_KEY_USAGE)
    assert (read_extended_key_usage(purposes) if purposes else ()) == profile.purposes
    assert certificate.not_after - certificate.not_before + timedelta(seconds=1) == profile.lifetime


def test_a_device_certificate_says_which_device() -> None:
    certificate = Certificate.parse(issue().der)
    assert names.show(certificate.subject) == "O=Hospital, CN=device-0001, serialNumber=SN-77"
    found = read_alternative_names(certificate.extension(oids.SUBJECT_ALT_NAME) or b"")
    assert found.hardware == ((hardware_type(("GS1", "00844588003288")), b"HW-0001"),)
    assert found.udis == (("GS1", "00844588003288"),)
    assert found.foreign == ()


def test_the_hardware_type_is_the_models_and_a_fixed_one_without_a_udi() -> None:
    one, other = hardware_type(("GS1", "00844588003288")), hardware_type(("GS1", "00844588003289"))
    assert one == "2.25.189150161994090685913228997997796217716"
    assert len({one, other, hardware_type(None)}) == 3
    assert hardware_type(None).startswith("2.25.")


@pytest.mark.parametrize("identifier", ["00844588003288", "$$+7/A%.B", "a:b", "!~"])
def test_any_udi_di_reads_back_from_its_uri(identifier: str) -> None:
    names_ = device_names(("HIBCC", identifier), None)
    assert names_ is not None
    assert b":".join((b"urn", b"udi", b"HIBCC")) in names_.value
    assert read_alternative_names(names_.value).udis == (("HIBCC", identifier),)


@pytest.mark.parametrize(
    "uri", ["urn:udi:GS1", "urn:udi:GS1:", "urn:udi:GS1:%61", "http://a.example/", "urn:udi:a b:1"]
)
def test_another_uri_is_no_udi(uri: str) -> None:
    found = read_alternative_names(asn1.sequence(asn1.implicit(6, uri.encode())))
    assert (found.udis, found.foreign) == ((), ("tag 0x86",))


def test_a_server_certificate_has_its_names() -> None:
    certificate = Certificate.parse(issue(profiles.SERVER, HOSTS, CLASSICAL).der)
    found = read_alternative_names(certificate.extension(oids.SUBJECT_ALT_NAME) or b"")
    assert (found.dns_names, found.ip_addresses) == (("broker.hospital.example",), ("127.0.0.1", "::1"))


def test_a_device_without_hardware_serial_and_udi_has_no_such_names() -> None:
    facts = SubjectFacts(common_name="device-0001")
    certificate = Certificate.parse(issue(facts=facts).der)
    assert certificate.extension(oids.SUBJECT_ALT_NAME) is None


WRONG_FACTS: dict[str, tuple[str, Profile, SubjectFacts]] = {
    "short device id": ("common_name", profiles.DEVICE, SubjectFacts(common_name="device1")),
    "device id with a dot": ("common_name", profiles.DEVICE, SubjectFacts(common_name="device.0001")),
    "device id with a line": ("common_name", profiles.DEVICE, SubjectFacts(common_name="device-0001\n")),
    "server without names": ("dns_names", profiles.SERVER, SERVICE),
    "names on a bridge": ("dns_names", profiles.BRIDGE, HOSTS),
    "hardware on a bridge": ("hardware_serial", profiles.BRIDGE, replace(SERVICE, hardware_serial=b"1")),
    "UDI on a bridge": ("udi", profiles.BRIDGE, replace(SERVICE, udi=("GS1", "1"))),
    "not a host name": ("dns_names", profiles.SERVER, replace(HOSTS, dns_names=("a b",))),
    "host name with NUL": ("dns_names", profiles.SERVER, replace(HOSTS, dns_names=("a\x00.example",))),
    "not an address": ("ip_addresses", profiles.SERVER, replace(HOSTS, ip_addresses=("300.1.1.1",))),
    "empty hardware serial": ("hardware_serial", profiles.DEVICE, replace(DEVICE_FACTS, hardware_serial=b"")),
    "endless hardware serial": (
        "hardware_serial",
        profiles.DEVICE,
        replace(DEVICE_FACTS, hardware_serial=bytes(65)),
    ),
    "not a UDI": ("udi", profiles.DEVICE, replace(DEVICE_FACTS, udi=("GS1", "1 2"))),
    "organization": ("O", profiles.DEVICE, replace(DEVICE_FACTS, organization="x" * 65)),
    "serial with a star": ("serialNumber", profiles.DEVICE, replace(DEVICE_FACTS, serial_number="SN*7")),
    "serial in Cyrillic": ("serialNumber", profiles.DEVICE, replace(DEVICE_FACTS, serial_number="\u0421")),
}


@pytest.mark.parametrize("case", WRONG_FACTS)
def test_facts_that_do_not_fit_are_refused_by_field(case: str) -> None:
    field, profile, facts = WRONG_FACTS[case]
    with pytest.raises(RequestRefused) as refused:
        house().issuer.prepare(profile, facts, BOTH.public, now=NOW, entropy=entropy)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("profile", "key", "rule"),
    [
        (profiles.DEVICE, CLASSICAL, "profile.alternative_key_missing"),
        (profiles.DEVICE_CLASSICAL, BOTH, "profile.alternative_key_not_allowed"),
        (profiles.DEVICE, ML_DSA, "profile.key_not_allowed"),
    ],
)
def test_keys_that_do_not_fit_are_refused_by_the_lint(
    profile: Profile, key: HybridPrivateKey, rule: str
) -> None:
    with pytest.raises(LintRefused, match=rule):
        issue(profile, DEVICE_FACTS, key)


def test_profiles_are_found_by_name() -> None:
    assert {name: profiles.by_name(name) for name in PROFILES} == PROFILES
    with pytest.raises(ProfileNotFound, match="device-classical") as missing:
        profiles.by_name("devise")
    assert missing.value.kind == "not_found"


def test_no_profile_reaches_further_back_than_five_minutes() -> None:
    assert all(timedelta() <= profile.backdate <= timedelta(minutes=5) for profile in PROFILES.values())


def test_a_device_that_signs_classically_only_has_a_profile_that_says_so() -> None:
    devices = [profile for profile in PROFILES.values() if profile.kind is Kind.DEVICE]
    weak = [p.name for p in devices if p.form is Form.CLASSICAL or not p.main[0].resists_quantum]
    hybrid = [p.name for p in devices if p.form is Form.CATALYST and p.alternative_required]
    assert sorted({*weak} - {*hybrid}) == ["device-classical", "device-kem"]
