"""What a responder says (RFC 6960 4.2): answers signed by a delegate, and unsigned errors.

A response never outlives its signer, and good is never said here of itself: the status is the caller's.
Catalyst signatures are undefined for OCSP, so a post-quantum answer comes from a post-quantum delegate.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from pki import asn1, oids
from pki.algorithms import PrivateKey, algorithm_identifier
from pki.crl_list import CrlReason
from pki.errors import MalformedInput, PkiError, RequestRefused
from pki.extensions import Extension
from pki.ocsp_request import ResponseStatus, nonce_extension
from pki.tbs import Certificate


@dataclass(frozen=True, slots=True)
class Good:
    """Issued by this CA and not revoked."""


@dataclass(frozen=True, slots=True)
class Revoked:
    """Revoked, or on hold, since a moment."""

    revoked_at: datetime
    reason: CrlReason = CrlReason.UNSPECIFIED


@dataclass(frozen=True, slots=True)
class Unknown:
    """Not a certificate that the responder answers for."""


CertStatus = Good | Revoked | Unknown
GOOD: Final = Good()
UNKNOWN: Final = Unknown()
NEVER_ISSUED: Final = Revoked(datetime(1970, 1, 1, tzinfo=UTC), CrlReason.CERTIFICATE_HOLD)
"""What RFC 6960 2.2 prescribes for a serial that was never issued; needs `extended_revoke`."""


class ResponderUnusable(PkiError):
    """The delegate cannot sign this answer: its certificate has lapsed or is another key's."""


@dataclass(frozen=True, slots=True)
class SingleAnswer:
    """The status of one certificate."""

    cert_id: bytes
    """CertID, DER: the request's, octet by octet."""
    status: CertStatus
    this_update: datetime
    next_update: datetime | None
    """When newer information comes. Ours always say; others may not."""
    archive_cutoff: datetime | None = None
    """From when on expired certificates are answered for (4.4.4)."""


@dataclass(frozen=True, slots=True)
class Responder:
    """A delegate: its certificate, issued by the CA with OCSPSigning, and its key."""

    certificate: Certificate
    key: PrivateKey

    def __post_init__(self) -> None:
        if self.certificate.spki != self.key.public.spki:
            raise ResponderUnusable("The responder's certificate is not for its key.", field="responder")


def responder_key_hash(certificate: Certificate) -> bytes:
    """ResponderID byKey: SHA-1 over the key bits, by the standard's word (4.2.1)."""
    return _sha1_of_key_bits(certificate.spki)


@lru_cache(maxsize=64)
def _sha1_of_key_bits(spki: bytes) -> bytes:
    parts = asn1.children(spki, asn1.whole(spki, what="subjectPublicKeyInfo"))
    if len(parts) != 2:
        raise MalformedInput("The key is not an algorithm and bits.", field="subjectPublicKeyInfo")
    key_bits = asn1.bits(spki, parts[1])
    return hashlib.sha1(key_bits, usedforsecurity=False).digest()


def build_response(
    *,
    answers: Sequence[SingleAnswer],
    responder: Responder,
    produced_at: datetime,
    nonce: bytes | None = None,
    extended_revoke: bool = False,
) -> bytes:
    """A successful OCSPResponse, DER, by key and with the delegate's certificate inside.

    Every next_update is cut to the delegate's notAfter. RequestRefused and ResponderUnusable say why not.
    """
    if not answers:
        raise RequestRefused("A response without answers says nothing.", field="answers")
    if not extended_revoke and any(answer.status == NEVER_ISSUED for answer in answers):
        raise RequestRefused(
            "Revoked for a serial that was never issued needs extended-revoke (RFC 6960 4.4.8).",
            field="extended_revoke",
        )
    _check_alive(responder.certificate, produced_at)
    found = [nonce_extension(nonce)] if nonce is not None else []
    if extended_revoke:
        found.append(Extension(oids.OCSP_EXTENDED_REVOKE, False, asn1.null()))
    listed = asn1.sequence(*(e.encode() for e in found))
    end = responder.certificate.not_after
    data = asn1.sequence(
        asn1.explicit(2, asn1.octet_string(responder_key_hash(responder.certificate))),
        _time(produced_at.replace(microsecond=0)),
        asn1.sequence(*(_single(answer, end) for answer in answers)),
        asn1.explicit(1, listed) if found else b"",
    )
    basic = asn1.sequence(
        data,
        algorithm_identifier(responder.key.signs_with),
        asn1.bit_string(responder.key.sign(data)),
        _certificates(responder.certificate.der),
    )
    wrapped = asn1.sequence(asn1.oid(oids.OCSP_BASIC), asn1.octet_string(basic))
    return asn1.sequence(_status(ResponseStatus.SUCCESSFUL), asn1.explicit(0, wrapped))


def error_response(status: ResponseStatus) -> bytes:
    """An unsigned OCSPResponse: five octets. `unauthorized` is what to say of serials that are not ours."""
    if status is ResponseStatus.SUCCESSFUL:
        raise RequestRefused("An error response cannot be successful.", field="status")
    return asn1.sequence(_status(status))


@lru_cache(maxsize=1024)
def _time(moment: datetime) -> bytes:
    # An instance answers thousands of times in a second, and with the same few moments.
    return asn1.generalized_time(moment)


@lru_cache(maxsize=64)
def _certificates(der: bytes) -> bytes:
    return asn1.explicit(0, asn1.sequence(der))


def _status(status: ResponseStatus) -> bytes:
    return asn1.tlv(asn1.ENUMERATED, bytes((status,)))


def _check_alive(certificate: Certificate, produced_at: datetime) -> None:
    # notAfter's last second counts (RFC 5280 4.1.2.5).
    if not certificate.not_before <= produced_at < certificate.not_after + timedelta(seconds=1):
        raise ResponderUnusable(
            f"The responder's certificate is not valid at {produced_at:%Y-%m-%d %H:%M:%S}Z.",
            next_step="Renew the responder's certificate.",
            field="responder",
        )


def _single(answer: SingleAnswer, signer_end: datetime) -> bytes:
    next_update = signer_end if answer.next_update is None else min(answer.next_update, signer_end)
    if next_update < answer.this_update:
        raise RequestRefused("The answer would lapse before it begins.", field="next_update")
    return asn1.sequence(
        answer.cert_id,
        encode_status(answer.status),
        _time(answer.this_update),
        asn1.explicit(0, _time(next_update)),
        b"" if answer.archive_cutoff is None else _archive_cutoff(answer.archive_cutoff),
    )


@lru_cache(maxsize=64)
def _archive_cutoff(moment: datetime) -> bytes:
    extension = Extension(oids.OCSP_ARCHIVE_CUTOFF, False, asn1.generalized_time(moment))
    return asn1.explicit(1, asn1.sequence(extension.encode()))


def encode_status(status: CertStatus) -> bytes:
    """CertStatus, DER (4.2.1)."""
    if isinstance(status, Good):
        return asn1.implicit(0, b"")
    if isinstance(status, Unknown):
        return asn1.implicit(2, b"")
    # As in lists, unspecified is said by leaving the reason out.
    reason = b"" if status.reason is CrlReason.UNSPECIFIED else asn1.explicit(0, status.reason.encode())
    return asn1.explicit(1, _time(status.revoked_at) + reason)
