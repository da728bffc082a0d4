"""A request known by its shape is read as the whole parser reads it, whatever is changed in it."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pki import asn1, oids
from pki.algorithms import SignatureAlgorithm, algorithm_identifier
from pki.cert_id import CertId
from pki.extensions import Extension
from pki.ocsp_request import OcspRequest, OcspRequestRefused, nonce_extension
from pki.ocsp_shapes import MAX_ALIKE, MAX_SHAPES, RequestShapes
from pki.ocsp_template import serial_octets
from tests.unit.pki.status_fixtures import ISSUING

SERIAL = int.from_bytes(bytes(range(0x11, 0x11 + 16)))
PREFERRED = Extension(
    oids.OCSP_PREFERRED_SIGNATURE_ALGORITHMS,
    False,
    asn1.sequence(asn1.sequence(algorithm_identifier(SignatureAlgorithm.ECDSA_SHA256))),
)


def cert_id(serial: int = SERIAL, digest: str = oids.SHA1) -> CertId:
    return CertId.of(ISSUING, serial, digest)


def request(
    named: CertId, *, nonce: bytes | None = None, requestor: bytes = b"", preferred: int = 0
) -> bytes:
    """By hand: `requestor` stands in a name before the list; `preferred`: 1 before the nonce, 2 after it."""
    found = [] if nonce is None else [nonce_extension(nonce)]
    if preferred:
        found.insert(0 if preferred == 1 else len(found), PREFERRED)
    listed = asn1.sequence(*(each.encode() for each in found))
    # GeneralName: an otherName takes any octets.
    name = asn1.explicit(
        1, asn1.explicit(0, asn1.oid("1.2.3") + asn1.explicit(0, asn1.octet_string(requestor)))
    )
    return asn1.sequence(
        asn1.sequence(
            name if requestor else b"",
            asn1.sequence(asn1.sequence(named.der)),
            asn1.explicit(2, listed) if found else b"",
        )
    )


def learned(*requests: bytes) -> RequestShapes[str]:
    shapes: RequestShapes[str] = RequestShapes()
    for each in requests:
        shapes.learn(each, OcspRequest.parse(each), "ours")
    return shapes


def agree(shapes: RequestShapes[str], der: bytes) -> bool:
    """Whether the shape is known; fails where it reads something else than the parser."""
    asked = shapes.read(der)
    if asked is None:
        return False
    try:
        parsed = OcspRequest.parse(der)
    except OcspRequestRefused:
        # Only an INTEGER that is none: no serial of ours is written so, nothing can be found under it.
        number = int.from_bytes(asked.serial, signed=True)
        assert number <= 0 or serial_octets(number) != asked.serial
        return True
    assert [each.certificate_serial for each in parsed.cert_ids] == [
        int.from_bytes(asked.serial, signed=True)
    ]
    assert parsed.cert_ids[0].matches(ISSUING)
    assert parsed.nonce == asked.nonce
    return True


KINDS = st.builds(
    request,
    st.builds(cert_id, st.integers(1, 2**159 - 1), st.sampled_from([oids.SHA1, oids.SHA256, oids.SHA512])),
    nonce=st.none() | st.binary(min_size=1, max_size=64),
    requestor=st.binary(max_size=60),
    preferred=st.integers(0, 2),
)
CHANGES = st.lists(st.tuples(st.integers(0, 511), st.integers(0, 255)), max_size=6)


def changed(der: bytes, changes: list[tuple[int, int]]) -> bytes:
    octets = bytearray(der)
    for place, value in changes:
        octets[place % len(octets)] = value
    return bytes(octets)


@given(kind=KINDS, changes=CHANGES)
def test_any_change_at_any_place_is_read_as_the_parser_reads_it(
    kind: bytes, changes: list[tuple[int, int]]
) -> None:
    shapes = learned(kind)
    assert agree(shapes, kind) == (len(kind) <= 512)
    agree(shapes, changed(kind, changes))


@given(
    serials=st.integers(0, 19).flatmap(
        lambda size: st.tuples(*2 * [st.integers(256**size, 128 * 256**size - 1)])
    ),
    nonces=st.integers(0, 64).flatmap(lambda size: st.tuples(*2 * [st.binary(min_size=size, max_size=size)])),
    preferred=st.integers(0, 2),
)
def test_another_serial_and_nonce_of_the_same_length_are_read_by_the_shape(
    serials: tuple[int, int], nonces: tuple[bytes, bytes], preferred: int
) -> None:
    first, second = (
        request(cert_id(serial), nonce=nonce or None, requestor=b"ward", preferred=preferred)
        for serial, nonce in zip(serials, nonces, strict=True)
    )
    assert agree(learned(first), second)


@given(place=st.integers(0, 300), value=st.integers(0, 255), nonce=st.booleans())
@example(place=0, value=0x31, nonce=False)
def test_one_octet_changed_outside_serial_and_nonce_is_never_known(
    place: int, value: int, nonce: bool
) -> None:
    kind = request(cert_id(), nonce=b"\xee" * 32 if nonce else None)
    place %= len(kind)
    begin = kind.index(serial_octets(SERIAL))
    free = set(range(begin, begin + 16))
    if nonce:
        free |= set(range(kind.index(b"\xee" * 32), kind.index(b"\xee" * 32) + 32))
    other = changed(kind, [(place, value)])
    assert agree(learned(kind), other) == (place in free or other == kind)


@pytest.mark.parametrize("inside", ["cert_id", "serial", "nonce", "nonce_extension"])
def test_decoys_in_a_requestors_name_mislead_nobody(inside: str) -> None:
    nonce = b"\xee" * 32
    decoy = {
        "cert_id": cert_id().der,
        "serial": serial_octets(SERIAL),
        "nonce": asn1.octet_string(nonce),
        "nonce_extension": nonce_extension(nonce).encode(),
    }[inside]
    kind = request(cert_id(), nonce=nonce, requestor=decoy)
    shapes = learned(kind, request(cert_id(), requestor=decoy))
    for place in range(len(kind)):
        agree(shapes, changed(kind, [(place, kind[place] ^ 0x55)]))
    if inside in ("cert_id", "nonce_extension"):
        assert shapes.read(kind) is None


def test_a_nonce_equal_to_the_serial_is_told_apart_from_it() -> None:
    content = serial_octets(SERIAL)
    shapes = learned(request(cert_id(), nonce=content))
    other = request(cert_id(SERIAL + 1), nonce=content)
    asked = shapes.read(other)
    assert asked is not None
    assert (asked.serial, asked.nonce) == (serial_octets(SERIAL + 1), content)
    asked = shapes.read(request(cert_id(), nonce=bytes(16)))
    assert asked is not None
    assert (asked.serial, asked.nonce) == (content, bytes(16))


def test_several_certificates_and_long_requests_have_no_shape() -> None:
    two = asn1.sequence(
        asn1.sequence(asn1.sequence(*(asn1.sequence(cert_id(n).der) for n in (SERIAL, SERIAL + 1))))
    )
    long = request(cert_id(), requestor=b"x" * 600)
    shapes = learned(two, long)
    assert shapes.read(two) is None
    assert shapes.read(long) is None


def test_their_number_is_bounded_and_the_newest_stay() -> None:
    shapes: RequestShapes[str] = RequestShapes()
    alike = [request(cert_id(), requestor=bytes([65 + n])) for n in range(3 * MAX_ALIKE)]
    for each in alike:
        shapes.learn(each, OcspRequest.parse(each), "ours")
    assert [shapes.read(each) is not None for each in alike] == [False] * 2 * MAX_ALIKE + [True] * MAX_ALIKE
    many = [
        request(cert_id(), requestor=bytes([65 + n]) * size, nonce=bytes(1 + size % 9))
        for size in range(1, 200)
        for n in range(MAX_ALIKE)
    ]
    for each in many:
        shapes.learn(each, OcspRequest.parse(each), "ours")
    assert sum(map(len, shapes._by_size.values())) <= MAX_SHAPES
    assert shapes.read(many[-1]) is not None
