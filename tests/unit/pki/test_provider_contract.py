"""One suite over each provider that is here. A second provider of an algorithm must agree with the first."""

from __future__ import annotations

import pytest

from pki.algorithms import signature_algorithm_of
from pki.providers import oqs
from pki.providers.composite_kinds import KINDS
from pki.providers.interface import KeyAlgorithm, Provider
from pki.providers.routing import COMPOSITES, OPENSSL, OQS, provider_of
from tests.unit.pki.provider_contract import Check, checks_for

CLASSICAL = (KeyAlgorithm.EC_P256, KeyAlgorithm.EC_P384, KeyAlgorithm.EC_P521, KeyAlgorithm.ED25519)
ML_DSA = (KeyAlgorithm.ML_DSA_44, KeyAlgorithm.ML_DSA_65, KeyAlgorithm.ML_DSA_87)
ML_KEM = (KeyAlgorithm.ML_KEM_768, KeyAlgorithm.ML_KEM_1024)
COMPOSITE = tuple(kind for kind in KINDS if "-rsa" not in kind.value)
SLH_DSA = tuple(kind for kind in KeyAlgorithm if kind.value.startswith("slh-dsa"))
SLH_DSA_FAST = tuple(kind for kind in SLH_DSA if kind.value.endswith("f"))
"""The small ones sign for half a second each: they go around in one check of their own."""

OFFERS: tuple[tuple[Provider, tuple[KeyAlgorithm, ...]], ...] = (
    (OPENSSL, CLASSICAL + ML_DSA + ML_KEM),
    (COMPOSITES, COMPOSITE),
    (OQS, ML_DSA + SLH_DSA_FAST),
)
CASES = [
    pytest.param(provider, kind, check, id=f"{provider.name}-{kind}-{check.__name__}")
    for provider, kinds in OFFERS
    for kind in kinds
    for check in checks_for(kind)
]


def _or_skip(provider: Provider, kind: KeyAlgorithm) -> None:
    if provider is OQS and not oqs.status().mechanisms:
        pytest.skip(f"liboqs is not here: {oqs.status().sentence}")
    if provider is OQS and not provider.supports(kind):
        pytest.skip(f"this build of liboqs has no {kind}")


@pytest.mark.parametrize(("provider", "kind", "check"), CASES)
def test_contract(provider: Provider, kind: KeyAlgorithm, check: Check) -> None:
    _or_skip(provider, kind)
    assert provider.supports(kind)
    check(provider, kind)


@pytest.mark.parametrize("kind", sorted(set(SLH_DSA) - set(SLH_DSA_FAST)), ids=str)
def test_the_small_slh_dsa_signs_too(kind: KeyAlgorithm) -> None:
    _or_skip(OQS, kind)
    handle, name = OQS.generate(kind), signature_algorithm_of(kind)
    public = OQS.load_public(OQS.public_bytes(handle))[1]
    signature = OQS.sign(handle, name, b"data")
    assert OQS.verify(public, name, signature, b"data")
    assert not OQS.verify(public, name, signature, b"date")


@pytest.mark.parametrize("kind", ML_DSA, ids=str)
def test_two_libraries_are_one_key(kind: KeyAlgorithm) -> None:
    """The expanded key is computed here from the seed: it must be the one that OpenSSL has."""
    _or_skip(OQS, kind)
    ours = OPENSSL.generate(kind)
    theirs = OQS.load_private(OPENSSL.private_bytes(ours))[1]
    spki, name = OPENSSL.public_bytes(ours), signature_algorithm_of(kind)
    assert OQS.public_bytes(theirs) == spki
    assert OQS.private_bytes(theirs) == OPENSSL.private_bytes(ours)
    assert OPENSSL.verify(OPENSSL.load_public(spki)[1], name, OQS.sign(theirs, name, b"data"), b"data")
    assert OQS.verify(OQS.load_public(spki)[1], name, OPENSSL.sign(ours, name, b"data"), b"data")


def test_every_algorithm_has_a_provider_in_the_table() -> None:
    assert {provider_of(kind) for kind in KeyAlgorithm} == {OPENSSL, COMPOSITES, OQS}
