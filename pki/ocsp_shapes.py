"""Requests known by their shape: clients of one kind send the same octets but for serial and nonce.

A shape is learned from a request that was read in full. Another one of the same size with the same octets in
all other places has the same structure, for every length stands in those places.
"""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

from pki import asn1, oids
from pki.ocsp_request import OcspRequest

MAX_SHAPES: Final = 512
MAX_ALIKE: Final = 8
"""Shapes of one size: each costs a comparison."""
_LONGEST: Final = 512
_MARK: Final = asn1.oid(oids.OCSP_NONCE)

T = TypeVar("T")


class _Shape(NamedTuple, Generic[T]):
    """Octets before the serial, where it ends, octets between or after, where the nonce lies, the rest."""

    before: bytes
    serial_end: int
    middle: bytes
    nonce_at: int
    nonce_end: int
    after: bytes
    belongs: T


class Asked(NamedTuple, Generic[T]):
    """What a request of a known shape asks."""

    belongs: T
    """What was learned with the shape."""
    serial: bytes
    """The INTEGER's content as it came; whether it is minimal is for whoever looks it up."""
    nonce: bytes | None


class RequestShapes(Generic[T]):
    """Shapes and what each of them stands for. The oldest makes room. Belongs to one thread."""

    def __init__(self) -> None:
        self._by_size: dict[int, list[_Shape[T]]] = {}

    def read(self, request: bytes) -> Asked[T] | None:
        """What it asks, where its shape is known."""
        for before, end, middle, nonce_at, nonce_end, after, belongs in self._by_size.get(len(request), ()):
            if request.startswith(before) and request.startswith(middle, end) and request.endswith(after):
                nonce = request[nonce_at:nonce_end] if nonce_end else None
                return Asked(belongs, request[len(before) : end], nonce)
        return None

    def learn(self, request: bytes, parsed: OcspRequest, belongs: T) -> None:
        """The shape of a request about one certificate, where its parts can be told apart beyond doubt."""
        shape = _shape_of(request, parsed, belongs)
        if shape is None:
            return
        alike = self._by_size.setdefault(len(request), [])
        others = [known for known in alike if known[:-1] != shape[:-1]]
        alike[:] = [*others[-(MAX_ALIKE - 1) :], shape]
        while sum(map(len, self._by_size.values())) > MAX_SHAPES:
            del self._by_size[next(iter(self._by_size))]


def _shape_of(request: bytes, parsed: OcspRequest, belongs: T) -> _Shape[T] | None:
    if len(parsed.cert_ids) != 1 or len(request) > _LONGEST:
        return None
    cert_id = parsed.cert_ids[0]
    # Where the same octets stand twice, in a requestor's name perhaps, no place is certain.
    if request.count(cert_id.der) != 1:
        return None
    serial_end = request.index(cert_id.der) + len(cert_id.der)
    before = request[: serial_end - len(asn1.integer(cert_id.certificate_serial)[2:])]
    if parsed.nonce is None:
        return (
            None if _MARK in request else _Shape(before, serial_end, request[serial_end:], 0, 0, b"", belongs)
        )
    place = _nonce_place(request, parsed.nonce)
    if place is None or place[0] < serial_end:
        return None
    return _Shape(before, serial_end, request[serial_end : place[0]], *place, request[place[1] :], belongs)


def _nonce_place(request: bytes, nonce: bytes) -> tuple[int, int] | None:
    """Where the nonce's octets stand: behind its OID, in two OCTET STRINGs."""
    marked = _MARK + asn1.octet_string(asn1.octet_string(nonce))
    if request.count(_MARK) != 1 or marked not in request:
        return None
    end = request.index(marked) + len(marked)
    return end - len(nonce), end
