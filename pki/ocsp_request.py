"""What is asked of a responder (RFC 6960 4.1, RFC 9654): read strictly within bounds, written for clients.

A refusal carries the status that the asker gets. A requestor's name and signature are tolerated and not
judged: nothing here depends on who asks.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from pki import asn1, oids
from pki.algorithms import SignatureAlgorithm, algorithm_identifier, parse_algorithm_identifier
from pki.asn1 import Tlv
from pki.cert_id import CertId
from pki.errors import MalformedInput
from pki.extensions import Extension, read_extensions
from pki.tbs import Certificate

MAX_BYTES: Final = 64 * 1024
MAX_REQUESTS: Final = 256
MAX_NONCE: Final = 128
"""RFC 9654 2.1: 1 to 128 octets; what is empty or longer is a malformed request."""
_ORDER: Final = {0xA0: 0, 0xA1: 1, asn1.SEQUENCE: 2, 0xA2: 3}
"""TBSRequest: version, requestorName, requestList, requestExtensions."""
_UNDERSTOOD: Final = frozenset({oids.OCSP_NONCE, oids.OCSP_PREFERRED_SIGNATURE_ALGORITHMS})


class ResponseStatus(IntEnum):
    """OCSPResponseStatus, RFC 6960 4.2.1; 4 is not used."""

    SUCCESSFUL = 0
    MALFORMED_REQUEST = 1
    INTERNAL_ERROR = 2
    TRY_LATER = 3
    SIG_REQUIRED = 5
    UNAUTHORIZED = 6


class OcspRequestRefused(MalformedInput):
    """A request that is answered with an error; `status` is that answer."""

    def __init__(
        self, problem: str, *, field: str = "", status: ResponseStatus = ResponseStatus.MALFORMED_REQUEST
    ) -> None:
        super().__init__(problem, field=field, next_step="Send an OCSPRequest as RFC 6960 4.1 has it.")
        self.status = status


@dataclass(frozen=True, slots=True)
class OcspRequest:
    """An accepted request."""

    cert_ids: tuple[CertId, ...]
    nonce: bytes | None = None
    preferred: tuple[SignatureAlgorithm, ...] = ()
    """In the client's order; what is not known here is left out."""

    @classmethod
    def parse(cls, der: bytes) -> OcspRequest:
        """An OCSPRequest in strict DER; OcspRequestRefused carries the status to answer."""
        try:
            return _parse(bytes(der))
        except OcspRequestRefused:
            raise
        except MalformedInput as bad:
            raise OcspRequestRefused(bad.problem, field=bad.field) from bad


def _parse(der: bytes) -> OcspRequest:
    if len(der) > MAX_BYTES:
        raise OcspRequestRefused(
            f"The request has {len(der)} bytes; at most {MAX_BYTES} are read.", field="size"
        )
    outer = asn1.children(der, asn1.whole(der, what="OCSPRequest"))
    if (
        not 1 <= len(outer) <= 2
        or outer[0].tag != asn1.SEQUENCE
        or (len(outer) == 2 and outer[1].tag != 0xA0)
    ):
        raise OcspRequestRefused("The request is not a body with, at most, a signature.", field="OCSPRequest")
    parts = asn1.children(der, outer[0])
    order = [_ORDER.get(part.tag, -1) for part in parts]
    if -1 in order or order != sorted(set(order)) or asn1.SEQUENCE not in (part.tag for part in parts):
        raise OcspRequestRefused("The request's body is not in the standard's order.", field="tbsRequest")
    by_tag = {part.tag: part for part in parts}
    # Version 1 is the default and DER leaves it out; who writes it all the same is understood.
    if 0xA0 in by_tag and asn1.content(der, by_tag[0xA0]) != asn1.integer(0):
        raise OcspRequestRefused("The request is not of version 1.", field="version")
    listed = asn1.children(der, by_tag[asn1.SEQUENCE])
    if not 1 <= len(listed) <= MAX_REQUESTS:
        raise OcspRequestRefused(
            f"The request names {len(listed)} certificates; 1 to {MAX_REQUESTS} are answered.",
            field="requestList",
        )
    cert_ids = tuple(_single(der, element) for element in listed)
    found = _known_extensions(der, by_tag[0xA2]) if 0xA2 in by_tag else {}
    nonce = found.get(oids.OCSP_NONCE)
    preferred = found.get(oids.OCSP_PREFERRED_SIGNATURE_ALGORITHMS)
    return OcspRequest(
        cert_ids,
        read_nonce(nonce) if nonce is not None else None,
        _read_preferred(preferred) if preferred is not None else (),
    )


