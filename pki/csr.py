"""PKCS#10 requests (RFC 2986) of every form, read and held to their proofs.

Catalyst: attributes 2.5.29.72, .73 and .74 carry the alternative key, its algorithm and its signature, which
is over the CertificationRequestInfo without attribute .74. Related pair: RFC 9763's attribute. A key that
cannot sign: RFC 9883's statement, or no signature at all and a challenge. Not handled here: what a profile
allows (pki.request_rules). Nothing of a request but its keys ever reaches a certificate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pki import asn1, names, oids
from pki.algorithms import PublicKey, SignatureAlgorithm, parse_algorithm_identifier
from pki.csr_attributes import (
    KNOWN,
    attribute,
    extensions_asked,
    info_fields,
    read_attributes,
    request_info,
)
from pki.csr_build import NO_SIGNATURE, build, no_signature_value
from pki.der_check import check
from pki.errors import MalformedInput
from pki.extensions import Extension
from pki.findings import Finding, error
from pki.foreign_keys import kind_of
from pki.kem_statement import Statement
from pki.keys import HybridPublicKey
from pki.pem import LABEL, MAX_BYTES, der_from_pem_or_der, to_pem
from pki.related import RelatedRequest
from pki.tbs import Certificate

__all__ = ["LABEL", "MAX_BYTES", "Request", "build", "der_from_pem_or_der", "to_pem", "verify_possession"]


@dataclass(frozen=True, slots=True)
class AlternativeProof:
    """What a request shows for its alternative key; any part may be missing."""

    algorithm: SignatureAlgorithm | None = None
    signature: bytes | None = None
    signed: bytes = b""
    """The CertificationRequestInfo without attribute 74."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the caller established beside the request's own bytes."""

    certificate: Certificate | None = None
    """The one that the related request or the statement names, its path and its status judged."""
    challenge_answered: bool = False
    """Whether the key opened what the CA encapsulated to it (registry.kem_challenge)."""


@dataclass(frozen=True, slots=True)
class Request:
    """A parsed request. Parsing proves nothing: see verify_possession and pki.request_rules."""

    subject: bytes
    """Name, DER."""
    public: HybridPublicKey
    extensions_asked: tuple[Extension, ...]
    der: bytes
    info: bytes = field(repr=False)
    """CertificationRequestInfo, DER: what the main signature is over."""
    algorithm: SignatureAlgorithm | None
    """None: the request is not signed, as that of a key which cannot."""
    signature: bytes = field(repr=False)
    alternative: AlternativeProof = field(repr=False)
    related: RelatedRequest | None = None
    statement: Statement | None = None
    foreign_attributes: tuple[str, ...] = ()
    """Attribute types that are not read here, dotted."""
    shown: Shown = Shown()

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
        fields = info_fields(info)
        names.parse(fields[1])
        main = _key(fields[2], "subjectPublicKeyInfo")
        values = read_attributes(fields[3])
        asked, stated = (values.get(o) for o in (oids.RELATED_CERT_REQUEST, oids.STATEMENT_OF_POSSESSION))
        algorithm = asn1.encoded(der, parts[1])
        return cls(
            subject=fields[1],
            public=HybridPublicKey(main, _alternative_key(values)),
            extensions_asked=extensions_asked(values),
            der=der,
            info=info,
            algorithm=None if algorithm == NO_SIGNATURE else parse_algorithm_identifier(algorithm),
            signature=asn1.bits(der, parts[2]),
            alternative=_proof(fields, values),
            related=RelatedRequest.read(asked) if asked is not None else None,
            statement=Statement.read(stated) if stated is not None else None,
            foreign_attributes=tuple(dotted for dotted in values if dotted not in KNOWN),
        )


def _key(spki: bytes, where: str) -> PublicKey:
    try:
        return PublicKey.load(spki)
    except MalformedInput as bad:
        raise MalformedInput(
            f"{bad.problem} (Its kind: {kind_of(spki)}.)",
            next_step="Make a P-256 key (and ML-DSA-65 beside it).",
            field=where,
        ) from bad


def _alternative_key(values: Mapping[str, bytes]) -> PublicKey | None:
    spki = values.get(oids.SUBJECT_ALT_PUBLIC_KEY_INFO)
    return None if spki is None else _key(spki, "subjectAltPublicKeyInfo")


