"""What one certificate must be like wherever it stands (RFC 5280 4.1, 4.2): findings that rest on its bytes.

The same octets always give the same findings, so a CA's are kept. Where the profile's words are for CAs that
issue and 6.1 does not ask for them of a path (criticality of basicConstraints), an intermediate is warned of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from pki import asn1, extensions, name_constraints, oids
from pki.constraint_extensions import (
    read_certificate_policies,
    read_inhibit_any_policy,
    read_policy_constraints,
)
from pki.errors import MalformedInput
from pki.extensions import KeyUsage
from pki.findings import Finding, Severity, error
from pki.general_names import read_names
from pki.name_comparison import is_empty, rdns
from pki.policy_tree import read_policy_mappings
from pki.tbs import Certificate

_MAX_SERIAL_BITS: Final = 159
"""20 octets with the sign's bit (4.1.2.2)."""
_NEVER_CRITICAL: Final = {
    oids.AUTHORITY_KEY_IDENTIFIER: "4.2.1.1",
    oids.SUBJECT_KEY_IDENTIFIER: "4.2.1.2",
    oids.AUTHORITY_INFORMATION_ACCESS: "4.2.2.1",
    oids.FRESHEST_CRL: "4.2.1.15",
}
_ALWAYS_CRITICAL: Final = {
    oids.NAME_CONSTRAINTS: ("4.2.1.10", Severity.ERROR),
    # Judged all the same, and RFC 3280 let it be: older CAs are warned of.
    oids.POLICY_CONSTRAINTS: ("4.2.1.11", Severity.WARNING),
    oids.INHIBIT_ANY_POLICY: ("4.2.1.14", Severity.WARNING),
}
_ONLY_IN_CAS: Final = frozenset({*_ALWAYS_CRITICAL, oids.POLICY_MAPPINGS})


_read_constraints = lru_cache(maxsize=64)(extensions.read_basic_constraints)
_MANY: Final = 512


@lru_cache(maxsize=128)
def _places(value: bytes) -> None:
    extensions.uris(value)


def _distribution_points(value: bytes) -> None:
    # All certificates of an issuer share them, so that one reading does; what is long is not kept.
    _places(value) if len(value) <= _MANY else extensions.uris(value)


def _authority_information(value: bytes) -> None:
    for description in asn1.children(value, asn1.whole(value, what="authorityInfoAccess")):
        parts = asn1.children(value, description)
        if len(parts) != 2 or parts[0].tag != asn1.OID:
            raise MalformedInput("A description is not a method and a place.", field="authorityInfoAccess")


def _purposes(value: bytes) -> None:
    if not extensions.read_extended_key_usage(value):
        raise MalformedInput("extKeyUsage holds no purpose.", field="extKeyUsage")


_READERS: Final[dict[str, Callable[[bytes], object]]] = {
    oids.AUTHORITY_KEY_IDENTIFIER: extensions.read_authority_key_identifier,
    oids.SUBJECT_KEY_IDENTIFIER: extensions.read_subject_key_identifier,
    oids.AUTHORITY_INFORMATION_ACCESS: _authority_information,
    oids.BASIC_CONSTRAINTS: _read_constraints,
    oids.KEY_USAGE: extensions.read_key_usage,
    oids.EXTENDED_KEY_USAGE: _purposes,
    oids.SUBJECT_ALT_NAME: read_names,
    oids.NAME_CONSTRAINTS: name_constraints.read,
    oids.CERTIFICATE_POLICIES: read_certificate_policies,
    oids.POLICY_MAPPINGS: read_policy_mappings,
    oids.POLICY_CONSTRAINTS: read_policy_constraints,
    oids.INHIBIT_ANY_POLICY: read_inhibit_any_policy,
    oids.CRL_DISTRIBUTION_POINTS: _distribution_points,
}
"""What is judged anywhere must read everywhere."""
_UNDERSTOOD: Final = frozenset({*_READERS, *oids.CATALYST})
"""Extensions that may be critical: something here judges them."""


