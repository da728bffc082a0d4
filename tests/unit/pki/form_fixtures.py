"""A root and an issuing CA of every form, and something that each profile certifies: made once a process."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import pytest

from pki import profiles
from pki.algorithms import PrivateKey, require
from pki.anchor import self_signed
from pki.errors import PkiError
from pki.issuer import Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import AltNames, Form, Kind, Profile, SubjectFacts
from pki.providers.interface import KeyAlgorithm
from pki.related import related_certificate
from pki.tbs import Certificate
from tests.unit.pki.issuing_fixtures import DEVICE_FACTS, NOW, URLS, entropy

FORMS = ("catalyst", "classical", "pure", "composite", "slh-dsa")
"""Hierarchies by the ending of their profiles' names."""
RELATED_TO = b"the other certificate of the subject"
_PROFILES = {
    "catalyst": ("root", "issuing-ca"),
    "classical": ("root-classical", "issuing-ca-classical"),
    "pure": ("root-pure", "issuing-ca-pure"),
    "composite": ("root-composite", "issuing-ca-composite"),
    "slh-dsa": ("root-slh-dsa", "issuing-ca-pure"),
}


@dataclass(frozen=True)
class Tree:
    """A hierarchy of one form."""

    root: Issuer
    issuing: Issuer


def needs(algorithm: KeyAlgorithm) -> None:
    """Skips where no provider has it."""
    try:
        require(algorithm)
    except PkiError as missing:
        pytest.skip(f"{algorithm}: {missing}")


@lru_cache(maxsize=64)
def key(algorithm: KeyAlgorithm) -> PrivateKey:
    """One key a kind; a new one is not needed to show a form."""
    needs(algorithm)
    return PrivateKey.generate(algorithm)


def keys_for(profile: Profile, main: KeyAlgorithm | None = None) -> HybridPrivateKey:
    """A subject's keys: those that the profile names first."""
    alternative = profile.alternative
    return HybridPrivateKey(key(main or profile.main[0]), key(alternative) if alternative else None)


@lru_cache(maxsize=8)
def tree(form: str) -> Tree:
    """Root and issuing CA."""
    root_profile, ca_profile = (profiles.by_name(name) for name in _PROFILES[form])
    root_key = HybridPrivateKey.generate(_first(root_profile), root_profile.alternative)
    facts = SubjectFacts(common_name=f"Hospital {form} Root CA", organization="Hospital")
    root_certificate = Certificate.parse(
        self_signed(root_profile, facts, root_key, now=NOW, entropy=entropy).der
    )
    root = Issuer(root_certificate, root_key, URLS, name="root")
    ca_key = HybridPrivateKey.generate(_first(ca_profile), ca_profile.alternative)
    token = root.prepare(
        ca_profile,
        replace(facts, common_name=f"Hospital {form} CA"),
        ca_key.public,
        now=NOW,
        entropy=entropy,
    )
    issued = Certificate.parse(root.issue(token).der)
    return Tree(root, Issuer(issued, ca_key, URLS, above=(root_certificate,)))


def _first(profile: Profile) -> KeyAlgorithm:
    # The smallest SLH-DSA is the quickest, and shows the form as well.
    small = [a for a in profile.main if a is KeyAlgorithm.SLH_DSA_SHA2_128S]
    chosen = small[0] if small else profile.main[0]
    needs(chosen)
    return chosen


def facts_for(profile: Profile) -> SubjectFacts:
    """Facts that fit the profile."""
    facts = SubjectFacts(common_name="Hospital Service", organization="Hospital")
    if profile.kind is Kind.DEVICE:
        facts = replace(DEVICE_FACTS, mud_url="https://maker.example/pump.json" if profile.mud_url else "")
    if profile.alt_names is AltNames.HOSTS:
        facts = replace(facts, dns_names=("broker.hospital.example",), ip_addresses=("10.1.2.3", "fd00::1"))
    if profile.related:
        facts = replace(facts, related=related_certificate(RELATED_TO))
    return facts


def allowed(profile: Profile, form: str) -> bool:
    """Whether a CA of that form signs it."""
    if profile.issuer_forms and Form("pure" if form == "slh-dsa" else form) not in profile.issuer_forms:
        return False
    resists = profile.main[0].resists_quantum
    return not (form == "classical" and resists) or profile.kind in (Kind.CA, Kind.OCSP)


def certify(profile: Profile, form: str = "catalyst", main: KeyAlgorithm | None = None) -> Certificate:
    """A certificate by that profile, under the CA of that form (a CA under the root)."""
    issuer = tree(form).root if profile.kind is Kind.CA else tree(form).issuing
    public = keys_for(profile, main).public
    token = issuer.prepare(profile, facts_for(profile), public, now=NOW, entropy=entropy)
    return Certificate.parse(issuer.issue(token).der)
