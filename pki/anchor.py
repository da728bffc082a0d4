"""Trust anchors: certificates that sign themselves, in two steps as all others, and rehearsed CAs.

A ceremony looks at what will be signed before any key signs: prepare an anchor, rehearse it as the issuer
of the next certificate, and so on down. Not handled here: keys, files, who says yes.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from pki.algorithms import SIGNATURE_BYTES
from pki.errors import RequestRefused
from pki.issuer import (
    Entropy,
    IssuanceToken,
    IssuedCertificate,
    granted_lifetime,
    new_serial,
    refuse_request,
)
from pki.keys import HybridPrivateKey
from pki.lint_context import LintContext
from pki.profiles import IssuerIdentity, Profile, StatusUrls, SubjectFacts
from pki.tbs import Certificate, Unsigned, seal
from pki.template import check_facts, subject_name, unsigned_certificate
from pki.twin import Linted, lint_twin, sign_linted

_SECOND: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class PreparedAnchor:
    """A trust anchor that passed the lint and is not signed yet."""

    token: IssuanceToken
    linted: Linted = field(repr=False)


def prepare_anchor(
    profile: Profile,
    facts: SubjectFacts,
    key: HybridPrivateKey,
    *,
    now: datetime,
    entropy: Entropy,
    lifetime: timedelta | None = None,
) -> PreparedAnchor:
    """Built and linted by a self-issued profile; nothing is signed. RequestRefused, LintRefused."""
    refuse_request(check_facts(profile, facts))
    if not profile.self_issued:
        raise RequestRefused(f"Profile {profile.name} needs an issuer.", field="profile")
    not_before = now.replace(microsecond=0) - profile.backdate
    not_after = not_before + granted_lifetime(profile, lifetime) - _SECOND
    alternative = key.alternative.signs_with if key.alternative else None
    identity = IssuerIdentity(subject_name(facts), key.classical.public.key_identifier, alternative)
    serial = new_serial(entropy)
    unsigned = unsigned_certificate(
        profile,
        facts,
        key.public,
        identity,
        serial=serial,
        not_before=not_before,
        not_after=not_after,
        urls=StatusUrls(),
    )
    context = LintContext(
        issuer=identity,
        algorithm=key.classical.signs_with,
        issuer_not_before=not_before,
        issuer_not_after=not_after,
        facts=facts,
        public=key.public,
        urls=StatusUrls(),
        now=now,
    )
    linted = lint_twin(unsigned, key.classical.algorithm, profile, context)
    digest = hashlib.sha256(linted.pre_tbs).digest()
    return PreparedAnchor(
        IssuanceToken(serial, digest, unsigned, not_before, not_after, profile.name), linted
    )


def sign_anchor(prepared: PreparedAnchor, key: HybridPrivateKey) -> IssuedCertificate:
    """Signed by its own key: exactly what was linted."""
    token = prepared.token
    der = sign_linted(token.unsigned, prepared.linted, key)
    return IssuedCertificate(der, token.certificate_serial, token.not_before, token.not_after, token.profile)


def self_signed(
    profile: Profile,
    facts: SubjectFacts,
    key: HybridPrivateKey,
    *,
    now: datetime,
    entropy: Entropy,
    lifetime: timedelta | None = None,
) -> IssuedCertificate:
    """Both steps at once."""
    prepared = prepare_anchor(profile, facts, key, now=now, entropy=entropy, lifetime=lifetime)
    return sign_anchor(prepared, key)


def rehearsed(unsigned: Unsigned, signer: HybridPrivateKey) -> Certificate:
    """What an unsigned certificate will look like, without a signature that anybody could use.

    Good for one thing: to be the issuer of the next certificate in a rehearsal, which signs nothing.
    """
    algorithm = signer.classical.signs_with
    empty = bytes(SIGNATURE_BYTES[signer.alternative.signs_with]) if signer.alternative else None
    return Certificate.parse(seal(unsigned.tbs(algorithm, empty), algorithm, b"\x00"))
