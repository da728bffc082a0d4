"""Name constraints along a path (RFC 5280 4.2.1.10): a name, its constraints, and what follows."""

from __future__ import annotations

import pytest

from pki import asn1, names, oids
from pki.extensions import Extension
from pki.path_work import MAX_COMPARISONS
from tests.unit.pki.naming import (
    chain,
    constraints,
    directory,
    dns,
    email,
    ip,
    judged,
    other,
    refusals,
    san,
    uri,
)
from tests.unit.pki.path_fixtures import Recipe, keys

OK: list[str] = []
EXCLUDED, NOT_PERMITTED = ["path.name_excluded"], ["path.name_not_permitted"]
UNREADABLE, UNCOMPARED = ["path.extension_malformed"], ["path.name_constraint_not_understood"]
NET = ip(192, 0, 2, 0, 255, 255, 255, 0)
NET6 = ip(*bytes.fromhex("20010db8000000000000000000000000ffffffff000000000000000000000000"))


def organization(text: str, kind: int = asn1.UTF8_STRING) -> bytes:
    pair = asn1.sequence(asn1.oid(oids.ORGANIZATION), asn1.tlv(kind, text.encode()))
    return asn1.sequence(asn1.set_of([pair]))


SMTP_UTF8 = asn1.tlv(
    0xA0, asn1.oid("1.3.6.1.5.5.7.8.9") + asn1.explicit(0, asn1.utf8_string("jörg@example.com"))
)

CASES: dict[str, tuple[bytes, dict[str, list[bytes]], list[str]]] = {
    "a host below the permitted domain": (dns("a.b.example.com"), {"permitted": [dns("example.com")]}, OK),
    "the permitted domain itself, in capitals": (
        dns("EXAMPLE.com"),
        {"permitted": [dns("example.COM")]},
        OK,
    ),
    "a host whose name only ends alike": (
        dns("badexample.com"),
        {"permitted": [dns("example.com")]},
        NOT_PERMITTED,
    ),
    "an excluded host below": (dns("a.example.com"), {"excluded": [dns("example.com")]}, EXCLUDED),
    "excluded beats permitted": (
        dns("a.example.com"),
        {"permitted": [dns("example.com")], "excluded": [dns("a.example.com")]},
        EXCLUDED,
    ),
    "a wildcard inside the permitted domain": (
        dns("*.example.com"),
        {"permitted": [dns("example.com")]},
        OK,
    ),
    "a wildcard wider than what is permitted": (
        dns("*.example.com"),
        {"permitted": [dns("a.example.com")]},
        NOT_PERMITTED,
    ),
    "a wildcard that could stand for an excluded host": (
        dns("*.example.com"),
        {"excluded": [dns("bar.example.com")]},
        EXCLUDED,
    ),
    "a wildcard beside an excluded host": (dns("*.a.example.com"), {"excluded": [dns("b.example.com")]}, OK),
    "an empty constraint excludes every host": (dns("example.com"), {"excluded": [dns("")]}, EXCLUDED),
    "a constraint of another kind": (dns("example.com"), {"permitted": [NET]}, OK),
    "an address in the network": (ip(192, 0, 2, 7), {"permitted": [NET]}, OK),
    "an address outside": (ip(192, 0, 3, 7), {"permitted": [NET]}, NOT_PERMITTED),
    "an IPv6 address where only IPv4 is permitted": (
        ip(*bytes(15), 1),
        {"permitted": [NET]},
        NOT_PERMITTED,
    ),
    "an excluded IPv4 address in IPv6's dress": (
        ip(*bytes(10), 255, 255, 192, 0, 2, 7),
        {"excluded": [NET]},
        EXCLUDED,
    ),
    "a permitted IPv4 address in IPv6's dress": (
        ip(*bytes(10), 255, 255, 192, 0, 2, 7),
        {"permitted": [NET]},
        NOT_PERMITTED,
    ),
    "an IPv6 address in an excluded network": (
        ip(*bytes.fromhex("20010db8000000000000000000000001")),
        {"excluded": [NET6]},
        EXCLUDED,
    ),
    "a mailbox by its exact name": (
        email("Ann@example.com"),
        {"permitted": [email("Ann@EXAMPLE.com")]},
        OK,
    ),
    "a mailbox whose local part differs in case": (
        email("ann@example.com"),
        {"permitted": [email("Ann@example.com")]},
        NOT_PERMITTED,
    ),
    "a mailbox on the host": (email("ann@example.com"), {"permitted": [email("example.com")]}, OK),
    "a mailbox below the host": (
        email("ann@a.example.com"),
        {"permitted": [email("example.com")]},
        NOT_PERMITTED,
    ),
    "a mailbox below the dotted host": (email("a@b.example.com"), {"permitted": [email(".example.com")]}, OK),
    "a mailbox on the dotted host itself": (
        email("ann@example.com"),
        {"permitted": [email(".example.com")]},
        NOT_PERMITTED,
    ),
    "an internationalised mailbox under a mailbox constraint": (
        SMTP_UTF8,
        {"excluded": [email("example.com")]},
        UNCOMPARED,
    ),
    "a URI on the host": (uri("https://example.com/x"), {"permitted": [uri("example.com")]}, OK),
    "a URI with user and port": (
        uri("https://u:p@a.example.com:8443/"),
        {"permitted": [uri(".example.com")]},
        OK,
    ),
    "a URI that hides its host behind a user": (
        uri("https://example.com@evil.example/"),
        {"permitted": [uri("example.com")]},
        NOT_PERMITTED,
    ),
    "a URI without a host": (uri("urn:udi:gs1:1"), {"permitted": [uri("example.com")]}, UNCOMPARED),
    "a URI with an address for a host": (
        uri("https://192.0.2.1/"),
        {"excluded": [uri("example.com")]},
        UNCOMPARED,
    ),
    "a directory name inside": (
        directory(names.encode(organization="Clinic", common_name="a")),
        {"permitted": [directory(organization("CLINIC ")), directory(asn1.sequence())]},
        OK,
    ),
    "otherName constrained and present": (other(), {"excluded": [other()]}, UNCOMPARED),
    "otherName constrained and absent": (dns("a.example"), {"excluded": [other()]}, OK),
    "otherName present, hosts constrained": (other(), {"permitted": [dns("example.com")]}, OK),
}


