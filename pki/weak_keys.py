"""Public keys that no honest generator makes: degenerate ones, and RSA moduli that are known to fall.

A library loads all of these. Not handled here: kinds and sizes (the provider, the profile).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from pki import asn1
from pki.algorithms import KeyAlgorithm, PublicKey
from pki.findings import Finding, error

_P25519: Final = 2**255 - 19
_ORDER_8: Final = (
    0x05FC536D880238B13933C6D305ACDFD5F098EFF289F4C345B027B2C28F95E826,
    0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD83D3D6A6A17C7,
)
_SMALL_ORDER_Y: Final = frozenset({0, 1, _P25519 - 1, _P25519, _P25519 + 1, *_ORDER_8})
"""The y of Ed25519's eight points of small order, not reduced ones included."""
_ROCA_PRIMES: Final = (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157)
"""Modulo these a flawed chip's primes are powers of 65537 (CVE-2017-15361)."""
_SMALL_PRIME_BOUND: Final = 10_000
_FERMAT_ROUNDS: Final = 128
_FEW: Final = 8
"""Distinct octets that 32 random ones always exceed: the chance is below 2^-90."""


def weaknesses(key: PublicKey, field: str) -> Iterator[Finding]:
    """Findings that refuse the key; `field` names where it stands."""
    if key.algorithm in (KeyAlgorithm.RSA_3072, KeyAlgorithm.RSA_4096):
        yield from _rsa(key, field)
    elif key.algorithm is KeyAlgorithm.ED25519:
        y = int.from_bytes(key.key_bits, "little") & (2**255 - 1)
        if y in _SMALL_ORDER_Y:
            yield error("request.key_degenerate", "The Ed25519 key is a point of small order.", field)
    elif not key.algorithm.is_classical:
        # Seed and what follows: FIPS 203, 204 and 205 make all of it of a hash's output.
        octets = key.key_bits
        if any(len(set(part)) < _FEW for part in (octets[:32], octets[32:96], octets[-32:]) if part):
            problem = f"The {key.algorithm} key's octets repeat: it was not generated."
            yield error("request.key_degenerate", problem, field)


def _rsa(key: PublicKey, field: str) -> Iterator[Finding]:
    numbers = asn1.whole(key.key_bits, what="RSAPublicKey")
    modulus = asn1.int_value(key.key_bits, asn1.children(key.key_bits, numbers)[0])
    if math.gcd(modulus, _primorial()) != 1:
        problem = f"The RSA modulus has a prime factor below {_SMALL_PRIME_BOUND}."
        yield error("request.rsa_small_factor", problem, field)
    if all(modulus % prime in _powers(prime) for prime in _ROCA_PRIMES):
        problem = "The RSA modulus has the fingerprint of CVE-2017-15361 (ROCA)."
        yield error("request.rsa_roca", problem, field)
    if _close_primes(modulus):
        yield error("request.rsa_close_primes", "The RSA primes are close together.", field)


@lru_cache(maxsize=1)
def _primorial() -> int:
    sieve = bytearray([1]) * _SMALL_PRIME_BOUND
    product = 1
    for number in range(2, _SMALL_PRIME_BOUND):
        if sieve[number]:
            product *= number
            sieve[number * number :: number] = bytes(len(range(number * number, _SMALL_PRIME_BOUND, number)))
    return product


@lru_cache(maxsize=32)
def _powers(prime: int) -> frozenset[int]:
    return frozenset(pow(65537, exponent, prime) for exponent in range(prime))


def _close_primes(modulus: int) -> bool:
    """Fermat's factoring, a few rounds."""
    root = math.isqrt(modulus - 1) + 1
    for candidate in range(root, root + _FERMAT_ROUNDS):
        rest = candidate * candidate - modulus
        if math.isqrt(rest) ** 2 == rest:
            return True
    return False
