"""What gets signed: certificates cut into their parts, and the catalyst form's two signatures.

ITU-T X.509 (10/2019) 7.2.2 and 9.8. PreTBS is the to-be-signed without its `signature` algorithm and
without altSignatureValue, all else in order. The alternative signature is over PreTBS; the classical one
is over the whole, with altSignatureValue as the last extension. CRLs take the same form.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pki import asn1, oids
from pki.algorithms import PublicKey, SignatureAlgorithm, algorithm_identifier, parse_algorithm_identifier
from pki.der_check import check
from pki.errors import MalformedInput
from pki.extensions import Extension, read_extensions
from pki.findings import Finding, error
from pki.keys import HybridPrivateKey

_FIELD_DEPTH: Final = 2
"""A field of a certificate stands in its body, which stands in the whole."""


@dataclass(frozen=True, slots=True)
class Unsigned:
    """A tbsCertificate or tbsCertList in pieces, before any signature."""

    head: bytes
    """What precedes `signature`: version and serialNumber, or the list's version."""
    body: bytes
    """What follows it up to the extensions."""
    extensions: tuple[bytes, ...]
    """Encoded Extensions, altSignatureAlgorithm included where the form has one."""
    tag: int
    """The extensions' context tag: 3 in certificates, 0 in lists."""

    @property
    def pre_tbs(self) -> bytes:
        """What the alternative signature is over."""
        return asn1.sequence(self.head, self.body, self._wrapped(self.extensions))

    def tbs(self, algorithm: SignatureAlgorithm, alternative: bytes | None) -> bytes:
        """What the classical signature is over."""
        extensions = self.extensions
        if alternative is not None:
            extensions += (alt_signature_value(alternative).encode(),)
        return asn1.sequence(self.head, algorithm_identifier(algorithm), self.body, self._wrapped(extensions))

    def _wrapped(self, extensions: Iterable[bytes]) -> bytes:
        listed = b"".join(extensions)
        return asn1.explicit(self.tag, asn1.tlv(asn1.SEQUENCE, listed)) if listed else b""


def seal(tbs: bytes, algorithm: SignatureAlgorithm, signature: bytes) -> bytes:
    """SIGNED{...}: the to-be-signed, its algorithm, the signature."""
    return asn1.sequence(tbs, algorithm_identifier(algorithm), asn1.bit_string(signature))


def sign(unsigned: Unsigned, key: HybridPrivateKey) -> bytes:
    """Both signatures, alternative first; a key without an alternative half makes a plain object."""
    alternative = key.alternative.sign(unsigned.pre_tbs) if key.alternative else None
    tbs = unsigned.tbs(key.classical.signs_with, alternative)
    return seal(tbs, key.classical.signs_with, key.classical.sign(tbs))


def alt_signature_algorithm(algorithm: SignatureAlgorithm) -> Extension:
    """9.8.4, not critical."""
    return Extension(oids.ALT_SIGNATURE_ALGORITHM, False, algorithm_identifier(algorithm))


def alt_signature_value(signature: bytes) -> Extension:
    """9.8.5, not critical."""
    return Extension(oids.ALT_SIGNATURE_VALUE, False, asn1.bit_string(signature))


def subject_alt_public_key_info(spki: bytes) -> Extension:
    """9.8.3, not critical."""
    return Extension(oids.SUBJECT_ALT_PUBLIC_KEY_INFO, False, spki)


