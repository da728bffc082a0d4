"""Which algorithms our settings and our own keys ask for, and which of them do not work on this machine."""

from __future__ import annotations

from pki.algorithms import KeyAlgorithm
from pki.errors import AlgorithmUnavailable
from pki.providers.interface import Provider
from pki.providers.routing import OQS, provider_of, require_of
from pki.second_opinion import MlDsaSigner, SecondOpinion
from service.authorities import read_register
from service.authority import certificate_file
from service.home import Home
from service.pem import read_certificate
from service.settings import Settings


def missing_here() -> tuple[KeyAlgorithm, ...]:
    """Kinds of keys that no provider on this machine can make or check."""
    return tuple(kind for kind in KeyAlgorithm if not provider_of(kind).supports(kind))


def unmet(home: Home, settings: Settings) -> tuple[AlgorithmUnavailable, ...]:
    """What our settings and our CAs need and cannot have; each names algorithm, provider and remedy."""
    wanted: dict[tuple[str, KeyAlgorithm], Provider] = {}
    use = settings.key_use
    if use.signer is MlDsaSigner.OQS or use.opinion is SecondOpinion.REQUIRED:
        wanted[OQS.name, KeyAlgorithm.ML_DSA_65] = OQS
    for entry in read_register(home).entries:
        certificate = read_certificate(certificate_file(home, entry.name))
        for key in (certificate.public_key, certificate.alternative_public_key):
            if key is not None:
                provider = provider_of(key.algorithm)
                wanted[provider.name, key.algorithm] = provider
    refusals = (_refusal(provider, kind) for (_, kind), provider in wanted.items())
    return tuple(refusal for refusal in refusals if refusal is not None)


def _refusal(provider: Provider, kind: KeyAlgorithm) -> AlgorithmUnavailable | None:
    try:
        require_of(provider, kind)
    except AlgorithmUnavailable as gone:
        return gone
    return None
