"""What lint rules look at: the twin cut into fields, and what its issuer meant to sign."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pki import names
from pki.algorithms import SignatureAlgorithm
from pki.extensions import Extension
from pki.findings import Finding
from pki.keys import HybridPublicKey
from pki.name_constraints import ConstraintState
from pki.profiles import Form, IssuerIdentity, Profile, StatusUrls, SubjectFacts
from pki.tbs import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFacts:
    """What the issuer and the CAs above it leave to a certificate below; reckoned once an issuer."""

    form: Form | None = None
    """The issuer's own; None: there is no issuer, the certificate is a trust anchor."""
    resists_quantum: bool = False
    """Whether one of the issuer's keys does."""
    path_length: int | None = None
    """How many CAs may follow; None: any number."""
    constraints: ConstraintState | None = None
    """Every name constraint above; None: there is none."""
    keys: frozenset[bytes] = frozenset()
    """SubjectPublicKeyInfo of every key above, halves of composites included."""


NOTHING_ABOVE: Final = ChainFacts()


@dataclass(frozen=True, slots=True, kw_only=True)
class LintContext:
    """The intention that a certificate is judged against. Times are aware UTC."""

    issuer: IssuerIdentity
    algorithm: SignatureAlgorithm
    """What the issuer's classical key signs with."""
    issuer_not_before: datetime
    issuer_not_after: datetime
    facts: SubjectFacts
    public: HybridPublicKey
    """The keys whose possession was proven."""
    urls: StatusUrls
    now: datetime
    chain: ChainFacts = NOTHING_ABOVE


@dataclass(frozen=True, slots=True)
class Twin:
    """A certificate under judgement."""

    certificate: Certificate
    values: dict[str, Extension]
    """Extensions by OID; where one is repeated, the first."""
    subject: tuple[names.Attribute, ...]
    profile: Profile
    context: LintContext

    @classmethod
    def of(cls, certificate: Certificate, profile: Profile, context: LintContext) -> Twin:
        """A view that rules share; MalformedInput for a subject that is no Name."""
        values: dict[str, Extension] = {}
        for extension in certificate.extensions:
            values.setdefault(extension.oid, extension)
        return cls(certificate, values, names.parse(certificate.subject), profile, context)

    def value(self, dotted: str) -> bytes | None:
        """The value of an extension, or None where it is absent."""
        extension = self.values.get(dotted)
        return extension.value if extension is not None else None


Rule = Callable[[Twin], Iterator[Finding]]
