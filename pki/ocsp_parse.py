"""Responses, read by clients (RFC 6960 4.2): strict DER, bounded. Nothing is believed yet: see pki.ocsp."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pki import asn1, oids
from pki.algorithms import SignatureAlgorithm, parse_algorithm_identifier
from pki.asn1 import Tlv
from pki.cert_id import CertId
from pki.crl_list import CrlReason
from pki.der_check import check
from pki.errors import MalformedInput
from pki.extensions import read_extensions
from pki.ocsp_request import ResponseStatus, read_nonce
from pki.ocsp_response import GOOD, UNKNOWN, CertStatus, Revoked, SingleAnswer
from pki.tbs import Certificate

MAX_BYTES: Final = 1024 * 1024
MAX_CERTIFICATES: Final = 8
_UNDERSTOOD: Final = frozenset({oids.OCSP_NONCE, oids.OCSP_EXTENDED_REVOKE, oids.OCSP_ARCHIVE_CUTOFF})


@dataclass(frozen=True, slots=True)
class BasicResponse:
    """BasicOCSPResponse cut apart."""

    tbs: bytes = field(repr=False)
    """ResponseData: what the signature is over."""
    algorithm: SignatureAlgorithm
    signature: bytes = field(repr=False)
    responder_name: bytes | None
    """ResponderID byName, DER; None where it is by key."""
    responder_key_hash: bytes | None
    produced_at: datetime
    answers: tuple[SingleAnswer, ...]
    nonce: bytes | None
    extended_revoke: bool
    certificates: tuple[Certificate, ...]

    def answer_for(self, cert_id: CertId) -> SingleAnswer | None:
        """The one answer for a certificate, compared by meaning; None where there is none or several."""
        found = [answer for answer in self.answers if CertId.parse(answer.cert_id) == cert_id]
        return found[0] if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class OcspResponse:
    """An OCSPResponse: the status, and the answers where it is successful."""

    status: ResponseStatus
    basic: BasicResponse | None = None


def parse_response(der: bytes) -> OcspResponse:
    """From DER; MalformedInput names the field."""
    if len(der) > MAX_BYTES:
        raise MalformedInput(
            f"The response has {len(der)} bytes; at most {MAX_BYTES} are read.", field="size"
        )
    der = bytes(der)
    check(der, "OCSPResponse")
    parts = asn1.children(der, asn1.whole(der, what="OCSPResponse"))
    code = asn1.content(der, parts[0], asn1.ENUMERATED) if parts else b""
    if len(code) != 1 or code[0] not in set(ResponseStatus):
        raise MalformedInput("The response's status is not one of the standard's.", field="responseStatus")
    status = ResponseStatus(code[0])
    if (len(parts) == 2) != (status is ResponseStatus.SUCCESSFUL) or len(parts) > 2:
        raise MalformedInput(
            "Answers are there exactly when the status is successful.", field="responseBytes"
        )
    return OcspResponse(status, _basic(_response_bytes(der, parts[1])) if len(parts) == 2 else None)


def _response_bytes(der: bytes, wrapped: Tlv) -> bytes:
    inner = asn1.content(der, wrapped, 0xA0)
    parts = asn1.children(inner, asn1.whole(inner, what="responseBytes"))
    if len(parts) != 2 or asn1.oid_value(inner, parts[0]) != oids.OCSP_BASIC:
        raise MalformedInput("The response is of a type other than basic.", field="responseType")
    return asn1.content(inner, parts[1], asn1.OCTET_STRING)


def _basic(der: bytes) -> BasicResponse:
    check(der, "BasicOCSPResponse")
    parts = asn1.children(der, asn1.whole(der, what="BasicOCSPResponse"))
    if not 3 <= len(parts) <= 4:
        raise MalformedInput("The answers are not a body, an algorithm and a signature.", field="basic")
    fields = asn1.children(der, parts[0])
    tags = [f.tag for f in fields]
    responder = tags[0] if tags else 0
    bare = [responder, asn1.GENERALIZED_TIME, asn1.SEQUENCE]
    if parts[0].tag != asn1.SEQUENCE or responder not in (0xA1, 0xA2) or tags not in (bare, [*bare, 0xA1]):
        raise MalformedInput("The answers' body is not that of version 1.", field="tbsResponseData")
    found = _known_extensions(der, fields[3]) if len(fields) == 4 else {}
    identity = asn1.content(der, fields[0])
    key_hash = asn1.content(identity, asn1.whole(identity, asn1.OCTET_STRING)) if responder == 0xA2 else None
    nonce = found.get(oids.OCSP_NONCE)
    return BasicResponse(
        tbs=asn1.encoded(der, parts[0]),
        algorithm=parse_algorithm_identifier(asn1.encoded(der, parts[1])),
        signature=asn1.bits(der, parts[2]),
        responder_name=identity if key_hash is None else None,
        responder_key_hash=key_hash,
        produced_at=asn1.time_value(der, fields[1]),
        answers=tuple(_single(der, element) for element in asn1.children(der, fields[2])),
        nonce=read_nonce(nonce) if nonce is not None else None,
        extended_revoke=oids.OCSP_EXTENDED_REVOKE in found,
        certificates=_certificates(der, parts[3]) if len(parts) == 4 else (),
    )


def _certificates(der: bytes, wrapped: Tlv) -> tuple[Certificate, ...]:
    inner = asn1.content(der, wrapped, 0xA0)
    listed = asn1.children(inner, asn1.whole(inner, what="certs"))
    if len(listed) > MAX_CERTIFICATES:
        raise MalformedInput(f"More than {MAX_CERTIFICATES} certificates come along.", field="certs")
    return tuple(Certificate.parse(asn1.encoded(inner, element)) for element in listed)


def _single(der: bytes, element: Tlv) -> SingleAnswer:
    parts = asn1.children(der, element)
    tail = [part.tag for part in parts[3:]]
    if len(parts) < 3 or element.tag != asn1.SEQUENCE or tail not in ([], [0xA0], [0xA1], [0xA0, 0xA1]):
        raise MalformedInput("A SingleResponse is not in the standard's order.", field="SingleResponse")
    found = _known_extensions(der, parts[-1]) if 0xA1 in tail else {}
    cutoff = found.get(oids.OCSP_ARCHIVE_CUTOFF)
    cert_id = asn1.encoded(der, parts[0])
    CertId.parse(cert_id)
    next_update = _moment(asn1.content(der, parts[3])) if 0xA0 in tail else None
    this_update = _moment(asn1.encoded(der, parts[2]))
    return SingleAnswer(
        cert_id,
        _cert_status(der, parts[1]),
        this_update,
        next_update,
        archive_cutoff=None if cutoff is None else _moment(cutoff),
    )


def _moment(der: bytes) -> datetime:
    return asn1.time_value(der, asn1.whole(der, asn1.GENERALIZED_TIME, "time"))


def _cert_status(der: bytes, element: Tlv) -> CertStatus:
    octets = asn1.content(der, element)
    if element.tag in (0x80, 0x82) and not octets:
        return GOOD if element.tag == 0x80 else UNKNOWN
    if element.tag != 0xA1:
        raise MalformedInput("A CertStatus is none of good, revoked and unknown.", field="certStatus")
    parts = asn1.children(der, element)
    if not 1 <= len(parts) <= 2:
        raise MalformedInput("RevokedInfo is not a time with, at most, a reason.", field="revoked")
    reason = CrlReason.UNSPECIFIED
    if len(parts) == 2:
        reason = CrlReason.read(asn1.content(der, parts[1], 0xA0))
    return Revoked(_moment(asn1.encoded(der, parts[0])), reason)


def _known_extensions(der: bytes, wrapped: Tlv) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for extension in read_extensions(asn1.content(der, wrapped)):
        unknown = extension.critical and extension.oid not in _UNDERSTOOD
        if unknown or extension.oid in found:
            problem = f"The extension {extension.oid} is repeated, or critical and not understood here."
            raise MalformedInput(problem, field=extension.oid)
        found[extension.oid] = extension.value
    return found