@dataclass(frozen=True, slots=True)
class Signed:
    """SIGNED{...} cut apart: the bytes the classical signature is over, its algorithm, its octets."""

    der: bytes
    tbs: bytes
    algorithm: SignatureAlgorithm
    signature: bytes
    fields: tuple[bytes, ...]
    """The elements of the to-be-signed, encoded, in order."""

    @classmethod
    def parse(cls, der: bytes, what: str) -> Signed:
        """The outer algorithm equals the inner one (RFC 5280 4.1.1.2); no field is looked into."""
        parts = asn1.children(der, asn1.whole(der, what=what))
        if len(parts) != 3 or parts[0].tag != asn1.SEQUENCE:
            raise MalformedInput(f"The {what} is not a body, an algorithm and a signature.", field=what)
        outer, fields = asn1.encoded(der, parts[1]), asn1.pieces(der, parts[0])
        if outer not in fields[:3]:
            raise MalformedInput(
                f"The {what} names another algorithm outside than inside.", field="signatureAlgorithm"
            )
        signature = asn1.bits(der, parts[2])
        return cls(der, asn1.encoded(der, parts[0]), parse_algorithm_identifier(outer), signature, fields)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A parsed certificate; every field rests on bytes of `signed.der`."""

    signed: Signed
    serial: int
    issuer: bytes
    """Name, DER."""
    subject: bytes
    not_before: datetime
    not_after: datetime
    """The last second at which it is valid."""
    spki: bytes
    extensions: tuple[Extension, ...]
    _values: dict[str, bytes | None] = field(repr=False, compare=False)
    """By type, because extensions are asked for many times; None: there twice."""

    @classmethod
    def parse(cls, der: bytes) -> Certificate:
        """A version 3 Certificate (RFC 5280 4.1); MalformedInput names the field."""
        signed = Signed.parse(bytes(der), "certificate")
        fields = signed.fields
        # Between key and extensions there may be unique identifiers (4.1.2.8), which nobody reads any more.
        tags = [field[0] for field in fields[7:]]
        expected = ([0xA3], [0x81, 0xA3], [0x82, 0xA3], [0x81, 0x82, 0xA3])
        if fields[:1] != (b"\xa0\x03\x02\x01\x02",) or tags not in expected:
            raise MalformedInput("The certificate is not version 3 with extensions.", field="version")
        # What is not read to its last octet below is walked: strict DER, without a second look at the rest.
        for unread in (fields[3], fields[5], fields[6]):
            check(unread, "certificate", above=_FIELD_DEPTH)
        times = asn1.children(fields[4], asn1.whole(fields[4], what="validity"))
        if len(times) != 2:
            raise MalformedInput("The validity is not two times.", field="validity")
        wrapped = asn1.whole(fields[-1], 0xA3, "extensions")
        listed = read_extensions(asn1.content(fields[-1], wrapped))
        values: dict[str, bytes | None] = {}
        for extension in listed:
            values[extension.oid] = None if extension.oid in values else extension.value
        return cls(
            signed,
            asn1.int_value(fields[1], asn1.whole(fields[1], asn1.INTEGER, "serialNumber")),
            fields[3],
            fields[5],
            asn1.time_value(fields[4], times[0]),
            asn1.time_value(fields[4], times[1]),
            fields[6],
            listed,
            values,
        )

    @property
    def der(self) -> bytes:
        """The certificate as it came."""
        return self.signed.der

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 over the DER."""
        return hashlib.sha256(self.der).digest()

    @property
    def public_key(self) -> PublicKey:
        """The subject's classical (or only) key; MalformedInput for kinds that are not known here."""
        return PublicKey.load(self.spki)

    @property
    def alternative_public_key(self) -> PublicKey | None:
        """The key of subjectAltPublicKeyInfo, where there is one."""
        value = self.extension(oids.SUBJECT_ALT_PUBLIC_KEY_INFO)
        return PublicKey.load(value) if value is not None else None

    def extension(self, dotted: str) -> bytes | None:
        """The value of an extension; a duplicate is MalformedInput."""
        value = self._values.get(dotted)
        if value is None and dotted in self._values:
            raise MalformedInput(f"The extension {dotted} is there more than once.", field=dotted)
        return value

    @property
    def pre_tbs(self) -> bytes:
        """What an alternative signature in this certificate is over."""
        f, last = self.signed.fields, self.extensions[-1]
        if last.oid == oids.ALT_SIGNATURE_VALUE and self._values[oids.ALT_SIGNATURE_VALUE] is not None:
            # As the rules want it, and then the rest is a cut: DER has one encoding.
            listed = asn1.children(f[-1], asn1.whole(f[-1], 0xA3))[0]
            kept = f[-1][listed.content : listed.end - len(last.encode())]
            inner = asn1.header(asn1.SEQUENCE, len(kept)) if kept else b""
            outer = asn1.header(0xA3, len(inner) + len(kept)) if kept else b""
            return asn1.long_sequence(f[0], f[1], *f[3:-1], outer, inner, kept)
        others = tuple(e.encode() for e in self.extensions if e.oid != oids.ALT_SIGNATURE_VALUE)
        return Unsigned(f[0] + f[1], b"".join(f[3:-1]), others, 3).pre_tbs


@dataclass(frozen=True, slots=True)
class AlternativeSignature:
    """Extensions 73 and 74, read."""

    algorithm: SignatureAlgorithm
    value: bytes


def read_alternative(
    extensions: tuple[Extension, ...],
) -> tuple[AlternativeSignature | None, tuple[Finding, ...]]:
    """The alternative signature under the strict rules of docs/pki.md; findings refuse, absence does not."""
    catalyst = [e for e in extensions if e.oid in oids.CATALYST]
    seen = [e.oid for e in catalyst]
    findings = [
        error("hybrid.alternative_extension_repeated", f"Extension {dotted} is there more than once.", dotted)
        for dotted in (sorted(set(seen)) if len(set(seen)) < len(seen) else ())
        if seen.count(dotted) > 1
    ]
    findings += [
        error("hybrid.alternative_extension_critical", f"Extension {e.oid} is marked critical.", e.oid)
        for e in catalyst
        # Bouncy Castle marks 72 critical, which harms nobody who reads it; 73 and 74 must stay ignorable.
        if e.critical and e.oid != oids.SUBJECT_ALT_PUBLIC_KEY_INFO
    ]
    has_algorithm, has_value = oids.ALT_SIGNATURE_ALGORITHM in seen, oids.ALT_SIGNATURE_VALUE in seen
    if has_algorithm != has_value:
        findings.append(
            error("hybrid.alternative_signature_incomplete", "Of algorithm and value, only one is there.")
        )
    if has_value and extensions[-1].oid != oids.ALT_SIGNATURE_VALUE:
        findings.append(
            error("hybrid.alternative_signature_not_last", "altSignatureValue is not the last extension.")
        )
    if findings or not has_value:
        return None, tuple(findings)
    return _read_pair({e.oid: e.value for e in catalyst})


def _read_pair(values: dict[str, bytes]) -> tuple[AlternativeSignature | None, tuple[Finding, ...]]:
    try:
        algorithm = parse_algorithm_identifier(values[oids.ALT_SIGNATURE_ALGORITHM])
        value = values[oids.ALT_SIGNATURE_VALUE]
        octets = asn1.bits(value, asn1.whole(value, asn1.BIT_STRING, "altSignatureValue"))
    except MalformedInput as bad:
        return None, (error("hybrid.alternative_signature_malformed", str(bad), bad.field),)
    return AlternativeSignature(algorithm, octets), ()
