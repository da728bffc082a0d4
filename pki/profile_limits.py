"""The closed list of each kind of certificate, which no profile may leave; and whether one narrows another.

Judgements are findings, their subject the TOML key. A hospital's own profiles keep to the same lists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pki import oids
from pki.errors import PkiError
from pki.extensions import KeyUsage
from pki.findings import Finding, error
from pki.profile_model import MAX_BACKDATE, NOT_FOR_NEW_KEYS, AltNames, Form, Kind, Profile

_CA_USAGES: Final = frozenset({KeyUsage.DIGITAL_SIGNATURE, KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN})
_SIGN: Final = frozenset({KeyUsage.DIGITAL_SIGNATURE})
_NONE: Final = frozenset({AltNames.NONE})
_YEAR: Final = timedelta(days=365)


class ProfileMalformed(PkiError):
    """A profile's text is not one, contradicts itself, or is laxer than its kind allows."""

    kind = "usage"


def malformed(problem: str, key: str) -> ProfileMalformed:
    """The refusal of a profile, by its TOML key."""
    return ProfileMalformed(f"{key}: {problem}", next_step="See docs/profiles.md.", field=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What profiles of one kind may say at most."""

    longest: timedelta
    usages: frozenset[KeyUsage] = _SIGN
    purposes: tuple[frozenset[str], ...] = (frozenset(),)
    """The sets of purposes allowed; one of them, whole."""
    alt_names: frozenset[AltNames] = _NONE
    ca: bool = False
    ocsp_no_check: bool = False


_CLIENT: Final = frozenset({oids.EKU_CLIENT_AUTH})
_SERVER: Final = frozenset({oids.EKU_SERVER_AUTH})
LIMITS: Final = {
    Kind.ROOT: Limits(longest=30 * _YEAR, usages=_CA_USAGES, ca=True),
    Kind.CA: Limits(longest=20 * _YEAR, usages=_CA_USAGES, ca=True),
    Kind.OCSP: Limits(
        longest=timedelta(days=90), purposes=(frozenset({oids.EKU_OCSP_SIGNING}),), ocsp_no_check=True
    ),
    Kind.SERVER: Limits(
        longest=timedelta(days=398),
        purposes=(_SERVER, _SERVER | _CLIENT),
        alt_names=frozenset({AltNames.HOSTS}),
    ),
    Kind.CLIENT: Limits(longest=2 * _YEAR, purposes=(_CLIENT,)),
    Kind.SIGNER: Limits(longest=2 * _YEAR),
    Kind.OPERATOR: Limits(
        longest=_YEAR, purposes=(_CLIENT,), usages=_SIGN | frozenset({KeyUsage.NON_REPUDIATION})
    ),
    Kind.DEVICE: Limits(
        longest=5 * _YEAR,
        # Not the empty set: a certificate that names no purpose is good for any. An ML-KEM key's has none.
        purposes=(_CLIENT,),
        alt_names=frozenset({AltNames.HARDWARE, AltNames.NONE}),
    ),
}


def check_profile(profile: Profile) -> tuple[Finding, ...]:
    """What contradicts itself or leaves the closed list of the profile's kind; empty means: usable."""
    limits = LIMITS[profile.kind]
    return (*_keys(profile), *_usage(profile, limits), *_authority(profile, limits), *_rest(profile, limits))


def _keys(profile: Profile) -> Iterator[Finding]:
    for algorithm in profile.main:
        if algorithm in NOT_FOR_NEW_KEYS or not profile.form.fits(algorithm):
            message = f"A key of kind {algorithm} does not fit the form {profile.form}."
            yield error("profile.main_key_not_of_form", message, "keys.main")
    alternative = profile.alternative
    if (alternative is not None) != (profile.form is Form.CATALYST):
        message = "An alternative key belongs to the form catalyst, and to no other."
        yield error("profile.alternative_not_of_form", message, "keys.alternative")
    if alternative is not None and not alternative.is_post_quantum:
        message = f"{alternative} resists no quantum computer."
        yield error("profile.alternative_not_post_quantum", message, "keys.alternative")
    if profile.alternative_required and alternative is None:
        message = "An alternative key is required but no kind is named."
        yield error("profile.alternative_without_kind", message, "keys.alternative_required")
    if profile.form in (Form.KEM, Form.RELATED) and profile.kind is not Kind.DEVICE:
        message = f"The form {profile.form} is for devices only."
        yield error("profile.form_not_of_kind", message, "form")


def _usage(profile: Profile, limits: Limits) -> Iterator[Finding]:
    usages = frozenset(profile.key_usages)
    if profile.form is Form.KEM:
        # RFC 9935 5: keyEncipherment and nothing else.
        if usages != {KeyUsage.KEY_ENCIPHERMENT} or profile.purposes:
            message = "An ML-KEM key has the usage key-encipherment, nothing else, and no purposes."
            yield error("profile.usage_not_of_kem", message, "usage.key_usages")
        return
    if not usages or len(usages) != len(profile.key_usages) or not usages <= limits.usages:
        message = f"A certificate of kind {profile.kind} has other key usages."
        yield error("profile.usage_not_of_kind", message, "usage.key_usages")
    if frozenset(profile.purposes) not in limits.purposes:
        message = f"A certificate of kind {profile.kind} has other purposes."
        yield error("profile.purposes_not_of_kind", message, "usage.purposes")


def _authority(profile: Profile, limits: Limits) -> Iterator[Finding]:
    if profile.ca != limits.ca:
        verb = "needs" if limits.ca else "has no"
        yield error("profile.ca_not_of_kind", f"Kind {profile.kind} {verb} table [ca].", "ca")
    if profile.ca and not {KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN} <= set(profile.key_usages):
        message = "A CA signs certificates and lists."
        yield error("profile.ca_cannot_sign", message, "usage.key_usages")
    constraints = profile.name_constraints
    if constraints is not None and constraints.permitted.empty and constraints.excluded.empty:
        message = "The table constrains nothing."
        yield error("profile.constraints_empty", message, "ca.name_constraints")


def _rest(profile: Profile, limits: Limits) -> Iterator[Finding]:
    if profile.alt_names not in limits.alt_names:
        message = f"A certificate of kind {profile.kind} has other alternative names."
        yield error("profile.alt_names_not_of_kind", message, "subject.alt_names")
    if profile.ocsp_no_check and not limits.ocsp_no_check:
        message = "ocsp-nocheck belongs to OCSP responders only: nobody would ask for the status."
        yield error("profile.no_check_not_of_kind", message, "extensions.ocsp_no_check")
    if not profile.status_urls and profile.kind not in (Kind.ROOT, Kind.OCSP):
        message = "Without places for status a certificate cannot be revoked."
        yield error("profile.status_missing", message, "extensions.status_urls")
    if profile.mud_url and profile.kind is not Kind.DEVICE:
        message = "A MUD URL describes a device."
        yield error("profile.mud_url_not_of_kind", message, "extensions.mud_url")
    if len(set(profile.policies)) != len(profile.policies) or oids.ANY_POLICY in profile.policies:
        message = "A policy is named twice, or is anyPolicy."
        yield error("profile.policies_malformed", message, "extensions.policies")
    if not timedelta(minutes=1) <= profile.lifetime <= limits.longest:
        message = f"A certificate of kind {profile.kind} lives a minute to {limits.longest.days} days."
        yield error("profile.lifetime_not_of_kind", message, "validity.lifetime")
    if not timedelta() <= profile.backdate <= MAX_BACKDATE:
        message = "notBefore lies five minutes back at most."
        yield error("profile.backdate_too_far", message, "validity.backdate")


def check_narrows(own: Profile, ours: Profile) -> tuple[Finding, ...]:
    """What makes a profile of a built-in's name laxer than the built-in: it may only narrow it."""
    laxer = {
        "kind": own.kind is not ours.kind,
        "form": own.form is not ours.form,
        "keys.main": not own.classical <= ours.classical,
        "keys.alternative": own.alternative is not ours.alternative,
        "keys.alternative_required": ours.alternative_required and not own.alternative_required,
        "usage.key_usages": not set(own.key_usages) <= set(ours.key_usages),
        "usage.purposes": not set(own.purposes) <= set(ours.purposes)
        or (bool(ours.purposes) and not own.purposes),
        "names.wildcards": own.names.wildcards and not ours.names.wildcards,
        "subject.alt_names": own.alt_names not in (ours.alt_names, AltNames.NONE),
        "extensions.ocsp_no_check": own.ocsp_no_check and not ours.ocsp_no_check,
        "extensions.status_urls": ours.status_urls and not own.status_urls,
        "validity.lifetime": own.lifetime > ours.lifetime,
        "ca.path_length": ours.path_length is not None
        and (own.path_length is None or own.path_length > ours.path_length),
        "issuer.forms": bool(ours.issuer_forms)
        and not (own.issuer_forms and set(own.issuer_forms) <= set(ours.issuer_forms)),
    }
    message = f"It is laxer than the built-in profile {ours.name}, whose name it has; take another name."
    return tuple(error("profile.laxer_than_built_in", message, key) for key, found in laxer.items() if found)


_PART: Final = r"(?:\[(?:[^\[\]\\]|\\[\\\]\[sdw-])+\]|\\[\\.sdw\[\](){}*+?|^$-]|[^\\\[\](){}*+?|^$])"
_PATTERN: Final = re.compile(rf"(?:{_PART}(?:\{{\d{{1,3}}(?:,\d{{1,3}})?\}}|[*+?])?)+")
_QUANTIFIER: Final = re.compile(r"(?<!\\)[*+?{]")


def check_pattern(pattern: str, key: str) -> None:
    """Refuses what could take long to match: groups, alternatives, more than three repetitions."""
    classes_gone = re.sub(r"\[(?:[^\[\]\\]|\\.)+\]", "c", pattern)
    if len(pattern) > 256 or not _PATTERN.fullmatch(pattern) or len(_QUANTIFIER.findall(classes_gone)) > 3:
        raise malformed(
            "The pattern is not a row of characters and [sets], three of them repeated at most.", key
        )
    try:
        re.compile(pattern)
    except (re.error, OverflowError) as bad:
        raise malformed(f"The pattern is malformed: {bad}.", key) from bad
