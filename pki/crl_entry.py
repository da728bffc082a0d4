"""One revoked certificate in a list (RFC 5280 5.1.2.6, 5.3): written, and read strictly.

An entry's content is what stands inside its SEQUENCE: serial, time, extensions. Contents sort by serial as
they are, so that a list of a million is sorted and joined without a look into any of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from functools import lru_cache
from typing import Final

from pki import asn1, oids
from pki.asn1 import time as encode_time
from pki.errors import MalformedInput, RequestRefused
from pki.extensions import Extension, read_extensions


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


def _reason(reason: CrlReason) -> bytes:
    # unspecified is said by leaving the extension out (5.3.1).
    if reason is CrlReason.UNSPECIFIED:
        return b""
    return Extension(oids.CRL_REASON, False, reason.encode()).encode()


# By the code, in a list: an enum's hash is computed in Python each time.
_SUFFIX: Final = tuple(
    asn1.sequence(_reason(CrlReason(code))) if code not in (0, 7) else b"" for code in range(11)
)
REMOVED: Final = _SUFFIX[CrlReason.REMOVE_FROM_CRL]
"""How the content of an entry ends that only a delta may carry."""


def encode_content(entry: RevokedEntry) -> bytes:
    """An entry without its SEQUENCE header; RequestRefused for a serial that no certificate may have."""
    serial = entry.certificate_serial
    if not 0 < serial < 1 << 159:
        raise RequestRefused(
            f"The serial {serial:x} is out of a certificate's range.", field="certificate_serial"
        )
    suffix = _SUFFIX[entry.reason]
    if entry.invalidity_date is not None:
        since = asn1.generalized_time(entry.invalidity_date)
        dated = Extension(oids.INVALIDITY_DATE, False, since).encode()
        suffix = asn1.sequence(_reason(entry.reason), dated)
    size = serial.bit_length() // 8 + 1
    return b"\x02%c%b%b%b" % (size, serial.to_bytes(size, "big"), _entry_time(entry.revoked_at), suffix)


@lru_cache(maxsize=1024)
def _entry_time(moment: datetime) -> bytes:
    # Kept: a mass revocation writes the same second many times, and strftime is half of an entry's cost.
    return encode_time(moment)


def read_entry(der: bytes, offset: int) -> RevokedEntry:
    """The entry that begins there; MalformedInput for what 5.3 does not allow here."""
    entry = asn1.read(der, offset)
    if entry.tag != asn1.SEQUENCE:
        raise MalformedInput("An entry is not a SEQUENCE.", field=f"offset {offset}")
    serial = asn1.read(der, entry.content, entry.end)
    moment = asn1.read(der, serial.end, entry.end)
    reason, invalidity_date = _entry_extensions(der[moment.end : entry.end])
    return RevokedEntry(asn1.int_value(der, serial), asn1.time_value(der, moment), reason, invalidity_date)


def serial_element(der: bytes, offset: int) -> bytes:
    """The serial's INTEGER of the entry that begins there, encoded: these compare as their numbers do."""
    # Nearly every entry is shorter than 128 octets: then its serial begins two octets on.
    at = offset + 2 if der[offset + 1] < 0x80 else asn1.read(der, offset).content
    return der[at : at + 2 + der[at + 1]]


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
