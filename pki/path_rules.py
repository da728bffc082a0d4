"""The rules of one level of a path (RFC 5280 section 6.1): findings, never exceptions.

Each rule looks at one certificate and what stands above it. Not handled here: what a certificate is like in
itself (path_structure), its signatures (path_signature), which one stands above which (path_search), its
names and policies (name_constraints, policy_tree), and whether it was revoked (path_revocation).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from pki import extensions, names, oids
from pki.errors import MalformedInput, PkiError
from pki.extensions import KeyUsage
from pki.findings import Finding, Severity, error
from pki.keys import HybridPublicKey
from pki.name_comparison import same
from pki.path_structure import is_ca
from pki.tbs import Certificate
from pki.trust_anchor import key_fingerprint


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
    """Both subject keys; a finding where one does not load, is too weak, or has no provider here."""
    try:
        return HybridPublicKey(certificate.public_key, certificate.alternative_public_key), []
    except PkiError as bad:
        return None, [error("path.public_key_unusable", str(bad), name_of(certificate))]


def validity_findings(certificate: Certificate, now: datetime) -> Iterator[Finding]:
    """4.1.2.5: notAfter's last second counts."""
    if now < certificate.not_before:
        problem = f"The certificate is not valid before {certificate.not_before:%Y-%m-%d %H:%M:%S}Z."
        yield error("path.certificate_not_yet_valid", problem, name_of(certificate))
    if now > certificate.not_after and now >= certificate.not_after + timedelta(seconds=1):
        problem = f"The certificate expired; its last second was {certificate.not_after:%Y-%m-%d %H:%M:%S}Z."
        yield error("path.certificate_expired", problem, name_of(certificate))


def link_findings(certificate: Certificate, issuer: Certificate) -> Iterator[Finding]:
    """4.2.1.1, 4.2.1.2: key identifiers are there and agree (6.1.3 (a)(4), the names: path_search)."""
    if is_ca(certificate) and subject_key(certificate) is None:
        problem = "A CA without subjectKeyIdentifier (4.2.1.2)."
        yield error("path.subject_key_identifier_missing", problem, name_of(certificate))
    wanted, offered = authority_key(certificate), subject_key(issuer)
    if wanted is None and not is_self_signed(certificate):
        problem = "authorityKeyIdentifier is missing, or names no key (4.2.1.1)."
        yield error("path.authority_key_identifier_missing", problem, name_of(certificate))
    if wanted is not None and offered is not None and wanted != offered:
        problem = f"authorityKeyIdentifier names another key than {name_of(issuer)} has."
        yield error("path.authority_key_identifier_differs", problem, name_of(certificate))


def anchor_findings(anchor: Certificate) -> Iterator[Finding]:
    """4.2.1.2 and 4.2.1.9 for a pinned certificate that issues: what is pinned must be conforming."""
    who = name_of(anchor)
    if subject_key(anchor) is None:
        yield error(
            "path.subject_key_identifier_missing", "A CA without subjectKeyIdentifier (4.2.1.2).", who
        )
    if any(e.oid == oids.BASIC_CONSTRAINTS and not e.critical for e in anchor.extensions):
        problem = "basicConstraints of a pinned CA is not critical (4.2.1.9)."
        yield error("path.anchor_constraints_not_critical", problem, who)


def withdrawn_findings(certificate: Certificate, withdrawn: tuple[str, ...]) -> Iterator[Finding]:
    """The bundle's own word: a withdrawn key vouches for nothing, whoever certifies it."""
    alternative = certificate.extension(oids.SUBJECT_ALT_PUBLIC_KEY_INFO)
    if withdrawn and any(key_fingerprint(k) in withdrawn for k in (certificate.spki, alternative) if k):
        yield error("path.key_withdrawn", "The trust bundle withdrew the key.", name_of(certificate))


def kept_ca_findings(issuer: Certificate, intermediates_below: int) -> tuple[Finding, ...]:
    """`ca_findings`, remembered by the issuer's octets."""
    return _kept_ca(issuer.der, intermediates_below)


@lru_cache(maxsize=256)
def _kept_ca(issuer: bytes, intermediates_below: int) -> tuple[Finding, ...]:
    return tuple(ca_findings(Certificate.parse(issuer), intermediates_below))


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
    usages = key_usages(issuer)
    if usages is None:
        # 6.1.4 (n) asks only where it is there; 4.2.1.3 wants it in every CA.
        yield Finding("path.key_usage_missing", Severity.WARNING, "The CA says no keyUsage (4.2.1.3).", who)
    elif KeyUsage.KEY_CERT_SIGN not in usages:
        yield error("path.issuer_may_not_sign_certificates", "keyUsage lacks keyCertSign.", who)


def purpose_findings(certificate: Certificate, purpose: str | None) -> Iterator[Finding]:
    """4.2.1.12, and for CAs as everybody reads it: extKeyUsage, where it is there, must allow the purpose."""
    allowed = _purposes(certificate)
    if purpose is not None and allowed is not None and purpose not in allowed:
        problem = f"extKeyUsage does not allow {purpose}."
        yield error("path.purpose_not_allowed", problem, name_of(certificate))


def nesting_findings(chain: Sequence[Certificate]) -> Iterator[Finding]:
    """The end entity's purposes, cut down by each CA below the anchor that names its own: none may be left.

    A delegated OCSP responder is excepted: RFC 6960 4.2.2.2 lets any CA name one.
    """
    left = _purposes(chain[0])
    if left is None or oids.EKU_OCSP_SIGNING in left:
        return
    for issuer in chain[1:-1]:
        allowed = _purposes(issuer)
        left = left if allowed is None else frozenset(left & allowed)
    if not left:
        problem = "No purpose of the certificate is one that the CAs above may give."
        yield error("path.purposes_not_nested", problem, name_of(chain[0]))


def _purposes(certificate: Certificate) -> frozenset[str] | None:
    """None: no extension, or any purpose."""
    value = certificate.extension(oids.EXTENDED_KEY_USAGE)
    return _read_purposes(value) if value is not None else None


@lru_cache(maxsize=128)
def _read_purposes(value: bytes) -> frozenset[str] | None:
    found = frozenset(extensions.read_extended_key_usage(value))
    return None if oids.ANY_EXTENDED_KEY_USAGE in found else found


def is_self_issued(certificate: Certificate) -> bool:
    """6.1: subject and issuer are one name."""
    return same(certificate.subject, certificate.issuer)


def is_self_signed(certificate: Certificate) -> bool:
    """Self-issued, and by its identifiers under its own key: the only one that needs no authority's."""
    if not is_self_issued(certificate):
        return False
    wanted = authority_key(certificate)
    return wanted is None or wanted == subject_key(certificate)


def key_usages(certificate: Certificate) -> frozenset[KeyUsage] | None:
    """The usages; None where the extension is missing."""
    value = certificate.extension(oids.KEY_USAGE)
    return extensions.read_key_usage(value) if value is not None else None


def subject_key(certificate: Certificate) -> bytes | None:
    """subjectKeyIdentifier, where it is there."""
    value = certificate.extension(oids.SUBJECT_KEY_IDENTIFIER)
    return extensions.read_subject_key_identifier(value) if value is not None else None


def authority_key(certificate: Certificate) -> bytes | None:
    """authorityKeyIdentifier's keyIdentifier, where it is there."""
    value = certificate.extension(oids.AUTHORITY_KEY_IDENTIFIER)
    return _read_authority_key(value) if value is not None else None


_read_authority_key = lru_cache(maxsize=128)(extensions.read_authority_key_identifier)
