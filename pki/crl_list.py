"""Revocation lists, read (RFC 5280 5): what one says of a serial, and the bytes that its signatures are over.

Read strictly. A list that speaks of some certificates only says so in `scope`: a serial that is missing from
it is good only for a certificate within that scope, which whoever asks must check (pki.path_revocation).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pki import asn1, extensions, oids
from pki.algorithms import SignatureAlgorithm, parse_algorithm_identifier
from pki.asn1 import Tlv
from pki.crl_entry import CrlReason, RevokedEntry, read_entry
from pki.crl_index import EntryIndex
from pki.crl_scope import WHOLE, ListScope, read_issuing_distribution_point
from pki.crl_succession import EntryOctets
from pki.der_check import check
from pki.errors import MalformedInput
from pki.extensions import Extension, read_extensions

__all__ = ["MAX_BYTES", "CertificateList", "CrlReason", "RevokedEntry"]

MAX_BYTES: Final = 128 * 1024 * 1024
"""A list of some three million entries; what is longer is not read."""
_UNDERSTOOD: Final = frozenset(
    {
        oids.CRL_NUMBER,
        oids.DELTA_CRL_INDICATOR,
        oids.AUTHORITY_KEY_IDENTIFIER,
        oids.ISSUING_DISTRIBUTION_POINT,
    }
)
_TIMES: Final = (asn1.UTC_TIME, asn1.GENERALIZED_TIME)


@dataclass(frozen=True, slots=True)
class CertificateList:
    """A parsed list. Nothing is believed yet: see pki.crl.verify_crl."""

    der: bytes = field(repr=False)
    algorithm: SignatureAlgorithm
    signature: bytes = field(repr=False)
    issuer: bytes
    """Name, DER."""
    this_update: datetime
    next_update: datetime
    crl_number: int
    base_crl_number: int | None
    """The list that a delta builds upon; None in a complete list."""
    authority_key_identifier: bytes
    scope: ListScope
    extensions: tuple[Extension, ...] = field(repr=False)
    entry_octets: EntryOctets = field(repr=False)
    _tbs: Tlv = field(repr=False)
    _body: tuple[int, int] = field(repr=False)
    """Where what the alternative signature is over begins and ends: from issuer to the last entry."""
    _indexed: list[EntryIndex] = field(repr=False, compare=False, default_factory=list)
    """The index, once somebody asked for it."""

    @classmethod
    def parse(cls, der: bytes) -> CertificateList:
        """A version 2 CertificateList in strict DER, every entry read; MalformedInput names the field."""
        parsed = _parse(bytes(der))
        parsed.read_entries()
        return parsed

    @classmethod
    def outline(cls, der: bytes) -> CertificateList:
        """The same with entries that are read when they are asked for: only for lists of our own making."""
        return _parse(bytes(der))

    def read_entries(self) -> None:
        """Every entry, where that was not done yet; MalformedInput for a bad one."""
        if not self._indexed:
            where = self.entry_octets
            self._indexed.append(EntryIndex.of(where.der, where.start, where.end))

    @property
    def index(self) -> EntryIndex:
        """Where each serial's entry is."""
        self.read_entries()
        return self._indexed[0]

    @property
    def is_delta(self) -> bool:
        """Whether this lists only changes since `base_crl_number`."""
        return self.base_crl_number is not None

    @property
    def distribution_point(self) -> tuple[str, ...]:
        """URIs, one of which a certificate must name to be spoken of; empty in a whole list."""
        return self.scope.distribution_point

    @property
    def only_some_reasons(self) -> bool:
        """Whether a certificate that was revoked for another reason is missing."""
        return self.scope.only_some_reasons

    @property
    def indirect(self) -> bool:
        """Whether it lists certificates of other issuers."""
        return self.scope.indirect

    @property
    def serials(self) -> frozenset[int]:
        """Every serial that the list names; of a long list, ask `index` instead."""
        return frozenset(int.from_bytes(serial[2:], "big") for run in self.index.runs() for serial in run)

    @property
    def entry_count(self) -> int:
        """How many serials the list names."""
        return len(self.index)

    def revoked(self, certificate_serial: int) -> RevokedEntry | None:
        """What the list says of a serial; None where it says nothing."""
        offset = self.index.find(certificate_serial)
        return None if offset is None else read_entry(self.der, offset)

    def entries(self) -> Iterator[RevokedEntry]:
        """All entries by serial."""
        return (read_entry(self.der, offset) for offset in self.index.offsets)

    @property
    def tbs(self) -> bytes:
        """What the classical signature is over; cut anew each time, for it is nearly the whole list."""
        return asn1.encoded(self.der, self._tbs)

    @property
    def pre_tbs(self) -> bytes:
        """What an alternative signature in this list is over (X.509 7.2.2)."""
        start, end = self._body
        kept = (e.encode() for e in self.extensions if e.oid != oids.ALT_SIGNATURE_VALUE)
        wrapped = asn1.explicit(0, asn1.sequence(*kept))
        return asn1.long_sequence(asn1.integer(1), memoryview(self.der)[start:end], wrapped)


