"""The rules of one level of a path (RFC 5280 section 6.1, ITU-T X.509 9.8): findings, never exceptions.

Each rule looks at one certificate, with the issuer's keys as the level above established them. Not handled
here: which certificate stands above which (path), and whether it was revoked (path_revocation).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from pki import extensions, names, oids
from pki.algorithms import PublicKey
from pki.errors import MalformedInput
from pki.extensions import KeyUsage
from pki.findings import Finding, Severity, error
from pki.hybrid_signature import value_findings
from pki.keys import HybridPublicKey
from pki.tbs import Certificate, read_alternative

_ANY_PURPOSE: Final = "2.5.29.37.0"
_UNDERSTOOD: Final = frozenset(
    {
        oids.BASIC_CONSTRAINTS,
        oids.KEY_USAGE,
        oids.EXTENDED_KEY_USAGE,
        oids.SUBJECT_ALT_NAME,
        oids.CERTIFICATE_POLICIES,
        oids.NAME_CONSTRAINTS,
        *oids.CATALYST,
    }
)
"""Extensions that may be critical: something here judges them (policies: any is accepted)."""


@dataclass(frozen=True, slots=True)
class Demand:
    """What the anchor and the caller ask of every level."""

    classical: bool
    """Whether the classical signature counts (not on the day after)."""
    alternative: bool
    """Whether the alternative signature is a must."""
    post_quantum_anchor: bool
    """Whether the anchor pins an alternative key at all."""


def name_of(certificate: Certificate) -> str:
    """What findings call a certificate: its subject, escaped, or its serial where the subject is odd."""
    return _shown(certificate.subject) or f"serial {certificate.serial:x}"


@lru_cache(maxsize=256)
def _shown(name: bytes) -> str:
    try:
        return names.show(name)
    except MalformedInput:
        return ""


def keys_of(certificate: Certificate) -> tuple[HybridPublicKey | None, list[Finding]]:
    """Both subject keys; a finding where one does not load."""
    try:
        return HybridPublicKey(certificate.public_key, certificate.alternative_public_key), []
    except MalformedInput as bad:
        return None, [error("path.public_key_unusable", str(bad), name_of(certificate))]


def signature_findings(certificate: Certificate, issuer: HybridPublicKey, demand: Demand) -> list[Finding]:
    """Both signatures by the issuer's keys; hybrid.* refuse, or warn where the alternative may be missing."""
    findings = []
    who, signed = name_of(certificate), certificate.signed
    if demand.classical and not issuer.classical.verify(signed.algorithm, signed.signature, signed.tbs):
        problem = "The classical signature is not by the issuer's key."
        findings.append(error("path.signature_invalid", problem, who))
    return findings + _alternative_findings(certificate, issuer.alternative, demand)


def _alternative_findings(
    certificate: Certificate, issuer: PublicKey | None, demand: Demand
) -> list[Finding]:
    who = name_of(certificate)
    found, structure = read_alternative(certificate.extensions)
    if structure:
        return list(structure)
    if not demand.post_quantum_anchor:
        return []
    severity = Severity.ERROR if demand.alternative else Severity.WARNING
    if issuer is None:
        problem = "The issuer has no alternative key, so nobody vouches with one for this certificate."
        return [Finding("hybrid.issuer_has_no_alternative_key", severity, problem, who)]
    if found is None:
        problem = "The alternative signature is missing under an anchor that pins an alternative key."
        return [Finding("hybrid.alternative_signature_missing", severity, problem, who)]
    if not issuer.algorithm.is_post_quantum:
        problem = f"The issuer's alternative key is {issuer.algorithm}, which is not post-quantum."
        return [error("hybrid.alternative_key_not_post_quantum", problem, who)]
    return value_findings(found, lambda: certificate.pre_tbs, issuer, who=who)


