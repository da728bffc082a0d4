"""Lint rules beyond RFC 5280: the profile's closed list, the registry's facts, the catalyst form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from pki import asn1, names, oids
from pki.algorithms import SIGNATURE_BYTES
from pki.constraint_extensions import certificate_policies, read_mud_url, read_name_constraints
from pki.crl_shard import shard_url
from pki.extensions import uris
from pki.findings import Finding, error
from pki.identity_extensions import (
    AlternativeNames,
    canonical_address,
    hardware_type,
    read_alternative_names,
)
from pki.lint_context import Rule, Twin
from pki.name_policy import check_names
from pki.profile_limits import check_profile
from pki.profiles import AltNames, NamePolicy, Profile, SubjectFacts
from pki.tbs import read_alternative

_NO_NAMES: Final = AlternativeNames()
_OPEN: Final = NamePolicy()


@lru_cache(maxsize=64)
def _closed_list(profile: Profile) -> frozenset[str]:
    return profile.extensions


_uris: Final = lru_cache(maxsize=64)(uris)
"""The places for status are the same bytes in every certificate of an issuer."""


@lru_cache(maxsize=64)
def _of_kind(profile: Profile) -> tuple[Finding, ...]:
    return check_profile(profile)


def kind(twin: Twin) -> Iterator[Finding]:
    """The profile itself keeps to the closed list of its kind, also one that was altered on the way here."""
    yield from _of_kind(twin.profile)


def closed_list(twin: Twin) -> Iterator[Finding]:
    """No extension that the profile does not name, critical or not."""
    for dotted in twin.values.keys() - _closed_list(twin.profile):
        message = f"Profile {twin.profile.name} does not name the extension {dotted}."
        yield error("profile.extension_not_named", message, dotted)


def keys(twin: Twin) -> Iterator[Finding]:
    """The keys whose possession was proven, of kinds that the profile allows."""
    public, profile = twin.context.public, twin.profile
    if twin.certificate.spki != public.classical.spki:
        yield error("profile.key_not_the_proven", "The key is not the one that was proven.", "key")
    if public.classical.algorithm not in profile.main:
        message = f"Profile {profile.name} does not allow keys of kind {public.classical.algorithm}."
        yield error("profile.key_not_allowed", message, str(public.classical.algorithm))
    alternative = public.alternative
    if twin.value(oids.SUBJECT_ALT_PUBLIC_KEY_INFO) != (alternative.spki if alternative else None):
        message = "subjectAltPublicKeyInfo is not the alternative key that was proven."
        yield error("profile.alternative_key_not_the_proven", message, oids.SUBJECT_ALT_PUBLIC_KEY_INFO)
    if alternative is None and profile.alternative_required:
        message = f"Profile {profile.name} needs an alternative key of kind {profile.alternative}."
        yield error("profile.alternative_key_missing", message, oids.SUBJECT_ALT_PUBLIC_KEY_INFO)
    if alternative is not None and alternative.algorithm is not profile.alternative:
        message = f"Profile {profile.name} does not allow alternative keys of kind {alternative.algorithm}."
        yield error("profile.alternative_key_not_allowed", message, str(alternative.algorithm))


def subject_facts(twin: Twin) -> Iterator[Finding]:
    """The subject says what the registry knows, and its CN has the profile's form."""
    facts = twin.context.facts
    expected = {
        oids.COMMON_NAME: facts.common_name,
        oids.ORGANIZATION: facts.organization,
        oids.SERIAL_NUMBER_ATTRIBUTE: facts.serial_number,
    }
    found = {attribute.oid: attribute.value for attribute in twin.subject}
    if found != {dotted: text for dotted, text in expected.items() if text}:
        shown = names.show(twin.certificate.subject)
        yield error("profile.subject_not_as_facts", "The subject is not what the registry knows.", shown)
    common_name = found.get(oids.COMMON_NAME, "")
    if not re.fullmatch(twin.profile.common_name, common_name):
        message = f"The CN is not of the form that profile {twin.profile.name} asks for."
        yield error("profile.common_name_not_allowed", message, common_name)


def alternative_names(twin: Twin) -> Iterator[Finding]:
    """RFC 5280 4.2.1.6, RFC 4108 5: exactly the facts' names of the profile's kind, nothing else."""
    facts, kind = twin.context.facts, twin.profile.alt_names
    expected = _NO_NAMES
    if kind is AltNames.HOSTS:
        addresses = tuple(canonical_address(text) for text in facts.ip_addresses)
        expected = AlternativeNames(facts.dns_names, addresses)
    elif kind is AltNames.HARDWARE:
        serial = facts.hardware_serial
        hardware = ((hardware_type(facts.udi), serial),) if serial is not None else ()
        expected = AlternativeNames(hardware=hardware, udis=(facts.udi,) if facts.udi else ())
    value = twin.value(oids.SUBJECT_ALT_NAME)
    found = read_alternative_names(value) if value is not None else _NO_NAMES
    if found != expected:
        message = "subjectAltName is not exactly what the registry knows."
        yield error("profile.alternative_names_not_as_facts", message, str(found))
    elif value is not None and found == _NO_NAMES:
        yield error("profile.alternative_names_empty", "subjectAltName is there but empty.", value.hex())
    if kind is AltNames.HOSTS and value is None:
        yield error("profile.alternative_names_missing", "A server needs a DNS name or an address.", "SAN")


