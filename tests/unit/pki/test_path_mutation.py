"""Altered bytes of everything that a path rests on: never believed for it, and never an exception."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from pki import asn1
from pki.bundle import TrustAnchor, TrustBundle
from pki.chameleon import delta_certificate
from pki.constraint_extensions import certificate_policies
from pki.errors import MalformedInput
from pki.findings import Severity
from pki.name_constraints import read as read_constraints
from pki.path import PolicyInputs, Verdict, VerifyPolicy, verify_bytes
from pki.policy_tree import read_policy_mappings
from pki.tbs import Certificate
from tests.unit.pki.naming import chain, constraints, directory, dns, email, ip, san, uri
from tests.unit.pki.path_fixtures import BUNDLE, DEVICE, ISSUING, NOW, name
from tests.unit.pki.test_chameleon import base_with, delta_of, described
from tests.unit.pki.test_path_related import BUNDLE as PAIR
from tests.unit.pki.test_path_related import SIGNING, TLS
from tests.unit.pki.test_path_revocation import CLEAN, ROOTS
from tests.unit.pki.test_policy_tree import maps, requires

BASES = [dns("example.com"), email("a@example.com"), uri(".example.com"), directory(name("x"))]
RICH = constraints([*BASES, ip(192, 0, 2, 0, 255, 255, 255, 0)], [dns("no.example.com")])
POLICED = certificate_policies(("1.2.3",))
CHAIN = chain(
    [],
    [RICH, POLICED, maps(("1.2.3", "1.2.4")), requires(explicit=0, mapping=1)],
    [san(dns("a.example.com"), email("a@example.com"), ip(192, 0, 2, 1)), certificate_policies(("1.2.4",))],
    leaf_name="x",
)
CHAMELEON = base_with(described(delta_of(), explicit=True))


def judged(leaf: bytes, intermediate: bytes) -> Verdict:
    bundle = TrustBundle(1, NOW, (TrustAnchor.of(CHAIN[0]),))
    policy = VerifyPolicy(revocation="off", policies=PolicyInputs(explicit=True), host="a.example.com")
    return verify_bytes(leaf, bundle=bundle, now=NOW, intermediates=(intermediate,), policy=policy)


def altered(der: bytes, place: int, octet: int) -> bytes:
    at = place % len(der)
    return der[:at] + bytes((octet,)) + der[at + 1 :]


def outcome(read: Callable[[], object]) -> object:
    """What was read, or the sentence of the typed refusal; anything else passes through."""
    try:
        return read()
    except MalformedInput as refused:
        return refused.problem


PLACE, OCTET = st.integers(0, 1 << 16), st.integers(0, 255)


@settings(max_examples=200)
@given(place=PLACE, octet=OCTET, which=st.sampled_from(["leaf", "intermediate"]))
def test_a_path_full_of_constraints_and_policies(place: int, octet: int, which: str) -> None:
    leaf, above = CHAIN[2].der, CHAIN[1].der
    if which == "leaf":
        leaf = altered(leaf, place, octet)
    else:
        above = altered(above, place, octet)
    verdict = judged(leaf, above)
    assert verdict.is_valid is ((leaf, above) == (CHAIN[2].der, CHAIN[1].der))
    assert Severity.FATAL not in {f.severity for f in verdict.findings}


@settings(max_examples=100)
@given(place=PLACE, octet=OCTET)
def test_a_list(place: int, octet: int) -> None:
    given_list = altered(CLEAN, place, octet)
    verdict = verify_bytes(
        DEVICE.der, bundle=BUNDLE, now=NOW, intermediates=(ISSUING.der,), crls=(ROOTS, given_list)
    )
    assert verdict.is_valid is (given_list == CLEAN)
    assert Severity.FATAL not in {f.severity for f in verdict.findings}


@settings(max_examples=100)
@given(place=PLACE, octet=OCTET)
def test_half_of_a_pair(place: int, octet: int) -> None:
    half = altered(SIGNING.der, place, octet)
    policy = VerifyPolicy(revocation="off")
    verdict = verify_bytes(TLS.der, related=half, bundle=PAIR, now=NOW, policy=policy)
    assert verdict.is_valid is (half == SIGNING.der)


@settings(max_examples=200)
@given(place=PLACE, octet=OCTET, junk=st.binary(max_size=80))
def test_readers_refuse_with_a_typed_error(place: int, octet: int, junk: bytes) -> None:
    mapping = maps(("1.2.3", "1.2.4")).value
    for reader, good in ((read_constraints, RICH.value), (read_policy_mappings, mapping)):
        for value in (altered(good, place, octet), junk, asn1.sequence(junk)):
            assert outcome(lambda reader=reader, value=value: reader(value))  # type: ignore[misc]


@settings(max_examples=150)
@given(place=PLACE, octet=OCTET)
def test_a_delta(place: int, octet: int) -> None:
    found = outcome(lambda: delta_certificate(Certificate.parse(altered(CHAMELEON.der, place, octet))))
    assert found is None or isinstance(found, str) or found != CHAMELEON