@pytest.mark.parametrize(("name", "lists", "expected"), CASES.values(), ids=CASES)
def test_a_name_under_a_constraint(name: bytes, lists: dict[str, list[bytes]], expected: list[str]) -> None:
    made = chain([], [constraints(lists.get("permitted", []), lists.get("excluded", []))], [san(name)])
    assert refusals(judged(made)) == expected
    at_the_anchor = chain([constraints(lists.get("permitted", []), lists.get("excluded", []))], [san(name)])
    assert refusals(judged(at_the_anchor)) == expected


def test_subjects_are_names_too_and_their_encoding_does_not_matter() -> None:
    """7.1: case, spaces and the kind of string are folded away."""
    printable = organization("clinic", asn1.PRINTABLE_STRING)
    made = chain([], [constraints([directory(printable)])], [], leaf_name="leaf")
    assert refusals(judged(made)) == NOT_PERMITTED
    made = chain([], [constraints([], [directory(asn1.sequence())])], [])
    assert refusals(judged(made)) == EXCLUDED


def test_constraints_of_several_cas_intersect() -> None:
    narrow, wide = constraints([dns("a.example.com")]), constraints([dns("example.com")])
    for upper, lower in ((narrow, wide), (wide, narrow)):
        assert refusals(judged(chain([], [upper], [lower], [san(dns("x.a.example.com"))]))) == OK
        assert refusals(judged(chain([], [upper], [lower], [san(dns("b.example.com"))]))) == NOT_PERMITTED


def test_intermediates_are_constrained_and_self_issued_ones_are_not() -> None:
    inside = constraints([dns("example.com")])
    named = san(dns("elsewhere.example"))
    assert refusals(judged(chain([inside], [named], [san(dns("example.com"))]))) == NOT_PERMITTED
    root, rolled, leaf = (keys(label, None) for label in ("plain root", "plain new", "plain leaf"))
    made = [
        Recipe("Root", "Root", root, root, ca=True, extra=(inside,)).make(),
        Recipe("Root", "Root", rolled, root, ca=True, extra=(named,)).make(),
        Recipe("leaf", "Root", leaf, rolled, extra=(san(dns("example.com")),)).make(),
    ]
    assert refusals(judged(made)) == OK


def test_constraints_are_for_cas_and_critical() -> None:
    inside = [dns("example.com")]
    assert refusals(judged(chain([], [constraints(inside)]))) == ["path.extension_only_for_cas"]
    loose = constraints(inside, critical=False)
    assert refusals(judged(chain([], [loose], []))) == ["path.extension_must_be_critical"]


def test_many_names_under_many_constraints_end_at_the_limit() -> None:
    hosts = san(*(dns(f"h{n}.example") for n in range(600)))
    bases = constraints([], [dns(f"x{n}.example") for n in range(600)])
    verdict = judged(chain([], [bases], [hosts]))
    assert MAX_COMPARISONS < 600 * 600
    assert "path.too_much_work" in refusals(verdict)


def test_a_subtree_list_that_is_empty_is_malformed() -> None:
    for value in (asn1.sequence(), asn1.sequence(asn1.tlv(0xA0, b"")), asn1.sequence(asn1.tlv(0xA2, b""))):
        made = chain([], [Extension(oids.NAME_CONSTRAINTS, True, value)], [])
        assert "path.extension_malformed" in refusals(judged(made))