def findings(certificate: Certificate) -> Iterator[Finding]:
    """Every rule below, for one certificate; whose name the findings bear, the caller says."""
    yield from _field_findings(certificate)
    yield from _extension_findings(certificate)
    yield from _authority_findings(certificate)


def kept_findings(certificate: Certificate) -> tuple[Finding, ...]:
    """`findings`, remembered by the certificate's octets: for anchors, which are asked about again."""
    return _kept(certificate.der)


@lru_cache(maxsize=256)
def _kept(der: bytes) -> tuple[Finding, ...]:
    return tuple(findings(Certificate.parse(der)))


def is_ca(certificate: Certificate) -> bool:
    """cA of basicConstraints; False where they do not read."""
    try:
        value = certificate.extension(oids.BASIC_CONSTRAINTS)
        return value is not None and _read_constraints(value)[0]
    except MalformedInput:
        return False


def _field_findings(certificate: Certificate) -> Iterator[Finding]:
    if not 0 < certificate.serial < 1 << _MAX_SERIAL_BITS:
        problem = "The serial number is not a positive number of at most 20 octets (4.1.2.2)."
        yield error("path.serial_not_conforming", problem)
    for name in (certificate.issuer, certificate.subject):
        rdns(name)
    if is_empty(certificate.issuer):
        yield error("path.issuer_name_empty", "The issuer's name is empty (4.1.2.4).")
    if is_empty(certificate.subject):
        named = [e for e in certificate.extensions if e.oid == oids.SUBJECT_ALT_NAME]
        if is_ca(certificate) or not named or not named[0].critical:
            problem = "The subject is empty without a critical subjectAltName in its place (4.1.2.6)."
            yield error("path.subject_name_empty", problem)
    if certificate.not_after < certificate.not_before:
        yield error("path.validity_reversed", "The validity ends before it begins.")


def _extension_findings(certificate: Certificate) -> Iterator[Finding]:
    """4.2: each once, readable; critical only where something here judges it, and as its own section says."""
    seen: set[str] = set()
    for extension in certificate.extensions:
        dotted, critical = extension.oid, extension.critical
        if dotted in seen and dotted not in oids.CATALYST:  # those are read_alternative's
            yield error("path.extension_repeated", f"Extension {dotted} is there twice.")
        seen.add(dotted)
        if critical and dotted not in _UNDERSTOOD:
            problem = f"Extension {dotted} is critical and not understood here."
            yield error("path.critical_extension_unknown", problem)
        if critical and dotted in _NEVER_CRITICAL:
            problem = f"Extension {dotted} is ({_NEVER_CRITICAL[dotted]})."
            yield error("path.extension_must_not_be_critical", problem)
        if not critical and dotted in _ALWAYS_CRITICAL:
            clause, severity = _ALWAYS_CRITICAL[dotted]
            yield Finding(
                "path.extension_must_be_critical", severity, f"Extension {dotted} is not ({clause})."
            )
        reader = _READERS.get(dotted)
        if reader is not None:
            try:
                reader(extension.value)
            except MalformedInput as bad:
                yield error("path.extension_malformed", f"An extension does not read: {bad}")


def _authority_findings(certificate: Certificate) -> Iterator[Finding]:
    """What only a CA may carry, and what every CA must."""
    present = {e.oid: e for e in certificate.extensions}
    if is_ca(certificate):
        if not present[oids.BASIC_CONSTRAINTS].critical:
            problem = "basicConstraints of a CA is not critical (4.2.1.9)."
            yield Finding("path.basic_constraints_not_critical", Severity.WARNING, problem)
        return
    for dotted in sorted(_ONLY_IN_CAS & present.keys()):
        yield error("path.extension_only_for_cas", f"Extension {dotted} is for CAs only.")
    usage = present.get(oids.KEY_USAGE)
    if usage is not None and KeyUsage.KEY_CERT_SIGN in extensions.read_key_usage(usage.value):
        problem = "keyUsage lets it sign certificates and basicConstraints does not make it a CA (4.2.1.9)."
        yield error("path.usage_contradicts_constraints", problem)
