"""Revocation lists, read (RFC 5280 5): what one says of a serial, and the bytes that its signatures are over.

Read strictly and for one scope: a list that covers only some certificates (issuingDistributionPoint) or
several issuers is refused, because a serial that is missing from it would pass for good.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from typing import Final

from pki import asn1, extensions, oids
from pki.algorithms import SignatureAlgorithm, parse_algorithm_identifier
from pki.asn1 import Tlv
from pki.der_check import check
from pki.errors import MalformedInput
from pki.extensions import Extension, read_extensions
from pki.tbs import Unsigned

MAX_BYTES: Final = 128 * 1024 * 1024
"""A list of some three million entries; what is longer is not read."""
_UNDERSTOOD: Final = frozenset({oids.CRL_NUMBER, oids.DELTA_CRL_INDICATOR, oids.AUTHORITY_KEY_IDENTIFIER})
_TIMES: Final = (asn1.UTC_TIME, asn1.GENERALIZED_TIME)


class CrlReason(IntEnum):
    """RFC 5280 5.3.1; 7 is not used."""

    UNSPECIFIED = 0
    KEY_COMPROMISE = 1
    CA_COMPROMISE = 2
    AFFILIATION_CHANGED = 3
    SUPERSEDED = 4
    CESSATION_OF_OPERATION = 5
    CERTIFICATE_HOLD = 6
    REMOVE_FROM_CRL = 8
    PRIVILEGE_WITHDRAWN = 9
    AA_COMPROMISE = 10

    @classmethod
    def read(cls, value: bytes) -> CrlReason:
        """From a DER ENUMERATED; MalformedInput for codes that the standard does not have."""
        octets = asn1.content(value, asn1.whole(value, asn1.ENUMERATED, "CRLReason"))
        if len(octets) != 1 or octets[0] not in set(cls):
            raise MalformedInput(
                f"The CRLReason {octets.hex()} is not one of the standard's.", field="CRLReason"
            )
        return cls(octets[0])

    def encode(self) -> bytes:
        """DER ENUMERATED."""
        return asn1.tlv(asn1.ENUMERATED, bytes((self,)))


@dataclass(frozen=True, slots=True)
class RevokedEntry:
    """One revoked certificate; an absent reason reads as unspecified."""

    certificate_serial: int
    revoked_at: datetime
    reason: CrlReason = CrlReason.UNSPECIFIED
    invalidity_date: datetime | None = None
    """Since when the key is suspected, where the revoker knows it (5.3.2)."""


@dataclass(frozen=True, slots=True)
class CertificateList:
    """A parsed list. Nothing is believed yet: see pki.crl.verify_crl."""

    der: bytes = field(repr=False)
    tbs: bytes = field(repr=False)
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
    extensions: tuple[Extension, ...] = field(repr=False)
    _body: bytes = field(repr=False)
    _offsets: dict[int, int] = field(repr=False)

    @classmethod
    def parse(cls, der: bytes) -> CertificateList:
        """A version 2 CertificateList in strict DER, every entry read; MalformedInput names the field."""
        return _parse(bytes(der))

    @property
    def is_delta(self) -> bool:
        """Whether this lists only changes since `base_crl_number`."""
        return self.base_crl_number is not None

    @property
    def serials(self) -> frozenset[int]:
        """Every serial that the list names."""
        return frozenset(self._offsets)

    @property
    def entry_count(self) -> int:
        """How many serials the list names."""
        return len(self._offsets)

    def revoked(self, certificate_serial: int) -> RevokedEntry | None:
        """What the list says of a serial; None where it says nothing."""
        offset = self._offsets.get(certificate_serial)
        return None if offset is None else _entry(self.der, asn1.read(self.der, offset))

    def entries(self) -> Iterator[RevokedEntry]:
        """All entries in the list's order."""
        return (_entry(self.der, asn1.read(self.der, offset)) for offset in self._offsets.values())

    @property
    def pre_tbs(self) -> bytes:
        """What an alternative signature in this list is over (X.509 7.2.2)."""
        kept = tuple(e.encode() for e in self.extensions if e.oid != oids.ALT_SIGNATURE_VALUE)
        return Unsigned(asn1.integer(1), self._body, kept, 0).pre_tbs


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
    number, base, key_identifier = _list_extensions(found)
    return CertificateList(
        der=der,
        tbs=asn1.encoded(der, parts[0]),
        algorithm=parse_algorithm_identifier(algorithm),
        signature=asn1.bits(der, parts[2]),
        issuer=issuer,
        this_update=asn1.time_value(der, fields[3]),
        next_update=asn1.time_value(der, fields[4]),
        crl_number=number,
        base_crl_number=base,
        authority_key_identifier=key_identifier,
        extensions=found,
        _body=bytes(der[fields[2].start : fields[-1].start]),
        _offsets=_index(der, fields[5]) if listed else {},
    )