def _proof(fields: list[bytes], values: Mapping[str, bytes]) -> AlternativeProof:
    algorithm = values.get(oids.ALT_SIGNATURE_ALGORITHM)
    value = values.get(oids.ALT_SIGNATURE_VALUE)
    if algorithm is None and value is None:
        return AlternativeProof()
    kept = [attribute(dotted, raw) for dotted, raw in values.items() if dotted != oids.ALT_SIGNATURE_VALUE]
    return AlternativeProof(
        parse_algorithm_identifier(algorithm) if algorithm is not None else None,
        asn1.bits(value, asn1.whole(value, asn1.BIT_STRING, "altSignatureValue"))
        if value is not None
        else None,
        request_info(fields[1], fields[2], kept),
    )


def verify_possession(request: Request) -> tuple[Finding, ...]:
    """One finding for each key whose proof is missing or wrong; its subject names the field."""
    main = _kem_proof(request) if request.public.classical.algorithm.is_kem else _main_proof(request)
    return (*main, *_alternative_proof(request), *_related_proof(request))


def _main_proof(request: Request) -> Iterator[Finding]:
    algorithm = request.algorithm
    if algorithm is None:
        problem = "The request is not signed, though its key can sign."
        yield error("request.signature_missing", problem, "signature")
    elif not request.public.classical.verify(algorithm, request.signature, request.info):
        problem = "The request's signature does not verify with the key in it."
        yield error("request.classical_possession_unproven", problem, "signature")
    if request.statement is not None:
        # RFC 9883 section 6: it must not be used to obtain a signature certificate.
        problem = "A statement of possession is only for a key that cannot sign."
        yield error("request.statement_for_signing_key", problem, "statementOfPossession")


def _kem_proof(request: Request) -> Iterator[Finding]:
    shown, algorithm = request.shown, request.algorithm
    if algorithm is None and request.signature != no_signature_value(request.info):
        problem = "The digest in the place of a signature is not the request's."
        yield error("request.digest_another", problem, "signature")
    if request.statement is not None:
        if shown.certificate is None:
            problem = "The statement's signature certificate is not at hand, or was not accepted."
            yield error("request.statement_signer_not_shown", problem, "signer")
        elif algorithm is None or not (
            request.statement.signer.names(shown.certificate)
            and shown.certificate.public_key.verify(algorithm, request.signature, request.info)
        ):
            problem = "The request is not signed by the key that its statement names."
            yield error("request.statement_unproven", problem, "signature")
    elif algorithm is not None:
        problem = "The request is signed, but no statement says by whom."
        yield error("request.statement_missing", problem, "statementOfPossession")
    elif not shown.challenge_answered:
        problem = (
            "Nothing shows that the requester holds the ML-KEM key: no statement, no answered challenge."
        )
        yield error("request.kem_possession_unproven", problem, "subjectPublicKeyInfo")


def _alternative_proof(request: Request) -> Iterator[Finding]:
    proof, key = request.alternative, request.public.alternative
    if key is None:
        if proof.algorithm is not None or proof.signature is not None:
            problem = "There is an alternative signature but no alternative key."
            yield error("request.alternative_proof_without_key", problem, "subjectAltPublicKeyInfo")
    elif proof.algorithm is None or proof.signature is None:
        problem = "The alternative key comes without its algorithm and signature (2.5.29.73, .74)."
        yield error("request.alternative_proof_missing", problem, "altSignatureValue")
    elif not key.verify(proof.algorithm, proof.signature, proof.signed):
        problem = "The alternative signature does not verify with the alternative key."
        yield error("request.alternative_possession_unproven", problem, "altSignatureValue")


def _related_proof(request: Request) -> Iterator[Finding]:
    if request.related is None:
        return
    if request.shown.certificate is None:
        problem = "The related certificate is not at hand, or was not accepted."
        yield error("request.related_certificate_not_shown", problem, "certID")
    elif not request.related.proves(request.shown.certificate):
        problem = "The signature in relatedCertRequest is not by the related certificate's key."
        yield error("request.related_possession_unproven", problem, "relatedCertRequest")
