"""What a request may ask for by extension: what the profile writes anyway, about this subject only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from pki import oids
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

MOST_EXTENSIONS: Final = 16
_MOST_TOLD: Final = 5
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
PLAIN_DNS: Final = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
"""A host name as it is written here."""
_NAMES: Final = {
    "tag 0x81": "an e-mail address",
    "tag 0x86": "a URI",
    "tag 0x88": "a registered identifier",
    "tag 0xa0": "an otherName",
    "tag 0xa3": "an X.400 address",
    "tag 0xa4": "a directory name",
    "tag 0xa5": "an EDI party's name",
}


def check_extensions(
    listed: tuple[Extension, ...], profile: Profile, facts: SubjectFacts
) -> Iterator[Finding]:
    """Findings that refuse, each with the extension as its subject."""
    if len(listed) > MOST_EXTENSIONS:
        problem = f"The request asks for {len(listed)} extensions; at most {MOST_EXTENSIONS} are read."
        yield error("request.extensions_too_many", problem, "extensionRequest")
        return
    counted = Counter(extension.oid for extension in listed)
    for dotted in (dotted for dotted, times in counted.items() if times > 1):
        problem = f"The extension {dotted} is asked for {counted[dotted]} times."
        yield error("request.extension_repeated", problem, dotted)
    for extension in listed:
        yield from _extension(extension, profile, facts)


def _extension(extension: Extension, profile: Profile, facts: SubjectFacts) -> Iterator[Finding]:
    if extension.oid not in profile.extensions & _MAY_ASK:
        problem = f"Profile {profile.name} does not let a request ask for the extension {extension.oid}."
        if extension.oid.startswith(oids.MICROSOFT):
            problem += " Windows' certreq adds it for a CA of its own; make the request with another tool."
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
    extra = sorted(set(asked) - set(allowed))
    for name in extra[:_MOST_TOLD]:
        yield error(rule, f"The request asks for {name}, which the profile does not name.", field)
    if len(extra) > _MOST_TOLD:
        yield error(rule, f"The request asks for {len(extra) - _MOST_TOLD} more such.", field)


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
    hosts = [name for name in asked.dns_names if name not in facts.dns_names]
    odd = [name for name in hosts if not PLAIN_DNS.fullmatch(name)]
    foreign = [
        *(_NAMES.get(kind, kind) for kind in asked.foreign),
        *(name for name in hosts if name not in odd),
        *(name for name in asked.ip_addresses if name not in addresses),
        *(f"hardware serial {serial.hex()}" for kind, serial in asked.hardware if (kind, serial) != mine),
        *(f"UDI-DI {' '.join(udi)}" for udi in asked.udis if udi != facts.udi),
    ]
    yield from _excess(foreign, (), "request.alternative_name_of_another", "subjectAltName")
    for name in sorted(set(odd))[:_MOST_TOLD]:
        problem = (
            f"{name!r} is not a host name as it is written here: lower case, no wildcard, no underscore, "
            "international labels as xn--."
        )
        yield error("request.dns_name_malformed", problem, "subjectAltName")


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