def name_policy(twin: Twin) -> Iterator[Finding]:
    """The profile's own lists of names: what stands in the certificate, not what was meant to."""
    if twin.profile.names == _OPEN and twin.profile.alt_names is not AltNames.HOSTS:
        return
    value = twin.value(oids.SUBJECT_ALT_NAME)
    found = read_alternative_names(value) if value is not None else _NO_NAMES
    subject = {attribute.oid: attribute.value for attribute in twin.subject}
    facts = SubjectFacts(
        common_name=subject.get(oids.COMMON_NAME, ""),
        organization=subject.get(oids.ORGANIZATION, ""),
        dns_names=found.dns_names,
        ip_addresses=found.ip_addresses,
    )
    yield from check_names(twin.profile, facts)


def status(twin: Twin) -> Iterator[Finding]:
    """RFC 5280 4.2.1.13, 4.2.2.1: the configured places, in this order: list, responder, issuer."""
    urls = twin.context.urls
    crl = shard_url(urls, twin.certificate.serial)
    listed = (crl, urls.ocsp, urls.ca_issuers) if twin.profile.status_urls else ()
    found: tuple[str, ...] = ()
    for dotted in (oids.CRL_DISTRIBUTION_POINTS, oids.AUTHORITY_INFORMATION_ACCESS):
        value = twin.value(dotted)
        found += _uris(value) if value is not None else ()
    if found != tuple(url for url in listed if url):
        message = "The places for status are not the configured ones."
        yield error("profile.status_urls_not_as_configured", message, ", ".join(found))


def ocsp_no_check(twin: Twin) -> Iterator[Finding]:
    """RFC 6960 4.2.2.2.1: NULL, in responders' certificates and nowhere else."""
    expected = asn1.null() if twin.profile.ocsp_no_check else None
    if twin.value(oids.OCSP_NO_CHECK) != expected:
        message = f"ocsp-nocheck is not as profile {twin.profile.name} says."
        yield error("profile.ocsp_no_check_not_as_profile", message, oids.OCSP_NO_CHECK)


def policies(twin: Twin) -> Iterator[Finding]:
    """RFC 5280 4.2.1.4: exactly the profile's policies, without qualifiers."""
    value = twin.value(oids.CERTIFICATE_POLICIES)
    expected = certificate_policies(twin.profile.policies).value if twin.profile.policies else None
    if value != expected:
        message = f"certificatePolicies is not exactly what profile {twin.profile.name} names."
        yield error("profile.policies_not_as_profile", message, value.hex() if value else "absent")


def name_constraints(twin: Twin) -> Iterator[Finding]:
    """RFC 5280 4.2.1.10: exactly the profile's, read back from the bytes; and in CAs only."""
    value = twin.value(oids.NAME_CONSTRAINTS)
    found = read_name_constraints(value) if value is not None else None
    if found != twin.profile.name_constraints or (found is not None and not twin.profile.ca):
        message = f"nameConstraints is not exactly what profile {twin.profile.name} says."
        yield error("profile.name_constraints_not_as_profile", message, value.hex() if value else "absent")


def mud_url(twin: Twin) -> Iterator[Finding]:
    """RFC 8520 10: the registry's URL where it knows one, https."""
    value = twin.value(oids.MUD_URL)
    found = read_mud_url(value) if value is not None else ""
    if found != (twin.context.facts.mud_url if twin.profile.mud_url else ""):
        yield error("profile.mud_url_not_as_facts", "The MUD URL is not what the registry knows.", found)
    elif value is not None and not found.startswith("https://"):
        yield error("profile.mud_url_not_https", "A MUD URL is fetched over https (RFC 8520 1.8).", found)


def catalyst(twin: Twin) -> Iterator[Finding]:
    """X.509 9.8: 73 names the issuer's alternative key, 74 has that algorithm's length and comes last."""
    alternative, findings = read_alternative(twin.certificate.extensions)
    yield from findings
    expected = twin.context.issuer.alternative
    found = alternative.algorithm if alternative else None
    if found is not expected:
        message = f"The alternative signature is to be {expected or 'absent'}, not {found or 'absent'}."
        yield error("hybrid.alternative_algorithm_not_the_issuers", message, oids.ALT_SIGNATURE_ALGORITHM)
    elif alternative and len(alternative.value) != SIGNATURE_BYTES.get(alternative.algorithm):
        message = f"The alternative signature has {len(alternative.value)} octets."
        yield error("hybrid.alternative_signature_length", message, oids.ALT_SIGNATURE_VALUE)


RULES: Final[tuple[Rule, ...]] = (
    *(kind, closed_list, keys, subject_facts, alternative_names, name_policy, status, ocsp_no_check),
    *(policies, name_constraints, mud_url, catalyst),
)
