"""What one certificate must be like wherever it stands: each case is one oddity and its rule."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pki import asn1, extensions, oids, tbs
from pki.errors import MalformedInput
from pki.extensions import Extension, KeyUsage
from pki.path import Status, verify_bytes
from pki.path_structure import findings
from pki.tbs import Certificate
from tests.unit.pki.naming import OFF, chain, dns, judged, refusals, san
from tests.unit.pki.path_fixtures import BUNDLE, DEVICE, ISSUING, NOW, Recipe, device_recipe, keys

EMPTY = asn1.sequence()
AIA = Extension(oids.AUTHORITY_INFORMATION_ACCESS, True, asn1.sequence())


def rebuilt(certificate: Certificate, **changed: bytes) -> Certificate:
    """The certificate with other fields as they stand; its signatures then hold no more."""
    fields = list(certificate.signed.fields)
    for name, value in changed.items():
        fields[{"serial": 1, "issuer": 3, "validity": 4, "subject": 5}[name]] = value
    head, algorithm = asn1.sequence(*fields), certificate.signed.algorithm
    return Certificate.parse(tbs.seal(head, algorithm, certificate.signed.signature))


def rules(certificate: Certificate) -> set[str]:
    return {f.rule for f in findings(certificate)}


@pytest.mark.parametrize("serial", [0, -1, 1 << 159, 1 << 200])
def test_serial_numbers_are_positive_and_at_most_20_octets(serial: int) -> None:
    assert rules(rebuilt(DEVICE, serial=asn1.integer(serial))) == {"path.serial_not_conforming"}
    assert rules(rebuilt(DEVICE, serial=asn1.integer((1 << 159) - 1))) == set()


def test_names_are_not_empty() -> None:
    assert rules(rebuilt(DEVICE, issuer=EMPTY)) == {"path.issuer_name_empty"}
    assert rules(rebuilt(ISSUING, subject=EMPTY)) == {"path.subject_name_empty"}
    assert rules(rebuilt(DEVICE, subject=EMPTY)) == {"path.subject_name_empty"}
    named = device_recipe(extra=(san(dns("a.example"), critical=True),)).make()
    assert rules(rebuilt(named, subject=EMPTY)) == set()


def test_a_validity_that_ends_before_it_begins() -> None:
    reversed_ = asn1.sequence(asn1.time(DEVICE.not_after), asn1.time(DEVICE.not_before))
    assert rules(rebuilt(DEVICE, validity=reversed_)) == {"path.validity_reversed"}


ODD: dict[str, tuple[Extension, str]] = {
    "authority key identifier critical": (
        Extension(oids.FRESHEST_CRL, True, asn1.sequence()),
        "path.extension_must_not_be_critical",
    ),
    "authority information access critical": (AIA, "path.extension_must_not_be_critical"),
    "an access description without a place": (
        Extension(
            oids.AUTHORITY_INFORMATION_ACCESS, False, asn1.sequence(asn1.sequence(asn1.oid(oids.AD_OCSP)))
        ),
        "path.extension_malformed",
    ),
    "no purpose": (Extension(oids.EXTENDED_KEY_USAGE, False, asn1.sequence()), "path.extension_malformed"),
    "policy constraints in an end entity": (
        Extension(oids.POLICY_CONSTRAINTS, True, asn1.sequence(asn1.implicit(0, b"\x00"))),
        "path.extension_only_for_cas",
    ),
    "no name in the alternative names": (san(), "path.extension_malformed"),
}


@pytest.mark.parametrize(("extension", "rule"), ODD.values(), ids=ODD)
def test_an_odd_extension_of_an_end_entity_refuses(extension: Extension, rule: str) -> None:
    recipe = replace(device_recipe(), purposes=(), extra=(extension,))
    assert rule in rules(recipe.make())


def test_only_cas_may_sign_certificates() -> None:
    odd = device_recipe(usages=(KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_CERT_SIGN)).make()
    assert rules(odd) == {"path.usage_contradicts_constraints"}


def test_key_identifiers_are_there_below_the_anchor() -> None:
    root, leaf = keys("plain root", None), keys("plain leaf", None)
    anchor = Recipe("Root", "Root", root, root, ca=True).make()
    nameless = Recipe("leaf", "Root", leaf, root, without=frozenset({oids.AUTHORITY_KEY_IDENTIFIER})).make()
    assert refusals(judged([anchor, nameless])) == ["path.authority_key_identifier_missing"]
    bare = Recipe(
        "Root", "Root", root, root, ca=True, without=frozenset({oids.SUBJECT_KEY_IDENTIFIER})
    ).make()
    assert refusals(judged([bare, Recipe("leaf", "Root", leaf, root).make()])) == [
        "path.subject_key_identifier_missing"
    ]


def test_a_pinned_ca_says_critically_that_it_is_one_and_an_intermediate_is_only_warned_of() -> None:
    """4.2.1.9 is for CAs; 6.1.4 (k) asks for cA alone."""
    loose = Extension(oids.BASIC_CONSTRAINTS, False, extensions.basic_constraints(ca=True).value)

    def loosened(found: list[Extension]) -> list[Extension]:
        return [loose if e.oid == oids.BASIC_CONSTRAINTS else e for e in found]

    root, middle, leaf = (keys(f"plain {n}", None) for n in ("root", 1, 2))
    top = Recipe("Root", "Root", root, root, ca=True)
    ca, end = Recipe("CA 1", "Root", middle, root, ca=True), Recipe("leaf", "CA 1", leaf, middle)
    warned = judged([top.make(), replace(ca, rewrite=loosened).make(), end.make()])
    assert (refusals(warned), [f.rule for f in warned.findings]) == (
        [],
        ["path.basic_constraints_not_critical"],
    )
    pinned = judged([replace(top, rewrite=loosened).make(), ca.make(), end.make()])
    assert refusals(pinned) == ["path.anchor_constraints_not_critical"]


def test_unique_identifiers_are_read_past_and_covered_by_both_signatures() -> None:
    fields = DEVICE.signed.fields
    unsigned = tbs.Unsigned(
        fields[0] + fields[1],
        b"".join(fields[3:7]) + asn1.implicit(1, b"\x00\x01") + asn1.implicit(2, b"\x00\x02"),
        tuple(e.encode() for e in device_recipe().listed()),
        3,
    )
    odd = Certificate.parse(tbs.sign(unsigned, keys("issuing")))
    verdict = verify_bytes(odd.der, bundle=BUNDLE, now=NOW, policy=OFF)
    assert verdict.status is Status.HYBRID_VALID
    moved = asn1.sequence(*fields[:7], asn1.implicit(2, b"\x00"), asn1.implicit(1, b"\x00"), fields[7])
    with pytest.raises(MalformedInput, match="version 3"):
        Certificate.parse(tbs.seal(moved, DEVICE.signed.algorithm, DEVICE.signed.signature))


def test_purposes_of_a_ca_cut_down_those_below() -> None:
    client, server = (extensions.extended_key_usage(p) for p in (oids.EKU_CLIENT_AUTH, oids.EKU_SERVER_AUTH))
    anything = extensions.extended_key_usage(oids.ANY_EXTENDED_KEY_USAGE)
    delegate = extensions.extended_key_usage(oids.EKU_OCSP_SIGNING)
    assert refusals(judged(chain([], [server], [client]))) == ["path.purposes_not_nested"]
    assert refusals(judged(chain([], [server], [client], [client]))) == ["path.purposes_not_nested"]
    for above, below in ((client, client), (anything, client), (server, anything), (client, delegate)):
        assert refusals(judged(chain([], [above], [below]))) == []


def test_a_ca_without_key_usage_may_issue_and_is_warned_of() -> None:
    """RFC 5280 6.1.4 (n) asks only where it is there; 4.2.1.3 wants it there."""
    root, leaf = keys("plain root", None), keys("plain leaf", None)
    silent = Recipe("Root", "Root", root, root, ca=True, without=frozenset({oids.KEY_USAGE})).make()
    found = judged([silent, Recipe("leaf", "Root", leaf, root).make()])
    assert (found.status, [f.rule for f in found.findings]) == (
        Status.CLASSICAL_VALID,
        ["path.key_usage_missing"],
    )