def validity_findings(certificate: Certificate, now: datetime) -> Iterator[Finding]:
    """4.1.2.5: notAfter's last second counts."""
    who = name_of(certificate)
    if now < certificate.not_before:
        problem = f"The certificate is not valid before {certificate.not_before:%Y-%m-%d %H:%M:%S}Z."
        yield error("path.certificate_not_yet_valid", problem, who)
    if now >= certificate.not_after + timedelta(seconds=1):
        problem = f"The certificate expired; its last second was {certificate.not_after:%Y-%m-%d %H:%M:%S}Z."
        yield error("path.certificate_expired", problem, who)


def extension_findings(certificate: Certificate) -> Iterator[Finding]:
    """4.2: each extension once; a critical one only where something here judges it."""
    who, seen = name_of(certificate), set()
    for extension in certificate.extensions:
        if extension.oid in seen and extension.oid not in oids.CATALYST:  # those are read_alternative's
            yield error("path.extension_repeated", f"Extension {extension.oid} is there twice.", who)
        seen.add(extension.oid)
        if extension.critical and extension.oid not in _UNDERSTOOD:
            problem = f"Extension {extension.oid} is critical and not understood here."
            yield error("path.critical_extension_unknown", problem, who)
    if oids.NAME_CONSTRAINTS in seen:
        problem = "nameConstraints are not understood here, so what they forbid cannot be judged."
        yield error("path.name_constraints_not_understood", problem, who)


def link_findings(certificate: Certificate, issuer: Certificate) -> Iterator[Finding]:
    """4.2.1.1: the key identifiers agree where both are there (6.1.3 (a)(4), the names: path_search)."""
    wanted, offered = authority_key(certificate), subject_key(issuer)
    if wanted is not None and offered is not None and wanted != offered:
        problem = f"authorityKeyIdentifier names another key than {name_of(issuer)} has."
        yield error("path.authority_key_identifier_differs", problem, name_of(certificate))


def ca_findings(issuer: Certificate, intermediates_below: int) -> Iterator[Finding]:
    """6.1.4 (k) to (n): may this certificate issue, with so many intermediates between it and the end?"""
    who = name_of(issuer)
    constraints = issuer.extension(oids.BASIC_CONSTRAINTS)
    ca, most = extensions.read_basic_constraints(constraints) if constraints is not None else (False, None)
    if not ca:
        yield error("path.issuer_is_not_a_ca", "The issuer is not a CA by its basicConstraints.", who)
    if most is not None and intermediates_below > most:
        problem = f"{intermediates_below} CAs stand below; its path length allows {most}."
        yield error("path.path_length_exceeded", problem, who)
    if KeyUsage.KEY_CERT_SIGN not in key_usages(issuer):
        yield error("path.issuer_may_not_sign_certificates", "keyUsage lacks keyCertSign.", who)


def purpose_findings(certificate: Certificate, purpose: str | None) -> Iterator[Finding]:
    """4.2.1.12, and for CAs as everybody reads it: extKeyUsage, where it is there, must allow the purpose."""
    value = certificate.extension(oids.EXTENDED_KEY_USAGE)
    if value is None or purpose is None:
        return
    purposes = extensions.read_extended_key_usage(value)
    if purpose not in purposes and _ANY_PURPOSE not in purposes:
        problem = f"extKeyUsage does not allow {purpose}."
        yield error("path.purpose_not_allowed", problem, name_of(certificate))


def key_usages(certificate: Certificate) -> frozenset[KeyUsage]:
    """The usages; none where the extension is missing (conforming CAs have it: 4.2.1.3)."""
    value = certificate.extension(oids.KEY_USAGE)
    return extensions.read_key_usage(value) if value is not None else frozenset()


def subject_key(certificate: Certificate) -> bytes | None:
    """subjectKeyIdentifier, where it is there."""
    value = certificate.extension(oids.SUBJECT_KEY_IDENTIFIER)
    return extensions.read_subject_key_identifier(value) if value is not None else None


def authority_key(certificate: Certificate) -> bytes | None:
    """authorityKeyIdentifier's keyIdentifier, where it is there."""
    value = certificate.extension(oids.AUTHORITY_KEY_IDENTIFIER)
    return extensions.read_authority_key_identifier(value) if value is not None else None