def _list_extensions(found: tuple[Extension, ...]) -> tuple[int, int | None, bytes]:
    """(cRLNumber, BaseCRLNumber, keyIdentifier); alternative ones are judged later, as findings."""
    values: dict[str, bytes] = {}
    for extension in found:
        if extension.oid in oids.CATALYST:
            continue
        if extension.oid in values:
            raise MalformedInput(f"The extension {extension.oid} is there twice.", field=extension.oid)
        scope = extension.oid == oids.ISSUING_DISTRIBUTION_POINT
        if scope or (extension.critical and extension.oid not in _UNDERSTOOD):
            raise MalformedInput(
                f"The list's extension {extension.oid} is critical or narrows it: not understood here.",
                field=extension.oid,
            )
        values[extension.oid] = extension.value
    if oids.CRL_NUMBER not in values or oids.AUTHORITY_KEY_IDENTIFIER not in values:
        raise MalformedInput(
            "The list lacks its number or its issuer's key identifier.", field="crlExtensions"
        )
    key_identifier = extensions.read_authority_key_identifier(values[oids.AUTHORITY_KEY_IDENTIFIER])
    if key_identifier is None:
        raise MalformedInput("authorityKeyIdentifier holds no keyIdentifier.", field="authorityKeyIdentifier")
    base = values.get(oids.DELTA_CRL_INDICATOR)
    return _number(values[oids.CRL_NUMBER]), None if base is None else _number(base), key_identifier


def _number(value: bytes) -> int:
    number = asn1.int_value(value, asn1.whole(value, asn1.INTEGER, "cRLNumber"))
    if not 0 <= number < 1 << 159:  # 5.2.3: at most 20 octets, never negative
        raise MalformedInput("The list's number is negative or longer than 20 octets.", field="cRLNumber")
    return number


def _index(der: bytes, element: Tlv) -> dict[int, int]:
    offsets: dict[int, int] = {}
    seen: dict[bytes, None] = {}
    at, end = element.content, element.end
    if at == end:
        raise MalformedInput("revokedCertificates is there but empty.", field="revokedCertificates")
    while at < end:
        entry = asn1.read(der, at, end)
        serial = asn1.read(der, entry.content, entry.end)
        number = asn1.int_value(der, serial)
        if entry.tag != asn1.SEQUENCE or number in offsets:
            raise MalformedInput("An entry is not a SEQUENCE, or names a serial again.", field=f"offset {at}")
        moment = asn1.read(der, serial.end, entry.end)
        asn1.time_value(der, moment)
        rest = der[moment.end : entry.end]
        # Nearly all entries carry one of ten reasons: each distinct run of octets is judged once.
        if rest and rest not in seen:
            _entry_extensions(rest)
            seen[rest] = None
        offsets[number] = at
        at = entry.end
    return offsets


def _entry(der: bytes, entry: Tlv) -> RevokedEntry:
    serial = asn1.read(der, entry.content, entry.end)
    moment = asn1.read(der, serial.end, entry.end)
    reason, invalidity_date = _entry_extensions(der[moment.end : entry.end])
    return RevokedEntry(asn1.int_value(der, serial), asn1.time_value(der, moment), reason, invalidity_date)


def _entry_extensions(der: bytes) -> tuple[CrlReason, datetime | None]:
    """5.3: reason and invalidity date; any other critical extension makes the list unusable."""
    reason, invalidity_date, seen = CrlReason.UNSPECIFIED, None, set()
    for extension in read_extensions(der) if der else ():
        if extension.oid in seen or extension.critical:
            raise MalformedInput(
                f"The entry extension {extension.oid} is repeated or critical.", field=extension.oid
            )
        seen.add(extension.oid)
        if extension.oid == oids.CRL_REASON:
            reason = CrlReason.read(extension.value)
        elif extension.oid == oids.INVALIDITY_DATE:
            element = asn1.whole(extension.value, asn1.GENERALIZED_TIME, "invalidityDate")
            invalidity_date = asn1.time_value(extension.value, element)
    return reason, invalidity_date
