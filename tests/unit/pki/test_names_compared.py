"""Names that do not read, and names that are one though their octets differ (RFC 5280 4.2.1.6, 7.1)."""

from __future__ import annotations

import pytest

from pki import asn1, tbs
from pki.errors import MalformedInput
from pki.name_comparison import rdns, same
from pki.name_constraints import ConstraintState
from pki.path_work import Work
from pki.tbs import Certificate
from tests.unit.pki.naming import chain, constraints, directory, dns, email, ip, judged, refusals, san, uri
from tests.unit.pki.test_name_constraints import NOT_PERMITTED, OK, UNREADABLE, organization

MALFORMED = {
    "a wildcard": [dns("*.example.com")],
    "a leading dot": [dns(".example.com")],
    "an underscore": [dns("a_b.example")],
    "two at signs": [email("a@b@example.com")],
    "an address without mask": [ip(192, 0, 2, 0)],
    "a mask with gaps": [ip(192, 0, 2, 0, 255, 0, 255, 0)],
    "a minimum": [dns("example.com") + asn1.implicit(0, b"\x01")],
}


@pytest.mark.parametrize("bases", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_constraint_refuses_whatever_it_is_about(bases: list[bytes]) -> None:
    made = chain([], [constraints(bases)], [])
    assert "path.extension_malformed" in refusals(judged(made))


@pytest.mark.parametrize(
    "name",
    [
        *(dns(bad) for bad in ("a_b.example", "192.0.2.1", "*", "a.*.example", ".example", "a..b")),
        asn1.implicit(2, "é.example".encode()),
        ip(1, 2),
        email("x"),
        uri("no-scheme"),
    ],
)
def test_a_malformed_name_refuses_without_any_constraint(name: bytes) -> None:
    assert refusals(judged(chain([], [san(name)]))) == UNREADABLE


def under(base: bytes, subject: bytes) -> list[str]:
    """The findings about a subject under one permitted subtree."""
    made = chain([constraints([base])], [])
    fields = list(made[1].signed.fields)
    fields[5] = subject
    signed = made[1].signed
    renamed = Certificate.parse(tbs.seal(asn1.sequence(*fields), signed.algorithm, signed.signature))
    state = ConstraintState()
    state.add(made[0])
    return [f.rule for f in state.findings(renamed, Work(), "x")]


def mailbox_subject(text: str) -> bytes:
    pair = asn1.sequence(asn1.oid("1.2.840.113549.1.9.1"), asn1.tlv(asn1.IA5_STRING, text.encode()))
    return asn1.sequence(asn1.set_of([pair]))


def test_the_subjects_mailbox_is_under_mailbox_constraints() -> None:
    assert under(email("example.com"), mailbox_subject("ann@example.com")) == OK
    assert under(email("example.com"), mailbox_subject("ann@elsewhere.example")) == NOT_PERMITTED


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (organization("Clinic  of X "), organization(" clinic of x", asn1.PRINTABLE_STRING), True),
        (organization("STRASSE"), organization("straße"), True),
        (organization("Clinic"), organization("Klinik"), False),
        (organization("Clinic"), organization("Clinic") + b"x", False),
        (asn1.sequence(), organization("Clinic"), False),
    ],
)
def test_names_are_compared_by_meaning(one: bytes, other: bytes, alike: bool) -> None:
    assert same(one, other) is alike
    if not other.endswith(b"x"):
        assert (under(directory(one), other) == OK) is (alike or one == asn1.sequence())


def test_a_name_that_is_too_long_is_only_its_own_octets() -> None:
    """Folding it again and again would be a stranger's way to keep us busy."""
    long, longer_case = (organization(letter * 9000) for letter in "aA")
    assert same(long, long)
    assert not same(long, longer_case)
    assert same(organization("a" * 900), organization("A" * 900))
    with pytest.raises(MalformedInput, match="9"):
        rdns(long)
