"""PKCS#10 requests (RFC 2986) with the catalyst form's attributes: written, read, and held to their proofs.

Attributes 2.5.29.72, .73 and .74 carry the alternative key, its algorithm and its signature, which is over
the CertificationRequestInfo without attribute .74, the rest in DER's order of a SET OF. Not handled here:
what a profile allows (pki.request_rules). Nothing of a request but its keys ever reaches a certificate.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from typing import Final

from pki import asn1, names, oids
from pki.algorithms import PublicKey, SignatureAlgorithm, algorithm_identifier, parse_algorithm_identifier
from pki.der_check import check
from pki.errors import MalformedInput
from pki.extensions import Extension, read_extensions
from pki.findings import Finding, error
from pki.keys import HybridPrivateKey, HybridPublicKey

MAX_BYTES: Final = 32 * 1024
"""Twice what two ML-DSA-87 keys and their proofs need; small enough to refuse hostile nesting at once."""
LABEL: Final = "CERTIFICATE REQUEST"
_ATTRIBUTES: Final = 0xA0
_VERSION: Final = asn1.integer(0)


def build(key: HybridPrivateKey, *, common_name: str, organization: str = "") -> bytes:
    """A CertificationRequest in DER that proves possession of both keys; RequestRefused names a bad field."""
    subject = names.encode(common_name=common_name, organization=organization)
    attributes: list[bytes] = []
    if key.alternative:
        algorithm = algorithm_identifier(key.alternative.signs_with)
        attributes.append(_attribute(oids.SUBJECT_ALT_PUBLIC_KEY_INFO, key.alternative.public.spki))
        attributes.append(_attribute(oids.ALT_SIGNATURE_ALGORITHM, algorithm))
        signature = key.alternative.sign(_info(subject, key.classical.public.spki, attributes))
        attributes.append(_attribute(oids.ALT_SIGNATURE_VALUE, asn1.bit_string(signature)))
    info = _info(subject, key.classical.public.spki, attributes)
    return asn1.sequence(
        info, algorithm_identifier(key.classical.signs_with), asn1.bit_string(key.classical.sign(info))
    )


def _attribute(dotted: str, value: bytes) -> bytes:
    return asn1.sequence(asn1.oid(dotted), asn1.set_of([value]))


def _info(subject: bytes, spki: bytes, attributes: list[bytes]) -> bytes:
    listed = asn1.tlv(_ATTRIBUTES, b"".join(sorted(attributes)))
    return asn1.sequence(_VERSION, subject, spki, listed)


@dataclass(frozen=True, slots=True)
class AlternativeProof:
    """What a request shows for its alternative key; any part may be missing."""

    algorithm: SignatureAlgorithm | None = None
    signature: bytes | None = None
    signed: bytes = b""
    """The CertificationRequestInfo without attribute 74."""


@dataclass(frozen=True, slots=True)
class Request:
    """A parsed request. Parsing proves nothing: see verify_possession and pki.request_rules."""

    subject: bytes
    """Name, DER."""
    public: HybridPublicKey
    extensions_asked: tuple[Extension, ...]
    der: bytes
    info: bytes = field(repr=False)
    """CertificationRequestInfo, DER: what the classical signature is over."""
    algorithm: SignatureAlgorithm
    signature: bytes = field(repr=False)
    alternative: AlternativeProof = field(repr=False)
    foreign_attributes: tuple[str, ...] = ()
    """Attribute types that are not read here, dotted."""

    @classmethod
    def parse(cls, der: bytes) -> Request:
        """Strict DER of at most 32 KiB; MalformedInput names the field."""
        if len(der) > MAX_BYTES:
            problem = f"The request is {len(der)} bytes; at most {MAX_BYTES} are read."
            raise MalformedInput(problem, field="request")
        der = bytes(der)
        check(der, "request")
        parts = asn1.children(der, asn1.whole(der, what="request"))
        if len(parts) != 3 or parts[0].tag != asn1.SEQUENCE:
            raise MalformedInput("The request is not a body, an algorithm and a signature.", field="request")
        info = asn1.encoded(der, parts[0])
        fields = [asn1.encoded(info, part) for part in asn1.children(info, asn1.whole(info))]
        if len(fields) != 4 or fields[0] != _VERSION or fields[3][0] != _ATTRIBUTES:
            raise MalformedInput("The request is not PKCS#10 version 1 with attributes.", field="version")
        names.parse(fields[1])
        classical = _key(fields[2], "subjectPublicKeyInfo")
        values = _read_attributes(fields[3])
        return cls(
            subject=fields[1],
            public=HybridPublicKey(classical, _alternative_key(values)),
            extensions_asked=_extensions(values),
            der=der,
            info=info,
            algorithm=parse_algorithm_identifier(asn1.encoded(der, parts[1])),
            signature=asn1.bits(der, parts[2]),
            alternative=_proof(fields, values),
            foreign_attributes=tuple(dotted for dotted in values if dotted not in _KNOWN),
        )


_KNOWN: Final = oids.CATALYST | {oids.EXTENSION_REQUEST}


def _key(spki: bytes, where: str) -> PublicKey:
    try:
        return PublicKey.load(spki)
    except MalformedInput as bad:
        raise MalformedInput(
            bad.problem, next_step="Make a P-256 key (and ML-DSA-65 beside it).", field=where
        ) from bad


def _read_attributes(der: bytes) -> dict[str, bytes]:
    """One value by attribute type; DER's order, no type twice, no list of values (RFC 2986 4.1)."""
    elements = asn1.children(der, asn1.whole(der, _ATTRIBUTES, "attributes"))
    encoded = [asn1.encoded(der, element) for element in elements]
    if encoded != sorted(encoded):
        raise MalformedInput("The attributes are not in DER's order of a SET OF.", field="attributes")
    values: dict[str, bytes] = {}
    for element in elements:
        parts = asn1.children(der, element) if element.tag == asn1.SEQUENCE else []
        listed = asn1.children(der, parts[1]) if len(parts) == 2 and parts[1].tag == asn1.SET else []
        if len(listed) != 1:
            raise MalformedInput("An attribute is not a type and one value.", field="attributes")
        dotted = asn1.oid_value(der, parts[0])
        if dotted in values:
            raise MalformedInput(f"The attribute {dotted} is there more than once.", field=dotted)
        values[dotted] = asn1.encoded(der, listed[0])
    return values


