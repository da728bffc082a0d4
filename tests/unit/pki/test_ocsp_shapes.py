"""What a known shape says of a request is what the parser says of it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pki import asn1, oids
from pki.cert_id import CertId
from pki.errors import MalformedInput
from pki.extensions import Extension
from pki.ocsp import OcspRequest, build_request
from pki.ocsp_request import nonce_extension
from pki.ocsp_shapes import MAX_ALIKE, MAX_SHAPES, RequestShapes
from tests.unit.pki.status_fixtures import ISSUING, responder_certificate

LEAF = responder_certificate()
NONCES = st.none() | st.binary(min_size=1, max_size=128)
DIGESTS = st.sampled_from([oids.SHA1, oids.SHA256])


def request(serial: int, nonce: bytes | None = None, digest: str = oids.SHA1, name: bytes = b"") -> bytes:
    """A request about a serial, with a requestor's name where one is given."""
    single = asn1.sequence(CertId.of(ISSUING, serial, digest).der)
    named = asn1.explicit(1, asn1.implicit(2, name)) if name else b""
    found = asn1.explicit(2, asn1.sequence(nonce_extension(nonce).encode())) if nonce is not None else b""
    return asn1.sequence(asn1.sequence(named, asn1.sequence(single), found))


def learned(*requests: bytes) -> RequestShapes[str]:
    shapes: RequestShapes[str] = RequestShapes()
    for der in requests:
        shapes.learn(der, OcspRequest.parse(der), "ours")
    return shapes


def check(shapes: RequestShapes[str], der: bytes) -> bool:
    """Whether the shape was known; then it must say what the parser says, where the parser says anything."""
    asked = shapes.read(der)
    if asked is None:
        return False
    assert asked.belongs == "ours"
    try:
        parsed = OcspRequest.parse(der)
    except MalformedInput:
        # Only a serial that is not minimal can be: nothing is kept under one.
        padded = asked.serial[0] in (0, 0xFF) and len(asked.serial) > 1
        assert padded
        return True
    (cert_id,) = parsed.cert_ids
    assert int.from_bytes(asked.serial, "big", signed=True) == cert_id.certificate_serial
    assert cert_id.matches(ISSUING)
    assert asked.nonce == parsed.nonce
    return True


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 2**159 - 1), st.integers(1, 2**159 - 1), NONCES, NONCES, DIGESTS)
def test_another_serial_and_another_nonce_of_a_known_shape(
    first: int, second: int, nonce: bytes | None, other: bytes | None, digest: str
) -> None:
    shapes = learned(request(first, nonce, digest))
    der = request(second, other, digest)
    known = check(shapes, der)
    same_nonce = (nonce is None) == (other is None) and len(nonce or b"") == len(other or b"")
    same_serial = len(asn1.integer(first)) == len(asn1.integer(second))
    decoy = nonce is not None and asn1.oid(oids.OCSP_NONCE) in nonce
    assert known == (same_nonce and same_serial) or decoy


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_change_of_a_request_is_read_as_the_parser_reads_it_or_not_at_all(data: st.DataObject) -> None:
    base = request(2**120 + 5, bytes(range(32)), oids.SHA1, b"client.ward")
    shapes = learned(base)
    changed = bytearray(base)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(base) - 1))] = data.draw(st.integers(0, 255))
    check(shapes, bytes(changed))


def test_a_decoy_in_the_requestors_name_teaches_nothing() -> None:
    nonce = bytes(range(32))
    mark = asn1.oid(oids.OCSP_NONCE) + asn1.octet_string(asn1.octet_string(nonce))
    for name in (mark, CertId.of(ISSUING, 77, oids.SHA1).der):
        der = request(77, nonce, oids.SHA1, name)
        assert learned(der).read(der) is None


def test_a_decoy_behind_the_serial_teaches_nothing() -> None:
    nonce = bytes(range(32))
    decoy = Extension("1.2.3.4", False, nonce_extension(nonce).encode())
    extensions = asn1.explicit(0, asn1.sequence(decoy.encode()))
    single = asn1.sequence(CertId.of(ISSUING, 77, oids.SHA1).der, extensions)
    found = asn1.explicit(2, asn1.sequence(nonce_extension(nonce).encode()))
    der = asn1.sequence(asn1.sequence(asn1.sequence(single), found))
    assert OcspRequest.parse(der).nonce == nonce
    assert learned(der).read(der) is None


def test_several_certificates_and_other_extensions() -> None:
    two = asn1.sequence(
        asn1.sequence(asn1.sequence(*(asn1.sequence(CertId.of(ISSUING, n, oids.SHA1).der) for n in (1, 2))))
    )
    assert learned(two).read(two) is None
    other = Extension("1.2.3.4", False, b"\x05\x00")
    single = asn1.sequence(CertId.of(ISSUING, 9, oids.SHA1).der)
    der = asn1.sequence(asn1.sequence(asn1.sequence(single), asn1.explicit(2, asn1.sequence(other.encode()))))
    asked = learned(der).read(der)
    assert asked is not None
    assert asked.nonce is None


def test_shapes_are_few() -> None:
    names = [b"%03d" % number for number in range(3 * MAX_ALIKE)]
    shapes = learned(*(request(9, name=name) for name in names))
    known = [name for name in names if shapes.read(request(9, name=name))]
    assert known == names[-MAX_ALIKE:]
    many = learned(
        *(request(9, bytes(n % 128 + 1), name=b"n" * (n // 128 + 1)) for n in range(2 * MAX_SHAPES))
    )
    assert sum(map(len, many._by_size.values())) <= MAX_SHAPES


def test_a_real_clients_request() -> None:
    der = build_request(LEAF, ISSUING, hash_oid=oids.SHA1, nonce=bytes(32))
    assert check(learned(der), build_request(LEAF, ISSUING, hash_oid=oids.SHA1, nonce=bytes(range(32))))
