"""Answers about one certificate, put together from parts that never change (RFC 6960 4.2.1).

All that one delegate says of one CA's certificates in one form of CertID differs in serial, status, times and
signature only. What is built here is octet by octet what `build_response` builds, at a tenth of its cost.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from pki import asn1, oids
from pki.algorithms import algorithm_identifier
from pki.cert_id import CertId
from pki.ocsp_request import ResponseStatus
from pki.ocsp_response import Responder, responder_key_hash

TIME_OCTETS: Final = 15
"""GeneralizedTime's content, `der_time.octets_of`."""
_TIME_HEAD: Final = asn1.header(asn1.GENERALIZED_TIME, TIME_OCTETS)
_NEXT_HEAD: Final = asn1.header(0xA0, len(_TIME_HEAD) + TIME_OCTETS) + _TIME_HEAD
_NO_TIME: Final = bytes(TIME_OCTETS)
_TIMES_SIZE: Final = len(_TIME_HEAD) + len(_NEXT_HEAD) + 2 * TIME_OCTETS


class _Shape(NamedTuple):
    """ResponseData of one size: what stands before producedAt, and between it and the serial."""

    first: bytes
    second: bytes


class AnswerTemplate:
    """What a delegate says of certificates that are named in one way."""

    def __init__(self, responder: Responder, id_head: bytes) -> None:
        """`id_head`: what stands in the CertID before its serial, as `id_head_of` cuts it."""
        self.id_head: Final = id_head
        self._responder_id = asn1.explicit(2, asn1.octet_string(responder_key_hash(responder.certificate)))
        self._algorithm = algorithm_identifier(responder.key.signs_with)
        self.tail: Final = asn1.explicit(0, asn1.sequence(responder.certificate.der))
        """The end that all answers share: the delegate's certificate."""
        self._shapes: dict[tuple[int, int, int], _Shape] = {}
        self._heads: dict[tuple[int, int], tuple[bytes, bytes]] = {}
        self._wholes: dict[tuple[int, int, int], tuple[bytes, bytes, bytes]] = {}

    def tbs(self, serial: bytes, status: bytes, now: bytes, until: bytes, extensions: bytes = b"") -> bytes:
        """ResponseData, DER: what is signed.

        `serial`: the INTEGER's content; `status`: CertStatus, DER; `now`: producedAt and thisUpdate, `until`:
        nextUpdate, 15 octets each; `extensions`: responseExtensions with their [1], or nothing.
        """
        sizes = len(serial), len(status), len(extensions)
        first, second = self._shapes.get(sizes) or self._shape(sizes)
        # fmt: off
        return b"".join((
            first, now, second, serial, status, _TIME_HEAD, now, _NEXT_HEAD, until, extensions,
        ))
        # fmt: on

    def response(self, tbs: bytes, signature: bytes) -> bytes:
        """OCSPResponse, DER, without its `tail`."""
        sizes = len(tbs), len(signature)
        before, between = self._heads.get(sizes) or self._head(sizes)
        return b"".join((before, tbs, between, signature))

    def whole(self, serial: bytes, status: bytes, now: bytes, until: bytes, signature: bytes) -> bytes:
        """`response(tbs(...), signature)`, put together at once."""
        sizes = len(serial), len(status), len(signature)
        first, second, between = self._wholes.get(sizes) or self._whole(sizes)
        # fmt: off
        return b"".join((
            first, now, second, serial, status, _TIME_HEAD, now, _NEXT_HEAD, until, between, signature,
        ))
        # fmt: on

    def _whole(self, sizes: tuple[int, int, int]) -> tuple[bytes, bytes, bytes]:
        serial, status, signature = sizes
        first, second = self._shapes.get((serial, status, 0)) or self._shape((serial, status, 0))
        tbs = len(first) + len(second) + serial + status + _TIMES_SIZE + TIME_OCTETS
        before, between = self._heads.get((tbs, signature)) or self._head((tbs, signature))
        found = self._wholes[sizes] = before + first, second, between
        return found

    def _shape(self, sizes: tuple[int, int, int]) -> _Shape:
        serial, status, extensions = sizes
        cert_id = asn1.sequence(self.id_head, asn1.tlv(asn1.INTEGER, bytes(serial)))
        times = _TIME_HEAD + _NO_TIME + _NEXT_HEAD + _NO_TIME
        answers = asn1.sequence(asn1.sequence(cert_id, bytes(status), times))
        produced = self._responder_id + _TIME_HEAD + _NO_TIME
        whole = asn1.sequence(produced, answers, bytes(extensions))
        begins = len(whole) - len(answers) - extensions
        serial_at = len(whole) - extensions - _TIMES_SIZE - status - serial
        found = _Shape(whole[: begins - TIME_OCTETS], whole[begins:serial_at])
        self._shapes[sizes] = found
        return found

    def _head(self, sizes: tuple[int, int]) -> tuple[bytes, bytes]:
        tbs, signature = sizes
        bits = asn1.bit_string(bytes(signature))
        between = self._algorithm + bits[: len(bits) - signature]
        basic = asn1.sequence(bytes(tbs), between, bytes(signature), self.tail)
        wrapped = asn1.sequence(asn1.oid(oids.OCSP_BASIC), asn1.octet_string(basic))
        status = asn1.tlv(asn1.ENUMERATED, bytes((ResponseStatus.SUCCESSFUL,)))
        response = asn1.sequence(status, asn1.explicit(0, wrapped))
        before = response[: len(response) - tbs - len(between) - signature - len(self.tail)]
        self._heads[sizes] = before, between
        return before, between


def id_head_of(cert_id: CertId) -> bytes:
    """What stands in a CertID before its serial: digest, issuer name hash and issuer key hash, DER."""
    parts = asn1.children(cert_id.der, asn1.whole(cert_id.der, what="CertID"))
    return b"".join(asn1.encoded(cert_id.der, part) for part in parts[:3])


def serial_octets(serial: int) -> bytes:
    """The content of a serial's INTEGER."""
    return asn1.integer(serial)[2:]
