"""Which provider serves which algorithm, as one table; and `require`, for whoever configures one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pki import asn1
from pki.errors import AlgorithmUnavailable, MalformedInput
from pki.providers import identifiers
from pki.providers.composite import Composite
from pki.providers.identifiers import COMPOSITE, ML_DSA, ML_KEM, SLH_DSA, key_oid, raw_private
from pki.providers.interface import KeyAlgorithm, Provider
from pki.providers.openssl import OpenSsl
from pki.providers.oqs_keys import Oqs
from pki.providers.pqc_pkcs8 import SEED_TAG, read_ml_dsa, read_ml_kem

OPENSSL: Final = OpenSsl()
COMPOSITES: Final = Composite()
OQS: Final = Oqs()

_TABLE: Final[dict[KeyAlgorithm, Provider]] = (
    {algorithm: OPENSSL for algorithm in KeyAlgorithm if not algorithm.is_composite}
    | dict.fromkeys(SLH_DSA.values(), OQS)
    | dict.fromkeys(COMPOSITE.values(), COMPOSITES)
)


def provider_of(algorithm: KeyAlgorithm) -> Provider:
    """Who serves the algorithm; whether he is here, `require` says."""
    return _TABLE[algorithm]


def require(algorithm: KeyAlgorithm) -> None:
    """AlgorithmUnavailable, naming algorithm, provider and remedy, where no such keys work here."""
    require_of(_TABLE[algorithm], algorithm)


def require_all(algorithms: Iterable[KeyAlgorithm]) -> None:
    """The same of each."""
    for algorithm in algorithms:
        require(algorithm)


def require_of(provider: Provider, algorithm: KeyAlgorithm) -> None:
    """The same of one provider."""
    if provider.supports(algorithm):
        return
    remedy = "Install the locked version of `cryptography` (make setup)."
    if provider is OQS:
        remedy = "Install your distribution's liboqs package, or run `medtrust oqs install`."
    raise AlgorithmUnavailable(
        f"The algorithm {algorithm} needs the provider {provider.name}, which cannot do it here.",
        next_step=remedy,
        field=str(algorithm),
    )


def load_public(spki: bytes) -> tuple[Provider, KeyAlgorithm, object]:
    """The provider, the algorithm and the provider's handle; MalformedInput where it is no known key."""
    provider = _by_oid(key_oid(spki, private=False))
    return provider, *provider.load_public(spki)


def load_private(pkcs8: bytes) -> tuple[Provider, KeyAlgorithm, object]:
    """As `load_public`; an ML-DSA or ML-KEM key may come as seed, expanded or both."""
    dotted = key_oid(pkcs8, private=True)
    provider = _by_oid(dotted)
    if dotted in ML_DSA:
        forms = read_ml_dsa(ML_DSA[dotted], raw_private(pkcs8)[1])
        if forms.seed is None:
            return OQS, *OQS.load_private(pkcs8)
        pkcs8 = identifiers.pkcs8(ML_DSA[dotted], asn1.tlv(SEED_TAG, forms.seed))
    if dotted in ML_KEM:
        return _load_ml_kem(ML_KEM[dotted], pkcs8)
    return provider, *provider.load_private(pkcs8)


def _load_ml_kem(algorithm: KeyAlgorithm, pkcs8: bytes) -> tuple[Provider, KeyAlgorithm, object]:
    forms = read_ml_kem(algorithm, raw_private(pkcs8)[1])
    if forms.seed is None:
        return OQS, *OQS.load_private(pkcs8)
    handle = OPENSSL.load_private(identifiers.pkcs8(algorithm, asn1.tlv(SEED_TAG, forms.seed)))[1]
    if forms.public and OPENSSL.public_bytes(handle) != identifiers.spki(algorithm, forms.public):
        raise MalformedInput("The seed and the expanded key do not belong together.", field="key")
    return OPENSSL, algorithm, handle


def _by_oid(dotted: str) -> Provider:
    if dotted in COMPOSITE:
        return COMPOSITES
    return OQS if dotted in SLH_DSA else OPENSSL
