"""Issuance in two steps (hybrid-pki: issuance safety): prepare lints, issue signs what was linted, once.

Between the two the caller writes serial, digest and actor down durably: a signature exists only for an
intention on disk. Not handled here: who may ask, and whether a serial was used before (the store's index).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final
from weakref import WeakKeyDictionary

from pki import oids
from pki.csr import Request, verify_possession
from pki.errors import PkiError, RequestRefused
from pki.extensions import read_basic_constraints, read_subject_key_identifier
from pki.findings import Finding, error
from pki.issuer_chain import read_above
from pki.keys import HybridPrivateKey, HybridPublicKey
from pki.lint_context import LintContext
from pki.profiles import IssuerIdentity, Profile, StatusUrls, SubjectFacts
from pki.request_rules import check_request
from pki.tbs import Certificate, Unsigned
from pki.template import check_facts, unsigned_certificate
from pki.twin import Linted, lint_twin, sign_linted, tell

Entropy = Callable[[int], bytes]
_SECOND: Final = timedelta(seconds=1)


class TokenSpent(PkiError):
    """The token was used before, or this issuer never made it."""

    kind = "conflict"


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class IssuanceToken:
    """The right to one signature. Only the issuer that made it honours it, and only once."""

    certificate_serial: int
    tbs_digest: bytes
    """SHA-256 over the PreTBS that was linted: for the intention's row."""
    unsigned: Unsigned = field(repr=False)
    not_before: datetime
    not_after: datetime
    profile: str