def _alternative_key(values: dict[str, bytes]) -> PublicKey | None:
    spki = values.get(oids.SUBJECT_ALT_PUBLIC_KEY_INFO)
    return None if spki is None else _key(spki, "subjectAltPublicKeyInfo")


def _extensions(values: dict[str, bytes]) -> tuple[Extension, ...]:
    asked = values.get(oids.EXTENSION_REQUEST)
    # OpenSSL writes an empty list where its configuration names none: nothing is asked for.
    return () if asked is None or asked == asn1.sequence() else read_extensions(asked)


def _proof(fields: list[bytes], values: dict[str, bytes]) -> AlternativeProof:
    algorithm = values.get(oids.ALT_SIGNATURE_ALGORITHM)
    value = values.get(oids.ALT_SIGNATURE_VALUE)
    kept = [_attribute(dotted, raw) for dotted, raw in values.items() if dotted != oids.ALT_SIGNATURE_VALUE]
    return AlternativeProof(
        parse_algorithm_identifier(algorithm) if algorithm is not None else None,
        asn1.bits(value, asn1.whole(value, asn1.BIT_STRING, "altSignatureValue"))
        if value is not None
        else None,
        _info(fields[1], fields[2], kept),
    )


def verify_possession(request: Request) -> tuple[Finding, ...]:
    """One finding for each key whose proof is missing or wrong; its subject names the field."""
    found = []
    if not request.public.classical.verify(request.algorithm, request.signature, request.info):
        problem = "The request's signature does not verify with the key in it."
        found.append(error("request.classical_possession_unproven", problem, "signature"))
    proof, key = request.alternative, request.public.alternative
    if key is None:
        if proof.algorithm is not None or proof.signature is not None:
            problem = "There is an alternative signature but no alternative key."
            found.append(error("request.alternative_proof_without_key", problem, "subjectAltPublicKeyInfo"))
    elif proof.algorithm is None or proof.signature is None:
        problem = "The alternative key comes without its algorithm and signature (2.5.29.73, .74)."
        found.append(error("request.alternative_proof_missing", problem, "altSignatureValue"))
    elif not key.verify(proof.algorithm, proof.signature, proof.signed):
        problem = "The alternative signature does not verify with the alternative key."
        found.append(error("request.alternative_possession_unproven", problem, "altSignatureValue"))
    return tuple(found)


def der_from_pem_or_der(data: bytes, label: str = LABEL) -> bytes:
    """The DER in `data`: itself, or exactly one PEM block of that label and nothing else, 32 KiB at most."""
    if len(data) > MAX_BYTES:
        problem = f"The input is {len(data)} bytes; at most {MAX_BYTES} are read."
        raise MalformedInput(problem, field=label)
    if data[:1] == b"\x30":
        return bytes(data)
    lines = [line.strip() for line in data.decode("ascii", "replace").strip().splitlines()]
    if len(lines) < 3 or lines[0] != f"-----BEGIN {label}-----" or lines[-1] != f"-----END {label}-----":
        raise MalformedInput(
            f"The input is neither DER nor one PEM block of {label}.",
            next_step=f"Give a file that holds only -----BEGIN {label}-----.",
            field=label,
        )
    try:
        return base64.b64decode("".join(lines[1:-1]), validate=True)
    except (binascii.Error, ValueError) as bad:
        raise MalformedInput(f"The PEM block of {label} is not base64.", field=label) from bad


def to_pem(der: bytes, label: str = LABEL) -> bytes:
    """One PEM block, lines of 64 characters (RFC 7468)."""
    text = base64.b64encode(der)
    lines = [text[at : at + 64] for at in range(0, len(text), 64)]
    return b"\n".join(
        (b"-----BEGIN %b-----" % label.encode(), *lines, b"-----END %b-----" % label.encode(), b"")
    )
