"""What a profile lets a request ask for. Nothing asked for is copied: asking for too much is what refuses.

A request is matched against the registry's facts, so that it cannot be meant for another subject.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pki import names, oids
from pki.csr import Request
from pki.errors import PkiError
from pki.extensions import (
    Extension,
    read_basic_constraints,
    read_extended_key_usage,
    read_key_usage,
)
from pki.findings import Finding, error
from pki.identity_extensions import canonical_address, hardware_type, read_alternative_names
from pki.profiles import Profile, SubjectFacts

_MAY_ASK: Final = frozenset(
    {
        oids.BASIC_CONSTRAINTS,
        oids.KEY_USAGE,
        oids.EXTENDED_KEY_USAGE,
        oids.SUBJECT_ALT_NAME,
        oids.SUBJECT_KEY_IDENTIFIER,
        oids.OCSP_NO_CHECK,
    }
)
"""What a subject may have an opinion on; issuer's and status extensions are the CA's own business."""


def check_request(request: Request, profile: Profile, facts: SubjectFacts) -> tuple[Finding, ...]:
    """Findings that refuse, each with the request's field as its subject; proofs are checked elsewhere."""
    found = [*_keys(request, profile), *_subject(request.subject, facts)]
    for dotted in request.foreign_attributes:
        problem = f"The attribute {dotted} is not one that this CA reads."
        found.append(error("request.attribute_not_known", problem, dotted))
    counted = Counter(extension.oid for extension in request.extensions_asked)
    for dotted in (dotted for dotted, times in counted.items() if times > 1):
        problem = f"The extension {dotted} is asked for {counted[dotted]} times."
        found.append(error("request.extension_repeated", problem, dotted))
    for extension in request.extensions_asked:
        found += _extension(extension, profile, facts)
    return tuple(found)


def _keys(request: Request, profile: Profile) -> Iterator[Finding]:
    classical, alternative = request.public.classical, request.public.alternative
    if classical.algorithm not in profile.classical:
        allowed = ", ".join(sorted(profile.classical))
        problem = f"The key is {classical.algorithm}; profile {profile.name} allows {allowed}."
        yield error("request.key_not_allowed", problem, "subjectPublicKeyInfo")
    if alternative is None:
        if profile.alternative_required:
            problem = f"Profile {profile.name} needs an alternative key of kind {profile.alternative}."
            yield error("request.alternative_key_missing", problem, "subjectAltPublicKeyInfo")
    elif alternative.algorithm is not profile.alternative:
        wanted = profile.alternative or "none"
        problem = f"The alternative key is {alternative.algorithm}; profile {profile.name} allows {wanted}."
        yield error("request.alternative_key_not_allowed", problem, "subjectAltPublicKeyInfo")


def _subject(subject: bytes, facts: SubjectFacts) -> Iterator[Finding]:
    attributes = names.parse(subject)
    if not attributes:
        yield error("request.subject_empty", "The request names no subject.", "subject")
    expected = {
        oids.COMMON_NAME: facts.common_name,
        oids.ORGANIZATION: facts.organization,
        oids.SERIAL_NUMBER_ATTRIBUTE: facts.serial_number,
    }
    seen: set[str] = set()
    for attribute in attributes:
        label = attribute.label
        try:
            names.check_text(attribute.value, label, 64)
        except PkiError as bad:
            yield error("request.subject_text_malformed", bad.problem, label)
            continue
        if attribute.oid in seen:
            yield error("request.subject_attribute_repeated", f"{label} is there more than once.", label)
        seen.add(attribute.oid)
        if attribute.oid not in expected:
            yield error("request.subject_attribute_not_known", f"A subject has no {label} here.", label)
        elif attribute.value != expected[attribute.oid]:
            problem = f"{label} is {attribute.value!r}, not {expected[attribute.oid]!r}."
            yield error("request.subject_of_another", problem, label)


def _extension(extension: Extension, profile: Profile, facts: SubjectFacts) -> Iterator[Finding]:
    if extension.oid not in profile.extensions & _MAY_ASK:
        problem = f"Profile {profile.name} does not let a request ask for the extension {extension.oid}."
        yield error("request.extension_not_in_profile", problem, extension.oid)
        return
    try:
        yield from _ASKED[extension.oid](extension.value, profile, facts)
    except PkiError as bad:
        yield error("request.extension_malformed", bad.problem, extension.oid)


def _basic_constraints(value: bytes, profile: Profile, _facts: SubjectFacts) -> Iterator[Finding]:
    ca, length = read_basic_constraints(value)
    if ca and not profile.ca:
        yield error("request.ca_not_allowed", "The request asks for CA:TRUE.", "basicConstraints")
    elif ca and length != profile.path_length:
        problem = f"The path length asked for is {length}, not {profile.path_length}."
        yield error("request.path_length_not_allowed", problem, "basicConstraints")


def _excess(asked: Iterable[str], allowed: Iterable[str], rule: str, field: str) -> Iterator[Finding]:
    for extra in sorted(set(asked) - set(allowed)):
        yield error(rule, f"The request asks for {extra}, which the profile does not name.", field)


def _key_usage(value: bytes, profile: Profile, _facts: SubjectFacts) -> Iterator[Finding]:
    asked = (usage.name for usage in read_key_usage(value))
    allowed = (usage.name for usage in profile.key_usages)
    yield from _excess(asked, allowed, "request.key_usage_not_allowed", "keyUsage")


def _purposes(value: bytes, profile: Profile, _facts: SubjectFacts) -> Iterator[Finding]:
    asked = read_extended_key_usage(value)
    yield from _excess(asked, profile.purposes, "request.purpose_not_allowed", "extKeyUsage")


def _names(value: bytes, _profile: Profile, facts: SubjectFacts) -> Iterator[Finding]:
    asked = read_alternative_names(value)
    mine = (hardware_type(facts.udi), facts.hardware_serial)
    addresses = {canonical_address(text) for text in facts.ip_addresses}
    foreign = [
        *asked.foreign,
        *(name for name in asked.dns_names if name not in facts.dns_names),
        *(name for name in asked.ip_addresses if name not in addresses),
        *(f"hardware serial {serial.hex()}" for kind, serial in asked.hardware if (kind, serial) != mine),
        *(f"UDI-DI {' '.join(udi)}" for udi in asked.udis if udi != facts.udi),
    ]
    yield from _excess(foreign, (), "request.alternative_name_of_another", "subjectAltName")


def _harmless(_value: bytes, _profile: Profile, _facts: SubjectFacts) -> Iterator[Finding]:
    yield from ()


_Rule = Callable[[bytes, Profile, SubjectFacts], Iterator[Finding]]
_ASKED: Final[dict[str, _Rule]] = {
    oids.BASIC_CONSTRAINTS: _basic_constraints,
    oids.KEY_USAGE: _key_usage,
    oids.EXTENDED_KEY_USAGE: _purposes,
    oids.SUBJECT_ALT_NAME: _names,
    oids.SUBJECT_KEY_IDENTIFIER: _harmless,
    oids.OCSP_NO_CHECK: _harmless,
}
