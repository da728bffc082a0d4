"""What a CA may not issue: names that its chain or the profile's policy forbids, and CAs without end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pki import oids, profiles
from pki.constraint_extensions import NameConstraints, Subtrees, read_certificate_policies
from pki.errors import LintRefused, RequestRefused
from pki.extensions import uris
from pki.issuer import Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import NamePolicy, Profile
from pki.providers.interface import KeyAlgorithm
from pki.tbs import Certificate
from tests.unit.pki.form_fixtures import facts_for, keys_for, tree
from tests.unit.pki.issuing_fixtures import NOW, URLS, entropy


def issuing_ca(above: Issuer, **said: object) -> Issuer:
    """A CA by a profile that says more than the built-in one."""
    profile = replace(profiles.ISSUING_CA, **said)  # type: ignore[arg-type]
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
    token = above.prepare(profile, facts_for(profile), key.public, now=NOW, entropy=entropy)
    return Issuer(Certificate.parse(above.issue(token).der), key, URLS, above=(above.certificate,))


def prepare(issuer: Issuer, profile: Profile, **facts: object) -> None:
    known = replace(facts_for(profile), **facts)  # type: ignore[arg-type]
    issuer.prepare(profile, known, keys_for(profile).public, now=NOW, entropy=entropy)


def permitting(**names: tuple[str, ...]) -> Issuer:
    constraints = NameConstraints(permitted=Subtrees(**names))  # type: ignore[arg-type]
    return issuing_ca(tree("catalyst").root, name_constraints=constraints)


CONSTRAINED: dict[str, tuple[dict[str, tuple[str, ...]], dict[str, tuple[str, ...]], bool]] = {
    "a host below": ({"dns": ("hospital.example",)}, {"ip_addresses": ()}, True),
    "a host elsewhere": ({"dns": ("clinic.example",)}, {"ip_addresses": ()}, False),
    "an address inside": ({"ip": ("10.0.0.0/8",)}, {"ip_addresses": ("10.1.2.3",)}, True),
    "an address outside": ({"ip": ("10.0.0.0/8",)}, {"ip_addresses": ("192.0.2.1",)}, False),
}


@pytest.mark.parametrize("case", CONSTRAINED)
def test_a_ca_issues_no_name_that_its_own_certificate_does_not_permit(case: str) -> None:
    permitted, names, accepted = CONSTRAINED[case]
    issuer = permitting(**permitted)
    if accepted:
        prepare(issuer, profiles.SERVER, **names)
        assert issuer.certificate.extension(oids.NAME_CONSTRAINTS)
        return
    with pytest.raises(LintRefused, match=r"chain\.name_not_permitted"):
        prepare(issuer, profiles.SERVER, **names)


def test_a_constraint_two_levels_up_binds_as_well() -> None:
    constraints = NameConstraints(excluded=Subtrees(dns=("hospital.example",)))
    middle = issuing_ca(tree("catalyst").root, path_length=1, name_constraints=constraints)
    root = tree("catalyst").root.certificate
    lower = issuing_ca(middle)
    chained = Issuer(lower.certificate, lower._key, URLS, above=(middle.certificate, root))
    with pytest.raises(LintRefused, match=r"chain\.name_not_permitted"):
        prepare(chained, profiles.SERVER)


def test_a_ca_below_a_ca_uses_up_the_path() -> None:
    middle = issuing_ca(tree("catalyst").root, path_length=1)
    lower = issuing_ca(middle)
    assert lower.certificate.issuer == middle.certificate.subject
    with pytest.raises(RequestRefused, match=r"issuer\.path_length_exhausted"):
        issuing_ca(lower)
    with pytest.raises(LintRefused, match=r"chain\.path_length_too_long"):
        issuing_ca(middle, path_length=1)


def test_nothing_outlives_the_chain_above_it() -> None:
    root = tree("catalyst").root
    short = replace(profiles.ISSUING_CA, lifetime=timedelta(days=30))
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
    token = root.prepare(short, facts_for(short), key.public, now=NOW, entropy=entropy)
    above = Certificate.parse(root.issue(token).der)
    long = issuing_ca(root)
    issuer = Issuer(long.certificate, long._key, URLS, above=(above, root.certificate))
    device = profiles.DEVICE
    asked = issuer.prepare(device, facts_for(device), keys_for(device).public, now=NOW, entropy=entropy)
    assert asked.not_after == above.not_after


POLICY: dict[str, tuple[str, Profile, dict[str, object]]] = {
    "wildcard": ("dns_names", profiles.SERVER, {"dns_names": ("*.hospital.example",)}),
    "host not allowed": ("dns_names", replace(profiles.SERVER, names=NamePolicy(allow_dns=("a.b",))), {}),
    "host denied": (
        "dns_names",
        replace(profiles.SERVER, names=NamePolicy(deny_dns=("hospital.example",))),
        {},
    ),
    "wildcard over a denied host": (
        "dns_names",
        replace(profiles.SERVER, names=NamePolicy(deny_dns=("x.hospital.example",), wildcards=True)),
        {"dns_names": ("*.hospital.example",)},
    ),
    "address denied": (
        "ip_addresses",
        replace(profiles.SERVER, names=NamePolicy(deny_ip=("10.0.0.0/8",))),
        {},
    ),
    "denied address in IPv6's dress": (
        "ip_addresses",
        replace(profiles.SERVER, names=NamePolicy(deny_ip=("10.0.0.0/8",))),
        {"ip_addresses": ("::ffff:10.1.2.3",)},
    ),
    "address not allowed": (
        "ip_addresses",
        replace(profiles.SERVER, names=NamePolicy(allow_ip=("fd00::/8",))),
        {},
    ),
    "MUD URL without https": ("mud_url", profiles.DEVICE, {"mud_url": "http://maker.example/x"}),
    "MUD URL without room": ("mud_url", profiles.SERVER, {"mud_url": "https://maker.example/x"}),
    "binding without room": ("related", profiles.DEVICE_PURE, {"related": b"\x30\x00"}),
    "no binding": ("related", profiles.DEVICE_RELATED, {"related": None}),
}


@pytest.mark.parametrize("case", POLICY)
def test_facts_against_the_policy_are_refused_by_field(case: str) -> None:
    field, profile, facts = POLICY[case]
    with pytest.raises(RequestRefused) as refused:
        prepare(tree("catalyst").issuing, profile, **facts)
    assert refused.value.field == field


def test_names_that_the_policy_allows_are_issued() -> None:
    policy = NamePolicy(
        allow_dns=("hospital.example",), allow_ip=("10.0.0.0/8", "fd00::/8"), organizations=("Hospital",)
    )
    profile = replace(profiles.SERVER, names=policy)
    prepare(tree("catalyst").issuing, profile)
    prepare(
        tree("catalyst").issuing,
        replace(profile, names=replace(policy, wildcards=True)),
        dns_names=("*.hospital.example",),
    )
    assert policy.wildcards is False


def test_a_policy_of_the_hospitals_own_stands_in_the_certificate() -> None:
    profile = replace(profiles.DEVICE, policies=("1.3.6.1.4.1.99999.7",))
    issuer = tree("catalyst").issuing
    token = issuer.prepare(profile, facts_for(profile), keys_for(profile).public, now=NOW, entropy=entropy)
    value = Certificate.parse(issuer.issue(token).der).extension(oids.CERTIFICATE_POLICIES) or b""
    assert read_certificate_policies(value) == ("1.3.6.1.4.1.99999.7",)


def test_a_list_cut_by_serial_is_named_by_its_part() -> None:
    home = tree("catalyst").issuing
    issuer = Issuer(home.certificate, home._key, replace(URLS, crl_shards=16))
    token = issuer.prepare(
        profiles.DEVICE,
        facts_for(profiles.DEVICE),
        keys_for(profiles.DEVICE).public,
        now=NOW,
        entropy=entropy,
    )
    certificate = Certificate.parse(issuer.issue(token).der)
    part = (certificate.serial & 0xFF) // 16
    value = certificate.extension(oids.CRL_DISTRIBUTION_POINTS) or b""
    assert uris(value) == (f"http://pki.hospital.example/issuing/16-{part}.crl",)
