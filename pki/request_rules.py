"""What a profile lets a request ask for. Nothing asked for is copied: asking for too much is what refuses.

A request is matched against the registry's facts, so that it cannot be meant for another subject. Rules about
the subject stand in pki.request_subject, those about extensions in pki.request_extensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from pki import oids
from pki.csr import Request
from pki.findings import Finding, error
from pki.profiles import Form, Profile, SubjectFacts
from pki.related import RelatedCertificate
from pki.request_extensions import check_extensions
from pki.request_subject import check_subject
from pki.weak_keys import weaknesses

_WHY: Final = {
    oids.CHALLENGE_PASSWORD: (
        "challengePassword is a secret that this CA has no use for and does not want to hold; "
        "leave it empty when OpenSSL asks."
    ),
    "1.2.840.113549.1.9.2": "unstructuredName says nothing that this CA reads; leave it empty.",
}


def check_request(request: Request, profile: Profile, facts: SubjectFacts) -> tuple[Finding, ...]:
    """Findings that refuse, each with the request's field as its subject; proofs are checked elsewhere."""
    return (
        *_keys(request, profile),
        *check_subject(request.subject, facts),
        *_attributes(request),
        *_binding(request, profile, facts),
        *check_extensions(request.extensions_asked, profile, facts),
    )


def _keys(request: Request, profile: Profile) -> Iterator[Finding]:
    main, alternative = request.public.classical, request.public.alternative
    if main.algorithm not in profile.classical:
        allowed = ", ".join(sorted(profile.classical))
        problem = f"The key is {main.algorithm}; profile {profile.name} allows {allowed}."
        yield error("request.key_not_allowed", problem, "subjectPublicKeyInfo")
    yield from weaknesses(main, "subjectPublicKeyInfo")
    if alternative is None:
        if profile.alternative_required:
            problem = f"Profile {profile.name} needs an alternative key of kind {profile.alternative}."
            yield error("request.alternative_key_missing", problem, "subjectAltPublicKeyInfo")
        return
    if alternative.algorithm is not profile.alternative:
        wanted = profile.alternative or "none"
        problem = f"The alternative key is {alternative.algorithm}; profile {profile.name} allows {wanted}."
        yield error("request.alternative_key_not_allowed", problem, "subjectAltPublicKeyInfo")
    yield from weaknesses(alternative, "subjectAltPublicKeyInfo")


def _attributes(request: Request) -> Iterator[Finding]:
    for dotted in request.foreign_attributes:
        problem = _WHY.get(dotted, f"The attribute {dotted} is not one that this CA reads.")
        if dotted.startswith(oids.MICROSOFT):
            problem = (
                f"The attribute {dotted} is one that Windows' certreq adds; this CA does not read it. "
                "Make the request with `medtrust cert request` or OpenSSL."
            )
        yield error("request.attribute_not_known", problem, dotted)


def _binding(request: Request, profile: Profile, facts: SubjectFacts) -> Iterator[Finding]:
    if profile.form is not Form.RELATED:
        if request.related is not None:
            problem = f"Profile {profile.name} binds no certificate to another."
            yield error("request.related_not_in_profile", problem, "relatedCertRequest")
        return
    if request.related is None:
        problem = f"Profile {profile.name} needs a request that names the certificate to be bound to."
        yield error("request.related_request_missing", problem, "relatedCertRequest")
        return
    shown = request.shown.certificate
    if (
        facts.related is None
        or shown is None
        or not RelatedCertificate.read(facts.related).matches(shown.der)
    ):
        problem = "The certificate would be bound to another one than the request proves."
        yield error("request.related_binding_another", problem, "certID")
