"""Revocation lists (RFC 5280 5), signed in the catalyst form and built in a stream.

Not handled here: when to publish, where the file goes, and which certificates have expired.
"""

from __future__ import annotations

import base64
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from operator import itemgetter, lt
from typing import Final

from pki import asn1, extensions, oids, pem, tbs
from pki.algorithms import algorithm_identifier
from pki.crl_checks import publication_findings, verify_crl
from pki.crl_entry import REMOVED, CrlReason, RevokedEntry, encode_content
from pki.crl_list import CertificateList
from pki.crl_scope import freshest_crl, issuing_distribution_point
from pki.errors import MalformedInput, RequestRefused
from pki.extensions import Extension
from pki.keys import HybridPrivateKey

__all__ = [
    "CertificateList",
    "CrlReason",
    "Frame",
    "RevokedEntry",
    "build_crl",
    "build_from_contents",
    "publication_findings",
    "read_pem",
    "to_pem",
    "verify_crl",
]

_VERSION_2: Final = asn1.integer(1)
_HEADERS: Final = tuple(asn1.header(asn1.SEQUENCE, size) for size in range(256))
_AT_ONCE: Final = 4096
_BEGIN, _END = "-----BEGIN X509 CRL-----", "-----END X509 CRL-----"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Everything that a list says besides its entries."""

    issuer_name: bytes
    authority_key_identifier: bytes
    crl_number: int
    this_update: datetime
    next_update: datetime
    base_crl_number: int | None = None
    """Makes it a delta (5.2.4)."""
    distribution_point: str = ""
    """The URL of a list that covers only the certificates that name it (5.2.5)."""
    freshest: str = ""
    """The URL of the deltas upon it (5.2.6)."""

    def check(self) -> None:
        """RequestRefused for a list that no relying party could use."""
        base = self.base_crl_number
        if not 0 <= self.crl_number < 1 << 159:
            raise RequestRefused("The list's number is negative or too long.", field="crl_number")
        if base is not None and not 0 <= base < self.crl_number:
            raise RequestRefused(
                f"A delta numbered {self.crl_number} cannot build upon list {base}.",
                next_step="Name an earlier complete list.",
                field="base_crl_number",
            )
        if self.next_update <= self.this_update:
            raise RequestRefused("The list would lapse before it begins.", field="next_update")
        if base is not None and self.freshest:
            raise RequestRefused("A delta has no deltas of its own (5.2.6).", field="freshest")

    def extensions(self) -> list[Extension]:
        """In the order in which they stand, without those of an alternative signature."""
        found = [
            extensions.authority_key_identifier(self.authority_key_identifier),
            Extension(oids.CRL_NUMBER, False, asn1.integer(self.crl_number)),
        ]
        if self.base_crl_number is not None:
            found.append(Extension(oids.DELTA_CRL_INDICATOR, True, asn1.integer(self.base_crl_number)))
        if self.distribution_point:
            found.append(issuing_distribution_point(self.distribution_point))
        if self.freshest:
            found.append(freshest_crl(self.freshest))
        return found


def build_crl(
    *,
    issuer_name: bytes,
    authority_key_identifier: bytes,
    key: HybridPrivateKey,
    entries: Iterable[RevokedEntry],
    crl_number: int,
    this_update: datetime,
    next_update: datetime,
    base_crl_number: int | None = None,
    distribution_point: str = "",
    freshest: str = "",
) -> bytes:
    """A dual-signed CertificateList, DER, entries by serial; with `base_crl_number` a delta (5.2.4).

    RequestRefused names what would make a list that no relying party may use.
    """
    frame = Frame(
        issuer_name=issuer_name,
        authority_key_identifier=authority_key_identifier,
        crl_number=crl_number,
        this_update=this_update,
        next_update=next_update,
        base_crl_number=base_crl_number,
        distribution_point=distribution_point,
        freshest=freshest,
    )
    return build_from_contents(frame, sorted(map(encode_content, entries)), key)


def build_from_contents(frame: Frame, contents: list[bytes], key: HybridPrivateKey) -> bytes:
    """The same from entries that are encoded already (pki.crl_entry.encode_content), ascending by serial.

    The list is used up: a million entries need not be there twice.
    """
    frame.check()
    return _signed(frame, _joined(contents, delta=frame.base_crl_number is not None), key)


def _joined(contents: list[bytes], *, delta: bool) -> bytearray:
    """The entries with their headers, a piece at a time; what was taken is let go."""
    listed, last = bytearray(), b""
    contents.reverse()
    while contents:
        piece = contents[: -_AT_ONCE - 1 : -1]
        del contents[-_AT_ONCE:]
        serials = _serials(piece)
        if not last < serials[0] or not all(map(lt, serials, serials[1:])):
            raise RequestRefused(
                "A serial is out of order or listed twice.",
                next_step="Sort the encoded entries, and give each certificate once.",
                field="certificate_serial",
            )
        last = serials[-1]
        octets = _with_headers(piece)
        if not delta and REMOVED in octets and any(content.endswith(REMOVED) for content in piece):
            raise RequestRefused(
                "removeFromCRL has no meaning in a complete list.",
                next_step="Leave the entry out, or build a delta.",
                field="reason",
            )
        listed += octets
    return listed


def _with_headers(piece: Sequence[bytes]) -> bytes:
    sizes = set(map(len, piece))
    if len(sizes) == 1:  # the usual case again: one header between all of them, and before the first
        header = _HEADERS[sizes.pop()]
        return header + header.join(piece)
    headers = map(_HEADERS.__getitem__, map(len, piece))
    return b"".join(chain.from_iterable(zip(headers, piece, strict=True)))


def _serials(piece: Sequence[bytes]) -> list[bytes]:
    # Those of one size together, without a line of Python for each entry. One of another size between them is
    # cut wrongly, and is then out of order: a serial's size is what is compared first.
    serials: list[bytes] = []
    while len(serials) < len(piece):
        at = len(serials)
        size = piece[at][1]
        after = bisect_right(piece, size, at, key=itemgetter(1))
        if after == at or piece[after - 1][1] != size:
            return [content[: 2 + content[1]] for content in piece]
        serials += map(itemgetter(slice(2 + size)), piece[at:after])
    return serials


def _signed(frame: Frame, listed: bytearray, key: HybridPrivateKey) -> bytes:
    """Both signatures, alternative first (X.509 7.2.2), each over octets that were copied once."""
    found = frame.extensions()
    if key.alternative:
        found.append(tbs.alt_signature_algorithm(key.alternative.signs_with))
    # revokedCertificates must be absent when nothing is revoked (5.1.2.6).
    body = (
        frame.issuer_name,
        asn1.time(frame.this_update),
        asn1.time(frame.next_update),
        asn1.header(asn1.SEQUENCE, len(listed)) if listed else b"",
        listed,
    )
    if key.alternative:
        value = key.alternative.sign(asn1.long_sequence(_VERSION_2, *body, _wrapped(found)))
        found.append(tbs.alt_signature_value(value))
    algorithm = algorithm_identifier(key.classical.signs_with)
    to_be_signed = asn1.long_sequence(_VERSION_2, algorithm, *body, _wrapped(found))
    signature = asn1.bit_string(key.classical.sign(to_be_signed))
    return asn1.long_sequence(to_be_signed, algorithm, signature)


def _wrapped(found: Iterable[Extension]) -> bytes:
    return asn1.explicit(0, asn1.sequence(*(extension.encode() for extension in found)))


def to_pem(der: bytes) -> str:
    """The PEM form (RFC 7468 section 6)."""
    return pem.to_pem(der, "X509 CRL").decode()


def read_pem(text: str) -> bytes:
    """The DER of exactly one list in PEM; MalformedInput otherwise."""
    before, begin, rest = text.partition(_BEGIN)
    inner, end, after = rest.partition(_END)
    try:
        if not begin or not end or before.strip() or after.strip():
            raise ValueError("frame")
        return base64.b64decode("".join(inner.split()), validate=True)
    except ValueError as bad:
        raise MalformedInput("The text is not one X509 CRL in PEM.", field="crl") from bad