@dataclass(frozen=True, slots=True)
class IssuedCertificate:
    """A certificate that this process signed and checked."""

    der: bytes = field(repr=False)
    certificate_serial: int
    not_before: datetime
    not_after: datetime
    profile: str

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 over the DER."""
        return hashlib.sha256(self.der).digest()


class Issuer:
    """A CA: its certificate, its key, and the tokens that it has given out. Safe to share among threads.

    `name` is the short name under which the registry keeps what it issues; `above`, the certificates over
    its own, nearest first: what they forbid is not issued here either.
    """

    __slots__ = ("_above", "_key", "_outstanding", "certificate", "identity", "name", "urls")

    def __init__(
        self,
        certificate: Certificate,
        key: HybridPrivateKey,
        urls: StatusUrls,
        name: str = "issuing",
        above: Iterable[Certificate] = (),
    ) -> None:
        _check_authority(certificate, key)
        self.certificate = certificate
        self.urls = urls
        self.name = name
        self.identity = IssuerIdentity(
            certificate.subject,
            key_identifier_of(certificate),
            key.alternative.signs_with if key.alternative else None,
        )
        self._key = key
        self._above = read_above(certificate, key.public, above)
        # A token that its holder drops is gone; each insertion and pop is one step of the interpreter.
        self._outstanding: WeakKeyDictionary[IssuanceToken, Linted] = WeakKeyDictionary()

    def prepare(
        self,
        profile: Profile,
        facts: SubjectFacts,
        request: Request | HybridPublicKey,
        *,
        now: datetime,
        entropy: Entropy,
        lifetime: timedelta | None = None,
    ) -> IssuanceToken:
        """A token for what passed the proofs, the profile and the lint. RequestRefused, LintRefused.

        A bare HybridPublicKey is for keys that this CA's own ceremony made: nothing is left to prove.
        The end is cut to the issuer's own.
        """
        refuse_request(check_facts(profile, facts))
        public = request.public if isinstance(request, Request) else request
        if isinstance(request, Request):
            refuse_request(verify_possession(request) + check_request(request, profile, facts))
        refuse_request(self._refusals(profile, public))
        not_before = max(now.replace(microsecond=0) - profile.backdate, self._above.not_before)
        asked_end = not_before + granted_lifetime(profile, lifetime) - _SECOND
        not_after = min(asked_end, self._above.not_after)
        serial = new_serial(entropy)
        unsigned = unsigned_certificate(
            profile,
            facts,
            public,
            self.identity,
            serial=serial,
            not_before=not_before,
            not_after=not_after,
            urls=self.urls,
        )
        context = LintContext(
            issuer=self.identity,
            algorithm=self._key.classical.signs_with,
            issuer_not_before=self._above.not_before,
            issuer_not_after=self._above.not_after,
            facts=facts,
            public=public,
            urls=self.urls,
            now=now,
            chain=self._above.facts,
        )
        linted = lint_twin(unsigned, self._key.classical.algorithm, profile, context)
        digest = hashlib.sha256(linted.pre_tbs).digest()
        token = IssuanceToken(serial, digest, unsigned, not_before, not_after, profile.name)
        self._outstanding[token] = linted
        return token

    def issue(self, token: IssuanceToken) -> IssuedCertificate:
        """Sign what was linted and spend the token, whatever happens next. TokenSpent the second time.

        A crash in here leaves an intention without a certificate: the reconciling job asks anew.
        """
        linted = self._outstanding.pop(token, None)
        if linted is None:
            raise TokenSpent(
                "The issuance token was spent, or is not this issuer's.",
                next_step="Prepare the certificate again.",
                field="token",
            )
        der = sign_linted(token.unsigned, linted, self._key)
        return IssuedCertificate(
            der, token.certificate_serial, token.not_before, token.not_after, token.profile
        )

    def _refusals(self, profile: Profile, public: HybridPublicKey) -> Iterable[Finding]:
        # The lint would refuse the last two as well (pki.lint_chain); a request's field is the better word.
        if profile.self_issued:
            problem = f"Profile {profile.name} is for trust anchors, which sign themselves."
            yield error("issuer.profile_self_issued", problem, "profile")
        if profile.ca and self._above.facts.path_length == 0:
            yield error("issuer.path_length_exhausted", "This CA may not certify another CA.", "profile")
        keys = {key.spki for key in (public.classical, public.alternative) if key}
        if keys & self._above.facts.keys:
            yield error("issuer.key_is_the_issuers", "The subject's key is the CA's own.", "key")


def _check_authority(certificate: Certificate, key: HybridPrivateKey) -> None:
    alternative = certificate.alternative_public_key
    if certificate.spki != key.classical.public.spki or alternative != key.public.alternative:
        raise PkiError("The CA's keys are not the ones in its certificate.", field="key")
    constraints = certificate.extension(oids.BASIC_CONSTRAINTS)
    if constraints is None or not read_basic_constraints(constraints)[0]:
        raise PkiError("The certificate is not a CA's.", field="basicConstraints")


def key_identifier_of(certificate: Certificate) -> bytes:
    """What a CA's certificates and lists call its key: as its own certificate does (RFC 5280 4.2.1.2).

    An imported CA may have made it in another way than we do.
    """
    value = certificate.extension(oids.SUBJECT_KEY_IDENTIFIER)
    if value is None:
        return certificate.public_key.key_identifier
    return read_subject_key_identifier(value)


def refuse_request(findings: Iterable[Finding]) -> None:
    """RequestRefused with every finding that refuses; its field is the first one's."""
    refusing = [finding for finding in findings if finding.refuses]
    if refusing:
        raise RequestRefused(
            tell(refusing), next_step="Mend the request; nothing was signed.", field=refusing[0].subject
        )


def granted_lifetime(profile: Profile, asked: timedelta | None) -> timedelta:
    """What was asked for, at most the profile's; RequestRefused otherwise."""
    lifetime = profile.lifetime if asked is None else asked
    if not _SECOND <= lifetime <= profile.lifetime:
        problem = f"A lifetime of {lifetime} is asked for; profile {profile.name} allows {profile.lifetime}."
        raise RequestRefused(problem, field="lifetime")
    return lifetime


def new_serial(entropy: Entropy) -> int:
    """Positive, exactly 16 octets of DER: the top bit clear, the next set, 126 random (RFC 5280 4.1.2.2)."""
    random = int.from_bytes(entropy(16), "big")
    return (random & ((1 << 126) - 1)) | (1 << 126)
