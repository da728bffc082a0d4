"""Lint rules of RFC 5280 section 4, each under its clause. A rule yields nothing where all is well."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from pki import asn1, names, oids
from pki.errors import PkiError
from pki.extensions import (
    KeyUsage,
    read_authority_key_identifier,
    read_basic_constraints,
    read_extended_key_usage,
    read_key_usage,
    read_subject_key_identifier,
)
from pki.findings import Finding, error
from pki.lint_context import Rule, Twin

_SECOND: Final = timedelta(seconds=1)
_CRITICAL: Final = frozenset({oids.BASIC_CONSTRAINTS, oids.KEY_USAGE, oids.NAME_CONSTRAINTS})


def serial_number(twin: Twin) -> Iterator[Finding]:
    """4.1.2.2: positive, at most 20 octets; and 64 bits at least, so that nobody foresees it."""
    serial = twin.certificate.serial
    if serial <= 0:
        yield error("certificate.serial_not_positive", "The serial is not positive.", str(serial))
    elif serial.bit_length() > 159:
        yield error("certificate.serial_too_long", "The serial has more than 20 octets.", f"{serial:x}")
    elif serial.bit_length() < 64:
        yield error("certificate.serial_too_short", "The serial has less than 64 bits.", f"{serial:x}")


def signature_algorithm(twin: Twin) -> Iterator[Finding]:
    """4.1.2.3: the issuer's key signs with one algorithm."""
    if twin.certificate.signed.algorithm is not twin.context.algorithm:
        message = f"The certificate is to be signed with {twin.context.algorithm}."
        yield error("certificate.algorithm_not_the_issuers", message, str(twin.certificate.signed.algorithm))


def issuer(twin: Twin) -> Iterator[Finding]:
    """4.1.2.4: the issuer's name, byte for byte as its own certificate has it."""
    if twin.certificate.issuer != twin.context.issuer.name:
        message = "The issuer's name is not the one in its certificate."
        yield error("certificate.issuer_not_the_signer", message, names.show(twin.certificate.issuer))


def validity(twin: Twin) -> Iterator[Finding]:
    """4.1.2.5: from now on, inside the issuer's own validity, no longer than the profile allows."""
    begin, end, context = twin.certificate.not_before, twin.certificate.not_after, twin.context
    if begin > end:
        yield error("certificate.validity_reversed", "notAfter lies before notBefore.", str(end))
    if begin > context.now:
        yield error("certificate.not_before_in_future", "notBefore lies in the future.", str(begin))
    if begin < context.now - twin.profile.backdate - _SECOND:
        yield error("certificate.backdated_too_far", "notBefore lies too far back.", str(begin))
    if begin < context.issuer_not_before:
        yield error("certificate.older_than_issuer", "notBefore lies before the issuer's.", str(begin))
    if end > context.issuer_not_after:
        yield error("certificate.outlives_issuer", "notAfter lies behind the issuer's.", str(end))
    if end - begin + _SECOND > twin.profile.lifetime:
        message = f"Profile {twin.profile.name} allows {twin.profile.lifetime}, the last second counted."
        yield error("certificate.lifetime_too_long", message, str(end))


def validity_encoding(twin: Twin) -> Iterator[Finding]:
    """4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050."""
    field = twin.certificate.signed.fields[4]
    times = asn1.children(field, asn1.whole(field))
    moments = (twin.certificate.not_before, twin.certificate.not_after)
    for element, moment in zip(times, moments, strict=True):
        if (element.tag == asn1.UTC_TIME) != (1950 <= moment.year < 2050):
            message = "UTCTime serves the years 1950 to 2049, GeneralizedTime the others."
            yield error("certificate.validity_encoding", message, str(moment))


def subject(twin: Twin) -> Iterator[Finding]:
    """4.1.2.6: not empty, each attribute once, printable text within its bounds."""
    attributes = twin.subject
    if not attributes:
        yield error("certificate.subject_empty", "The subject is empty.")
    if len({a.oid for a in attributes}) != len(attributes):
        shown = names.show(twin.certificate.subject)
        yield error("certificate.subject_attribute_repeated", "An attribute is there twice.", shown)
    for attribute in attributes:
        try:
            names.check_text(attribute.value, attribute.label, 64)
        except PkiError as bad:
            yield error("certificate.subject_text_malformed", bad.problem, attribute.label)


