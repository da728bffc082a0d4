"""A certificate before its signatures, written from facts and a profile (RFC 5280 4.1, 4.2).

The parts that a profile and an issuer share are encoded once and kept: most of a certificate is constant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final

from pki import asn1, names, oids
from pki.constraint_extensions import certificate_policies, mud_url, name_constraints
from pki.crl_shard import shard_url
from pki.extensions import (
    Extension,
    authority_information_access,
    authority_key_identifier,
    basic_constraints,
    crl_distribution_points,
    extended_key_usage,
    key_usage,
    subject_key_identifier,
)
from pki.findings import Finding, error
from pki.identity_extensions import device_names, host_names
from pki.keys import HybridPublicKey
from pki.name_policy import check_names
from pki.profiles import AltNames, IssuerIdentity, Profile, StatusUrls, SubjectFacts
from pki.related import related_extension
from pki.tbs import Unsigned, alt_signature_algorithm, subject_alt_public_key_info

_VERSION_3: Final = asn1.explicit(0, asn1.integer(2))
_NULL_VALUE: Final = asn1.null()


@dataclass(frozen=True, slots=True)
class _Constant:
    """Encoded extensions that depend on profile, issuer and URLs only, around those that do not."""

    first: tuple[bytes, ...]
    last: tuple[bytes, ...]


@lru_cache(maxsize=256)
def _constant(profile: Profile, issuer: IssuerIdentity, urls: StatusUrls) -> _Constant:
    first = [
        basic_constraints(ca=profile.ca, path_length=profile.path_length),
        key_usage(*profile.key_usages),
    ]
    if profile.name_constraints is not None:
        first.append(name_constraints(profile.name_constraints))
    if profile.purposes:
        first.append(extended_key_usage(*profile.purposes))
    if not profile.self_issued:
        first.append(authority_key_identifier(issuer.key_identifier))
    last = []
    if profile.policies:
        last.append(certificate_policies(profile.policies))
    if profile.status_urls and (urls.ocsp or urls.ca_issuers):
        last.append(authority_information_access(ocsp=urls.ocsp, ca_issuers=urls.ca_issuers))
    if profile.ocsp_no_check:
        last.append(Extension(oids.OCSP_NO_CHECK, False, _NULL_VALUE))
    return _Constant(tuple(e.encode() for e in first), tuple(e.encode() for e in last))


@lru_cache(maxsize=1024)
def _distribution_point(url: str) -> bytes:
    return crl_distribution_points([url]).encode()


def _individual(profile: Profile, facts: SubjectFacts, urls: StatusUrls, serial: int) -> tuple[bytes, ...]:
    """Extensions that differ from one certificate to the next."""
    found = None
    if profile.alt_names is AltNames.HOSTS:
        found = host_names(facts.dns_names, facts.ip_addresses)
    elif profile.alt_names is AltNames.HARDWARE:
        found = device_names(facts.udi, facts.hardware_serial)
    encoded = [found.encode()] if found else []
    if profile.status_urls and urls.crl:
        encoded.append(_distribution_point(shard_url(urls, serial)))
    if profile.mud_url and facts.mud_url:
        encoded.append(mud_url(facts.mud_url).encode())
    if profile.related and facts.related is not None:
        encoded.append(related_extension(facts.related).encode())
    return tuple(encoded)


def subject_name(facts: SubjectFacts) -> bytes:
    """The subject's Name, DER; RequestRefused names a bad field."""
    return names.encode(
        common_name=facts.common_name,
        organization=facts.organization,
        serial_number=facts.serial_number,
    )


def unsigned_certificate(
    profile: Profile,
    facts: SubjectFacts,
    public: HybridPublicKey,
    issuer: IssuerIdentity,
    *,
    serial: int,
    not_before: datetime,
    not_after: datetime,
    urls: StatusUrls,
) -> Unsigned:
    """The tbsCertificate in pieces; altSignatureAlgorithm is its last extension where the issuer has one."""
    constant = _constant(profile, issuer, urls)
    own = subject_key_identifier(public.classical.key_identifier).encode()
    extensions = (*constant.first, own, *_individual(profile, facts, urls, serial), *constant.last)
    if public.alternative is not None:
        extensions += (subject_alt_public_key_info(public.alternative.spki).encode(),)
    if issuer.alternative is not None:
        extensions += (alt_signature_algorithm(issuer.alternative).encode(),)
    validity = asn1.sequence(asn1.time(not_before), asn1.time(not_after))
    body = b"".join((issuer.name, validity, subject_name(facts), public.classical.spki))
    return Unsigned(_VERSION_3 + asn1.integer(serial), body, extensions, 3)


def check_facts(profile: Profile, facts: SubjectFacts) -> tuple[Finding, ...]:
    """Whether the registry's own facts fit the profile; a finding's subject is the field's name."""
    return (*_misplaced(profile, facts), *check_names(profile, facts))


def _misplaced(profile: Profile, facts: SubjectFacts) -> Iterator[Finding]:
    name = profile.name
    if not re.fullmatch(profile.common_name, facts.common_name):
        message = f"The CN {facts.common_name!r} is not of the form that profile {name} asks for."
        yield error("profile.common_name_not_allowed", message, "common_name")
    hosts = bool(facts.dns_names or facts.ip_addresses)
    if hosts != (profile.alt_names is AltNames.HOSTS):
        verb = "has none" if profile.alt_names is AltNames.HOSTS else "must have none"
        message = f"Profile {name}: DNS names and IP addresses; the subject {verb}."
        yield error("profile.host_names_not_as_profile", message, "dns_names")
    hardware = profile.alt_names is AltNames.HARDWARE
    if facts.hardware_serial is not None and not hardware:
        message = f"Profile {name} has no place for a hardware serial."
        yield error("profile.hardware_serial_not_allowed", message, "hardware_serial")
    if facts.udi is not None and not hardware:
        message = f"Profile {name} has no place for a UDI-DI."
        yield error("profile.udi_not_allowed", message, "udi")
    if facts.mud_url and not profile.mud_url:
        message = f"Profile {name} has no place for a MUD URL."
        yield error("profile.mud_url_not_allowed", message, "mud_url")
    if (facts.related is not None) != profile.related:
        verb = "binds to another certificate, and none is given" if profile.related else "binds to none"
        yield error("profile.related_not_as_profile", f"Profile {name} {verb}.", "related")
