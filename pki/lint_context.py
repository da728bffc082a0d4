"""What lint rules look at: the twin cut into fields, and what its issuer meant to sign."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from pki import names
from pki.algorithms import SignatureAlgorithm
from pki.extensions import Extension
from pki.findings import Finding
from pki.keys import HybridPublicKey
from pki.profiles import IssuerIdentity, Profile, StatusUrls, SubjectFacts
from pki.tbs import Certificate


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