def unique_identifiers(twin: Twin) -> Iterator[Finding]:
    """4.1.2.8: conforming CAs write none."""
    if len(twin.certificate.signed.fields) != 8:
        yield error("certificate.unique_identifier_present", "There is a unique identifier.", "4.1.2.8")


def extensions(twin: Twin) -> Iterator[Finding]:
    """4.2: none twice; critical are constraints and keyUsage, which everybody must understand."""
    listed = twin.certificate.extensions
    if len(twin.values) != len(listed):
        seen = [e.oid for e in listed]
        repeated = ", ".join(sorted({dotted for dotted in seen if seen.count(dotted) > 1}))
        yield error("certificate.extension_repeated", "An extension is there more than once.", repeated)
    for extension in listed:
        if extension.critical != (extension.oid in _CRITICAL):
            rule = "certificate.extension_criticality"
            yield error(rule, "The extension's criticality is not ours.", extension.oid)


def authority_key_identifier(twin: Twin) -> Iterator[Finding]:
    """4.2.1.1: the issuer's subjectKeyIdentifier; a trust anchor needs none."""
    value = twin.value(oids.AUTHORITY_KEY_IDENTIFIER)
    if value is None:
        if not twin.profile.self_issued:
            yield error("certificate.authority_key_identifier_missing", "There is no AKI.", "AKI")
    elif read_authority_key_identifier(value) != twin.context.issuer.key_identifier:
        message = "The AKI is not the issuer's key identifier."
        yield error("certificate.authority_key_identifier_foreign", message, value.hex())


def subject_key_identifier(twin: Twin) -> Iterator[Finding]:
    """4.2.1.2: the identifier of the key that is in the certificate."""
    value = twin.value(oids.SUBJECT_KEY_IDENTIFIER)
    if value is None:
        yield error("certificate.subject_key_identifier_missing", "There is no SKI.", "SKI")
    elif read_subject_key_identifier(value) != twin.certificate.public_key.key_identifier:
        message = "The SKI is not the key's identifier."
        yield error("certificate.subject_key_identifier_foreign", message, value.hex())


def key_usage(twin: Twin) -> Iterator[Finding]:
    """4.2.1.3: exactly the profile's bits."""
    value = twin.value(oids.KEY_USAGE)
    if value is None or read_key_usage(value) != frozenset(twin.profile.key_usages):
        message = f"keyUsage is not exactly what profile {twin.profile.name} names."
        yield error("certificate.key_usage_not_as_profile", message, value.hex() if value else "absent")


def basic_constraints(twin: Twin) -> Iterator[Finding]:
    """4.2.1.9: the profile's cA and path length."""
    value = twin.value(oids.BASIC_CONSTRAINTS)
    if value is None or read_basic_constraints(value) != (twin.profile.ca, twin.profile.path_length):
        message = f"basicConstraints is not exactly what profile {twin.profile.name} says."
        yield error(
            "certificate.basic_constraints_not_as_profile", message, value.hex() if value else "absent"
        )


def authority_agrees(twin: Twin) -> Iterator[Finding]:
    """4.2.1.3, 4.2.1.9: who may sign certificates is a CA, and a CA may."""
    constraints, usage = twin.value(oids.BASIC_CONSTRAINTS), twin.value(oids.KEY_USAGE)
    ca = constraints is not None and read_basic_constraints(constraints)[0]
    signs = usage is not None and KeyUsage.KEY_CERT_SIGN in read_key_usage(usage)
    if ca != signs:
        message = "cA and keyCertSign do not agree."
        yield error("certificate.authority_without_usage", message, oids.BASIC_CONSTRAINTS)


def extended_key_usage(twin: Twin) -> Iterator[Finding]:
    """4.2.1.12: exactly the profile's purposes."""
    value = twin.value(oids.EXTENDED_KEY_USAGE)
    found = read_extended_key_usage(value) if value is not None else ()
    if found != twin.profile.purposes:
        message = f"extKeyUsage is not exactly what profile {twin.profile.name} names."
        yield error("certificate.purposes_not_as_profile", message, ", ".join(found))


RULES: Final[tuple[Rule, ...]] = (
    *(serial_number, signature_algorithm, issuer, validity, validity_encoding, subject),
    *(unique_identifiers, extensions, authority_key_identifier, subject_key_identifier, key_usage),
    *(basic_constraints, authority_agrees, extended_key_usage),
)
