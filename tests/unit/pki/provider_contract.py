"""What every provider must do for every algorithm that it says it supports: checks to be run over each.

A provider elsewhere (a token) runs the same checks: parametrize over CHECKS, or over those that fit it.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pki import asn1
from pki.algorithms import signature_algorithm_of
from pki.errors import AlgorithmUnavailable, MalformedInput
from pki.providers.interface import KemProvider, KeyAlgorithm, Provider, SignatureAlgorithm

DATA = b"what is signed"


def goes_around(provider: Provider, algorithm: KeyAlgorithm) -> None:
    """Generated, written, read: the same key; its public half is in its one form."""
    handle = provider.generate(algorithm)
    der = provider.private_bytes(handle)
    kind, again = provider.load_private(der)
    assert kind is algorithm
    assert provider.private_bytes(again) == der
    assert provider.public_bytes(again) == provider.public_bytes(handle)
    assert provider.load_public(provider.public_bytes(handle))[0] is algorithm


def two_keys_differ(provider: Provider, algorithm: KeyAlgorithm) -> None:
    """The random source is read."""
    one, other = provider.generate(algorithm), provider.generate(algorithm)
    assert provider.public_bytes(one) != provider.public_bytes(other)


def malformed_keys_are_typed_errors(provider: Provider, algorithm: KeyAlgorithm) -> None:
    """Cut, lengthened, emptied and foreign bytes: MalformedInput, never a library's exception."""
    handle = provider.generate(algorithm)
    for load, der in (
        (provider.load_private, provider.private_bytes(handle)),
        (provider.load_public, provider.public_bytes(handle)),
    ):
        for spoilt in (b"", der[:1], der[:-1], der + b"\0", b"\x30\x80" + der, asn1.sequence(), bytes(64)):
            with pytest.raises(MalformedInput) as refused:
                load(spoilt)
            assert refused.value.field


def an_unknown_algorithm_is_not_made(provider: Provider, algorithm: KeyAlgorithm) -> None:
    """RSA is nobody's to make, and no provider makes what it does not support."""
    for other in KeyAlgorithm:
        if not provider.supports(other) or other.value.startswith("rsa-"):
            with pytest.raises(AlgorithmUnavailable) as refused:
                provider.generate(other)
            assert refused.value.field == str(other)
            assert refused.value.next_step


def signs_what_it_verifies(provider: Provider, algorithm: KeyAlgorithm) -> None:
    """A good signature holds; over other data, by another key, altered anywhere or resized it does not."""
    handle, name = provider.generate(algorithm), signature_algorithm_of(algorithm)
    public = _public(provider, handle)
    good = provider.sign(handle, name, DATA)
    assert provider.verify(public, name, good, DATA)
    assert not provider.verify(public, name, good, DATA + b"\0")
    assert not provider.verify(_public(provider, provider.generate(algorithm)), name, good, DATA)
    for place in (0, len(good) // 2, len(good) - 1):
        altered = bytearray(good)
        altered[place] ^= 1
        assert not provider.verify(public, name, bytes(altered), DATA), place
    for resized in (b"", good[:-1], good + b"\0", good * 2):
        assert not provider.verify(public, name, resized, DATA)


def no_other_algorithm_is_believed(provider: Provider, algorithm: KeyAlgorithm) -> None:
    """A key verifies its own algorithm only, whatever an AlgorithmIdentifier says."""
    handle, name = provider.generate(algorithm), signature_algorithm_of(algorithm)
    public, good = _public(provider, handle), provider.sign(handle, name, DATA)
    believed = [a for a in SignatureAlgorithm if provider.verify(public, a, good, DATA)]
    assert believed == [name]


def empty_and_long_data_are_signed(provider: Provider, algorithm: KeyAlgorithm) -> None:
    """Nothing is too short or too long."""
    handle, name = provider.generate(algorithm), signature_algorithm_of(algorithm)
    public = _public(provider, handle)
    for data in (b"", b"\0", bytes(1_000_000)):
        assert provider.verify(public, name, provider.sign(handle, name, data), data)


def signatures_are_hedged(provider: Provider, algorithm: KeyAlgorithm) -> None:
    """Fresh randomness in each signature, where the algorithm has room for it: not Ed25519."""
    handle, name = provider.generate(algorithm), signature_algorithm_of(algorithm)
    one, other = (provider.sign(handle, name, DATA) for _ in range(2))
    assert (one != other) is (algorithm is not KeyAlgorithm.ED25519)


def threads_share_a_key(provider: Provider, algorithm: KeyAlgorithm) -> None:
    """A key object may be used by many threads at once."""
    handle, name = provider.generate(algorithm), signature_algorithm_of(algorithm)
    public = _public(provider, handle)
    messages = [bytes((n,)) * (n + 1) for n in range(16)]
    with ThreadPoolExecutor(4) as pool:
        signatures = list(pool.map(lambda data: provider.sign(handle, name, data), messages))
        held = pool.map(
            lambda pair: provider.verify(public, name, *pair), zip(signatures, messages, strict=True)
        )
        assert list(held) == [True] * len(messages)


def a_secret_arrives(provider: Provider, algorithm: KeyAlgorithm) -> None:
    """Encapsulated, decapsulated; a forged ciphertext gives another secret, a short one an error."""
    assert isinstance(provider, KemProvider)
    handle = provider.generate(algorithm)
    shared, ciphertext = provider.encapsulate(_public(provider, handle))
    assert len(shared) == 32
    assert provider.decapsulate(handle, ciphertext) == shared
    forged = ciphertext[:-1] + bytes((ciphertext[-1] ^ 1,))
    assert provider.decapsulate(handle, forged) != shared
    with pytest.raises(MalformedInput):
        provider.decapsulate(handle, ciphertext[:-1])


Check = Callable[[Provider, KeyAlgorithm], None]
KEY_CHECKS: tuple[Check, ...] = (
    goes_around,
    two_keys_differ,
    malformed_keys_are_typed_errors,
    an_unknown_algorithm_is_not_made,
)
SIGNING_CHECKS: tuple[Check, ...] = (
    signs_what_it_verifies,
    no_other_algorithm_is_believed,
    empty_and_long_data_are_signed,
    signatures_are_hedged,
    threads_share_a_key,
)
KEM_CHECKS: tuple[Check, ...] = (a_secret_arrives,)


def checks_for(algorithm: KeyAlgorithm) -> tuple[Check, ...]:
    """All that apply to a kind of key."""
    return KEY_CHECKS + (KEM_CHECKS if algorithm.is_kem else SIGNING_CHECKS)


def _public(provider: Provider, handle: object) -> object:
    return provider.load_public(provider.public_bytes(handle))[1]
