"""Answers to requests with a nonce, from templates: such an answer cannot be kept, but its shape can.

Two requests that differ in nothing but their nonce get answers that differ in times, nonce and signature
only, and all but the signature have a fixed length. A template is made from an answer that pki.ocsp built.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from pki import asn1, oids
from pki.algorithms import PrivateKey, algorithm_identifier
from pki.ocsp import parse_response
from registry.status import Status
from service.authority import Signing

MAX_TEMPLATES: Final = 10_000
_MARK: Final = asn1.oid(oids.OCSP_NONCE)
Skeleton = tuple[bytes, bytes]
"""A request's octets before its nonce and after it. The length stands before."""


@dataclass(frozen=True, slots=True)
class _Template:
    certificate_serial: int
    status: Status
    parts: tuple[bytes, bytes, bytes, bytes, bytes]
    """ResponseData without producedAt, thisUpdate, nextUpdate and the nonce's octets, which go between."""
    heads: dict[int, bytes] = field(default_factory=dict)
    """What comes before ResponseData, by the length of the signature."""


@dataclass(frozen=True, slots=True)
class KnownRequest:
    """A request whose like was answered before."""

    certificate_serial: int
    status: Status
    template: _Template = field(repr=False)
    nonce: bytes


class NonceTemplates:
    """Templates of one signer; the oldest makes room. Belongs to the event loop's thread."""

    def __init__(self, signing: Signing) -> None:
        self._key: PrivateKey = signing.key.classical
        self._tail: Final = asn1.explicit(0, asn1.sequence(signing.certificate.der))
        self._algorithm = algorithm_identifier(self._key.signs_with)
        self._templates: dict[Skeleton, _Template] = {}

    def learn(self, request: bytes, response: bytes, about: tuple[int, Status]) -> None:
        """Make a template of an answer about one serial, where its parts can be told apart beyond doubt."""
        found = _place(request)
        basic = parse_response(response).basic
        if found is None or basic is None or len(basic.answers) != 1 or request.count(_MARK) != 1:
            return
        nonce, answer = request[found[0] : found[1]], basic.answers[0]
        if basic.nonce != nonce or answer.next_update is None or answer.this_update != basic.produced_at:
            return
        now, until = time_text(answer.this_update), time_text(answer.next_update)
        # More than these four places: a revocation of this very second, or a nonce that looks like a time.
        if [basic.tbs.count(text) for text in (now, until, nonce)] != [2, 1, 1]:
            return
        first, second, rest = basic.tbs.split(now)
        third, rest = rest.split(until)
        fourth, last = rest.split(nonce)
        if len(self._templates) >= MAX_TEMPLATES:
            del self._templates[next(iter(self._templates))]
        self._templates[_skeleton(request, found)] = _Template(*about, (first, second, third, fourth, last))

    def about(self, request: bytes) -> KnownRequest | None:
        """What a request that differs from a known one in its nonce only asks about."""
        found = _place(request)
        template = self._templates.get(_skeleton(request, found)) if found else None
        if template is None or found is None:
            return None
        return KnownRequest(
            template.certificate_serial, template.status, template, request[found[0] : found[1]]
        )

    def answer(self, known: KnownRequest, now: bytes, until: bytes) -> tuple[bytes, bytes]:
        """A response in two pieces, the shared end apart; times as `time_text` gives them."""
        first, second, third, fourth, last = known.template.parts
        tbs = b"".join((first, now, second, now, third, until, fourth, known.nonce, last))
        signature = self._key.sign(tbs)
        end = b"".join((self._algorithm, asn1.bit_string(signature)))
        heads = known.template.heads
        head = heads.get(len(signature))
        if head is None:
            head = heads[len(signature)] = _head(tbs, end + self._tail)
        return b"".join((head, tbs, end)), self._tail


def time_text(moment: datetime) -> bytes:
    """The content of a GeneralizedTime: 15 octets."""
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode()


def _place(request: bytes) -> tuple[int, int] | None:
    """Where the nonce's octets stand: behind its OID, in two OCTET STRINGs with short lengths."""
    at = request.find(_MARK) + len(_MARK)
    if at < len(_MARK) or at + 4 > len(request):
        return None
    outer, outer_length, inner, length = request[at : at + 4]
    whole = outer == inner == asn1.OCTET_STRING and outer_length == length + 2 < 0x80 and length > 0
    end = at + 4 + length
    return (at + 4, end) if whole and end <= len(request) else None


def _skeleton(request: bytes, place: tuple[int, int]) -> Skeleton:
    return request[: place[0]], request[place[1] :]


def _head(tbs: bytes, end: bytes) -> bytes:
    basic = asn1.sequence(tbs, end)
    wrapped = asn1.sequence(asn1.oid(oids.OCSP_BASIC), asn1.octet_string(basic))
    response = asn1.sequence(asn1.tlv(asn1.ENUMERATED, b"\x00"), asn1.explicit(0, wrapped))
    return response[: len(response) - len(tbs) - len(end)]