def _single(der: bytes, element: Tlv) -> CertId:
    parts = asn1.children(der, element)
    if element.tag != asn1.SEQUENCE or not 1 <= len(parts) <= 2:
        raise OcspRequestRefused("A Request is not a CertID with, at most, extensions.", field="Request")
    if len(parts) == 2:
        if parts[1].tag != 0xA0:
            raise OcspRequestRefused("A Request ends in something unknown.", field="Request")
        _known_extensions(der, parts[1])
    return CertId.parse(asn1.encoded(der, parts[0]))


def _known_extensions(der: bytes, wrapped: Tlv) -> dict[str, bytes]:
    """4.4: what is unknown is ignored, unless it is critical; what is repeated is malformed."""
    found: dict[str, bytes] = {}
    for extension in read_extensions(asn1.content(der, wrapped)):
        if extension.oid in found:
            raise OcspRequestRefused(f"The extension {extension.oid} is there twice.", field=extension.oid)
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise OcspRequestRefused(
                f"The extension {extension.oid} is critical and not understood here.", field=extension.oid
            )
        found[extension.oid] = extension.value
    return found


def read_nonce(value: bytes) -> bytes:
    """The nonce inside its extension: an OCTET STRING of 1 to 128 octets (RFC 9654 2.1)."""
    nonce = asn1.content(value, asn1.whole(value, asn1.OCTET_STRING, "nonce"))
    if not 1 <= len(nonce) <= MAX_NONCE:
        raise OcspRequestRefused(
            f"The nonce has {len(nonce)} octets; 1 to {MAX_NONCE} are allowed.", field="nonce"
        )
    return nonce


# Clients of a kind all send the same octets.
@lru_cache(maxsize=64)
def _read_preferred(value: bytes) -> tuple[SignatureAlgorithm, ...]:
    found = []
    for element in asn1.children(value, asn1.whole(value, what="preferredSignatureAlgorithms")):
        parts = asn1.children(value, element)
        if element.tag != asn1.SEQUENCE or not 1 <= len(parts) <= 2:
            raise OcspRequestRefused(
                "A preferred algorithm is malformed.", field="preferredSignatureAlgorithms"
            )
        try:
            found.append(parse_algorithm_identifier(asn1.encoded(value, parts[0])))
        except MalformedInput:
            continue  # an algorithm that we do not have is no reason to refuse the asker
    return tuple(found)


def nonce_extension(nonce: bytes) -> Extension:
    """RFC 9654 2.1, not critical."""
    return Extension(oids.OCSP_NONCE, False, asn1.octet_string(nonce))


def build_request(
    certificate: Certificate,
    issuer: Certificate,
    *,
    hash_oid: str = oids.SHA256,
    nonce: bytes | None = None,
    preferred: Iterable[SignatureAlgorithm] = (),
) -> bytes:
    """An OCSPRequest for one certificate, DER; `nonce` is the caller's entropy, 32 octets by RFC 9654."""
    single = asn1.sequence(CertId.of(issuer, certificate.serial, hash_oid).der)
    found = []
    if nonce is not None:
        found.append(nonce_extension(nonce))
        read_nonce(found[0].value)
    wanted = [asn1.sequence(algorithm_identifier(algorithm)) for algorithm in preferred]
    if wanted:
        value = asn1.sequence(*wanted)
        found.append(Extension(oids.OCSP_PREFERRED_SIGNATURE_ALGORITHMS, False, value))
    listed = asn1.sequence(*(e.encode() for e in found))
    return asn1.sequence(asn1.sequence(asn1.sequence(single), asn1.explicit(2, listed) if found else b""))
