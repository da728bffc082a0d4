"""Constraints, policies and MUD URLs come back as written; what is malformed is refused by field."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

import pytest
from cryptography import x509
from hypothesis import given
from hypothesis import strategies as st

from pki import asn1, names, oids
from pki.constraint_extensions import (
    NameConstraints,
    PolicyConstraints,
    Subtrees,
    certificate_policies,
    mud_url,
    name_constraints,
    read_certificate_policies,
    read_inhibit_any_policy,
    read_mud_url,
    read_name_constraints,
    read_policy_constraints,
)
from pki.errors import MalformedInput, RequestRefused

LABEL = st.from_regex(r"\A[a-z][a-z0-9]{0,10}\Z")
HOST = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
NETWORK = st.one_of(
    st.tuples(st.ip_addresses(v=4), st.integers(0, 32)), st.tuples(st.ip_addresses(v=6), st.integers(0, 128))
).map(lambda pair: str(ipaddress.ip_network(pair, strict=False)))
ORGANIZATION = st.from_regex(r"\A[A-Za-z]{1,20}\Z").map(
    lambda text: names.encode(common_name="", organization=text)
)
SUBTREES = st.builds(
    Subtrees,
    dns=st.lists(HOST, max_size=3).map(tuple),
    ip=st.lists(NETWORK, max_size=3).map(tuple),
    uri=st.lists(HOST, max_size=2).map(tuple),
    directory=st.lists(ORGANIZATION, max_size=2).map(tuple),
)


@given(SUBTREES, SUBTREES)
def test_name_constraints_come_back_and_another_reader_agrees(
    permitted: Subtrees, excluded: Subtrees
) -> None:
    constraints = NameConstraints(permitted=permitted, excluded=excluded)
    if permitted.empty and excluded.empty:
        with pytest.raises(RequestRefused):
            name_constraints(constraints)
        return
    extension = name_constraints(constraints)
    assert extension.critical
    assert read_name_constraints(extension.value) == constraints
    theirs = x509.load_der_x509_certificate(_certificate(extension.encode()))
    read = theirs.extensions.get_extension_for_class(x509.NameConstraints).value
    dns = [name.value for name in read.permitted_subtrees or [] if isinstance(name, x509.DNSName)]
    ips = [str(name.value) for name in read.excluded_subtrees or [] if isinstance(name, x509.IPAddress)]
    assert (dns, ips) == (list(permitted.dns), list(excluded.ip))


def _certificate(extension: bytes) -> bytes:
    """A certificate around one extension, for readers that take nothing smaller."""
    algorithm = asn1.sequence(asn1.oid(oids.ECDSA_WITH_SHA256))
    point = asn1.bit_string(b"\x04" + bytes(64))
    curve = asn1.sequence(asn1.oid(oids.EC_PUBLIC_KEY), asn1.oid(oids.SECP256R1))
    day = asn1.tlv(asn1.UTC_TIME, b"260101000000Z")
    tbs = asn1.sequence(
        asn1.explicit(0, asn1.integer(2)),
        *(asn1.integer(1), algorithm, asn1.sequence(), asn1.sequence(day, day), asn1.sequence()),
        asn1.sequence(curve, point),
        asn1.explicit(3, asn1.sequence(extension)),
    )
    return asn1.sequence(tbs, algorithm, asn1.bit_string(b"\x30\x00"))


@given(
    st.lists(
        st.from_regex(r"\A1\.3\.6\.1\.4\.1(\.[1-9][0-9]{0,8}){1,4}\Z"), min_size=1, max_size=5, unique=True
    )
)
def test_policies_come_back(dotted: list[str]) -> None:
    assert read_certificate_policies(certificate_policies(dotted).value) == tuple(dotted)


def test_a_mud_url_comes_back() -> None:
    url = "https://maker.example/pump.json"
    assert read_mud_url(mud_url(url).value) == url


@pytest.mark.parametrize(
    "url", ["http://a.example/x", "https://a b", "https://\u00e4.example", "", "https://a\n"]
)
def test_what_is_no_mud_url_is_refused(url: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        mud_url(url)
    assert refused.value.field == "mud_url"


def subtree(base: bytes, *more: bytes) -> bytes:
    return asn1.sequence(asn1.tlv(0xA0, asn1.sequence(base, *more)))


DNS = asn1.implicit(2, b"a.example")
MALFORMED: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "constraints: empty": (read_name_constraints, asn1.sequence()),
    "constraints: excluded first": (
        read_name_constraints,
        asn1.sequence(asn1.tlv(0xA1, asn1.sequence(DNS)), asn1.tlv(0xA0, asn1.sequence(DNS))),
    ),
    "constraints: permitted twice": (
        read_name_constraints,
        asn1.sequence(*[asn1.tlv(0xA0, asn1.sequence(DNS))] * 2),
    ),
    "constraints: minimum": (read_name_constraints, subtree(DNS, asn1.implicit(0, b"\x01"))),
    "constraints: no base": (read_name_constraints, asn1.sequence(asn1.tlv(0xA0, asn1.sequence()))),
    "constraints: gaps in a mask": (
        read_name_constraints,
        subtree(asn1.implicit(7, b"\x0a\x00\x00\x00\xff\x00\xff\x00")),
    ),
    "constraints: host bits": (
        read_name_constraints,
        subtree(asn1.implicit(7, b"\x0a\x00\x00\x01\xff\x00\x00\x00")),
    ),
    "constraints: seven octets": (read_name_constraints, subtree(asn1.implicit(7, bytes(7)))),
    "policies: none": (read_certificate_policies, asn1.sequence()),
    "policies: twice": (
        read_certificate_policies,
        asn1.sequence(*[asn1.sequence(asn1.oid("1.2.3"))] * 2),
    ),
    "policies: no identifier": (read_certificate_policies, asn1.sequence(asn1.sequence())),
    "policies: a set": (read_certificate_policies, asn1.sequence(asn1.set_of([asn1.oid("1.2.3")]))),
    "policy constraints: empty": (read_policy_constraints, asn1.sequence()),
    "policy constraints: turned": (
        read_policy_constraints,
        asn1.sequence(asn1.implicit(1, b"\x00"), asn1.implicit(0, b"\x00")),
    ),
    "policy constraints: negative": (read_policy_constraints, asn1.sequence(asn1.implicit(0, b"\xff"))),
    "policy constraints: padded": (read_policy_constraints, asn1.sequence(asn1.implicit(0, b"\x00\x01"))),
    "inhibit: negative": (read_inhibit_any_policy, asn1.integer(-1)),
    "inhibit: no integer": (read_inhibit_any_policy, asn1.null()),
    "MUD: another string": (read_mud_url, asn1.utf8_string("https://a.example")),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_malformed_is_refused_by_field(case: str) -> None:
    reader, value = MALFORMED[case]
    with pytest.raises(MalformedInput) as refused:
        reader(value)
    assert refused.value.field


def test_policy_constraints_are_read() -> None:
    both = asn1.sequence(asn1.implicit(0, b"\x02"), asn1.implicit(1, b"\x00"))
    assert read_policy_constraints(both) == PolicyConstraints(2, 0)
    assert read_policy_constraints(asn1.sequence(asn1.implicit(1, b"\x05"))) == PolicyConstraints(None, 5)
    assert read_inhibit_any_policy(asn1.integer(3)) == 3


def test_a_kind_that_is_not_written_here_is_told_apart() -> None:
    value = subtree(asn1.implicit(1, b"@a.example"))
    assert read_name_constraints(value).permitted.foreign == ("tag 0x81",)