def _parse(der: bytes) -> CertificateList:
    if len(der) > MAX_BYTES:
        raise MalformedInput(f"The list has {len(der)} bytes; at most {MAX_BYTES} are read.", field="crl")
    outer = asn1.read(der)
    if outer.tag != asn1.SEQUENCE or outer.end != len(der):
        raise MalformedInput("The list is not one SEQUENCE that fills the input.", field="crl")
    parts = asn1.children(der, outer)
    if len(parts) != 3 or parts[0].tag != asn1.SEQUENCE:
        raise MalformedInput("The list is not a body, an algorithm and a signature.", field="crl")
    fields = asn1.children(der, parts[0])
    shape = [f.tag for f in fields]
    listed = len(fields) == 7
    expected = [{asn1.INTEGER}, {asn1.SEQUENCE}, {asn1.SEQUENCE}, set(_TIMES), set(_TIMES)]
    expected += [{asn1.SEQUENCE}] * listed + [{0xA0}]
    if len(shape) != len(expected) or any(t not in tags for t, tags in zip(shape, expected, strict=True)):
        raise MalformedInput("The list is not version 2 with nextUpdate and extensions.", field="tbsCertList")
    if asn1.int_value(der, fields[0]) != 1:
        raise MalformedInput("The list is not version 2.", field="version")
    algorithm = asn1.encoded(der, parts[1])
    if algorithm != asn1.encoded(der, fields[1]):
        raise MalformedInput(
            "The list names another algorithm outside than inside.", field="signatureAlgorithm"
        )
    issuer = asn1.encoded(der, fields[2])
    check(issuer, "issuer")
    found = read_extensions(asn1.content(der, fields[-1]))
    values = _list_extensions(found)
    base = values.get(oids.DELTA_CRL_INDICATOR)
    scope = values.get(oids.ISSUING_DISTRIBUTION_POINT)
    return CertificateList(
        der=der,
        algorithm=parse_algorithm_identifier(algorithm),
        signature=asn1.bits(der, parts[2]),
        issuer=issuer,
        this_update=asn1.time_value(der, fields[3]),
        next_update=asn1.time_value(der, fields[4]),
        crl_number=_number(values[oids.CRL_NUMBER]),
        base_crl_number=None if base is None else _number(base),
        authority_key_identifier=_key_identifier(values),
        scope=WHOLE if scope is None else read_issuing_distribution_point(scope),
        extensions=found,
        entry_octets=_entry_octets(der, fields[5]) if listed else EntryOctets(der, 0, 0),
        _tbs=parts[0],
        _body=(fields[2].start, fields[-1].start),
    )


def _list_extensions(found: tuple[Extension, ...]) -> dict[str, bytes]:
    """By type, each once; alternative ones are judged later, as findings."""
    values: dict[str, bytes] = {}
    for extension in found:
        if extension.oid in oids.CATALYST:
            continue
        if extension.oid in values:
            raise MalformedInput(f"The extension {extension.oid} is there twice.", field=extension.oid)
        if extension.critical and extension.oid not in _UNDERSTOOD:
            raise MalformedInput(
                f"The list's extension {extension.oid} is critical and not understood here.",
                field=extension.oid,
            )
        values[extension.oid] = extension.value
    if oids.CRL_NUMBER not in values or oids.AUTHORITY_KEY_IDENTIFIER not in values:
        raise MalformedInput(
            "The list lacks its number or its issuer's key identifier.", field="crlExtensions"
        )
    return values


def _key_identifier(values: dict[str, bytes]) -> bytes:
    identifier = extensions.read_authority_key_identifier(values[oids.AUTHORITY_KEY_IDENTIFIER])
    if identifier is None:
        raise MalformedInput("authorityKeyIdentifier holds no keyIdentifier.", field="authorityKeyIdentifier")
    return identifier


def _number(value: bytes) -> int:
    number = asn1.int_value(value, asn1.whole(value, asn1.INTEGER, "cRLNumber"))
    if not 0 <= number < 1 << 159:  # 5.2.3: at most 20 octets, never negative
        raise MalformedInput("The list's number is negative or longer than 20 octets.", field="cRLNumber")
    return number


def _entry_octets(der: bytes, element: Tlv) -> EntryOctets:
    if element.content == element.end:
        raise MalformedInput("revokedCertificates is there but empty.", field="revokedCertificates")
    return EntryOctets(der, element.content, element.end)
