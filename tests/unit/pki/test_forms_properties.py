"""Whatever the facts: what is issued holds to its profile and is read by others, or the facts are refused."""

from __future__ import annotations

from cryptography import x509
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pki import names, oids, profiles
from pki.errors import PkiError
from pki.identity_extensions import canonical_address, read_alternative_names
from pki.profiles import Profile, SubjectFacts
from pki.tbs import Certificate
from tests.unit.pki.form_fixtures import keys_for, tree
from tests.unit.pki.issuing_fixtures import NOW, entropy

DEVICES = [
    profiles.by_name(n)
    for n in ("device", "device-classical", "device-pure", "device-composite", "device-kem")
]
FORMS = ("catalyst", "pure", "composite")
LABEL = st.from_regex(r"\A[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?\Z")
HOST = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
SOME = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

device_facts = st.builds(
    SubjectFacts,
    common_name=st.from_regex(r"\A[A-Za-z0-9_-]{8,64}\Z"),
    organization=st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=64),
    serial_number=st.from_regex(r"\A[A-Za-z0-9 ./:-]{0,64}\Z"),
    hardware_serial=st.none() | st.binary(min_size=1, max_size=64),
    udi=st.none() | st.tuples(st.sampled_from(["GS1", "HIBCC", "ICCBBA"]), st.from_regex(r"\A[!-~]{1,64}\Z")),
    mud_url=st.just("") | LABEL.map(lambda label: f"https://{label}.example/mud.json"),
)
host_facts = st.builds(
    SubjectFacts,
    common_name=st.from_regex(r"\A[a-z0-9][a-z0-9 .-]{0,20}[a-z0-9]\Z"),
    organization=st.just("Hospital"),
    dns_names=st.lists(
        st.lists(LABEL, min_size=1, max_size=4).map(".".join), min_size=1, max_size=5, unique=True
    ).map(tuple),
    ip_addresses=st.lists(st.ip_addresses().map(str), max_size=4).map(tuple),
)


def issued(profile: Profile, form: str, facts: SubjectFacts) -> Certificate:
    issuer = tree(form).issuing
    token = issuer.prepare(profile, facts, keys_for(profile).public, now=NOW, entropy=entropy)
    return Certificate.parse(issuer.issue(token).der)


@SOME
@given(st.sampled_from(DEVICES), st.sampled_from(FORMS), device_facts)
def test_a_device_certificate_says_the_facts(profile: Profile, form: str, facts: SubjectFacts) -> None:
    certificate = issued(profile, form, facts)
    subject = {a.oid: a.value for a in names.parse(certificate.subject)}
    assert subject[oids.COMMON_NAME] == facts.common_name
    assert subject.get(oids.ORGANIZATION, "") == facts.organization
    value = certificate.extension(oids.SUBJECT_ALT_NAME)
    found = read_alternative_names(value) if value else None
    assert (found.udis if found else ()) == ((facts.udi,) if facts.udi else ())
    serials = [serial for _, serial in found.hardware] if found else []
    assert serials == ([facts.hardware_serial] if facts.hardware_serial is not None else [])
    theirs = x509.load_der_x509_certificate(certificate.der)
    assert [e.oid.dotted_string for e in theirs.extensions] == [e.oid for e in certificate.extensions]
    assert theirs.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value == facts.common_name


@SOME
@given(st.sampled_from(FORMS), host_facts)
def test_a_server_certificate_says_its_hosts(form: str, facts: SubjectFacts) -> None:
    certificate = issued(profiles.SERVER, form, facts)
    theirs = x509.load_der_x509_certificate(certificate.der)
    found = theirs.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert tuple(found.get_values_for_type(x509.DNSName)) == facts.dns_names
    addresses = tuple(str(address) for address in found.get_values_for_type(x509.IPAddress))
    assert addresses == tuple(canonical_address(text) for text in facts.ip_addresses)


ANYTHING = st.text(max_size=80)


@SOME
@given(
    st.sampled_from([profiles.DEVICE, profiles.SERVER, profiles.DEVICE_RELATED]),
    st.builds(
        SubjectFacts,
        common_name=ANYTHING,
        organization=ANYTHING,
        serial_number=ANYTHING,
        hardware_serial=st.none() | st.binary(max_size=80),
        udi=st.none() | st.tuples(ANYTHING, ANYTHING),
        dns_names=st.lists(ANYTHING, max_size=2).map(tuple),
        ip_addresses=st.lists(ANYTHING, max_size=2).map(tuple),
        mud_url=ANYTHING,
        related=st.none() | st.binary(max_size=60),
    ),
)
def test_facts_that_fit_no_profile_are_refused_by_field(profile: Profile, facts: SubjectFacts) -> None:
    outcome: Certificate | PkiError
    try:
        outcome = issued(profile, "catalyst", facts)
    except PkiError as refusal:
        outcome = refusal
    if isinstance(outcome, Certificate):
        assert x509.load_der_x509_certificate(outcome.der).serial_number == outcome.serial
    else:
        assert (outcome.kind, bool(outcome.field)) == ("refused", True), outcome
