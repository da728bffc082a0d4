"""Keys that no request may hold: rows of docs/requests.md's table, as bytes."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pki import asn1, csr, oids
from pki.keys import HybridPrivateKey
from pki.profiles import DEVICE, DEVICE_PURE
from pki.providers.interface import KeyAlgorithm
from tests.unit.pki.refusals import MALFORMED, Refusal
from tests.unit.pki.request_fixtures import MINE, request

KEY, ALTERNATIVE = "subjectPublicKeyInfo", "subjectAltPublicKeyInfo"


def spki(dotted: str, key: bytes, *parameters: bytes) -> bytes:
    """SubjectPublicKeyInfo of anything."""
    return asn1.sequence(asn1.sequence(asn1.oid(dotted), *parameters), asn1.bit_string(key))


def encoded(public: object) -> bytes:
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


@cache
def rsa_key(bits: int) -> bytes:
    return encoded(rsa.generate_private_key(65537, bits).public_key())


def rsa_numbers(modulus: int, exponent: int = 65537) -> bytes:
    numbers = asn1.sequence(asn1.integer(modulus), asn1.integer(exponent))
    return spki("1.2.840.113549.1.1.1", numbers, asn1.null())


@cache
def _primes() -> tuple[int, int]:
    numbers = rsa.generate_private_key(65537, 3072).private_numbers()
    return numbers.p, numbers.q


def small_factor() -> bytes:
    p, q = _primes()
    return rsa_numbers((p * q // 9973 | 1) * 9973)


def even_modulus() -> bytes:
    p, q = _primes()
    return rsa_numbers(p * q - 1)


def close_primes() -> bytes:
    middle = math.isqrt(1 << 3071) + 4097
    near = (n for n in range(middle | 1, middle + 100_000, 2) if math.gcd(n, 3 * 5 * 7 * 11 * 13) == 1)
    # Prime or not: Fermat's method finds any two factors that lie close together.
    first = next(n for n in near if all(n % d for d in range(3, 10_000, 2)))
    second = next(n for n in near if n > first and all(n % d for d in range(3, 10_000, 2)))
    return rsa_numbers(first * second)


def roca() -> bytes:
    """A modulus that is a power of 65537 modulo each of the fingerprint's primes."""
    modulus = math.prod((11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157))
    rest = pow(65537, 12345, modulus)
    start = (1 << 3071) - (1 << 3071) % modulus + rest
    candidates = (start + step * modulus for step in range(1, 1 << 20))
    return rsa_numbers(next(n for n in candidates if n % 2 and all(n % d for d in range(3, 10_000, 2))))


def point(octets: bytes, curve: str = oids.SECP256R1) -> bytes:
    return spki(oids.EC_PUBLIC_KEY, octets, asn1.oid(curve))


def explicit_curve() -> bytes:
    """P-256 by its numbers instead of its name: where a forger hides a generator of his own."""
    size = 32
    prime = 2**256 - 2**224 + 2**192 + 2**96 - 1
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    b = 0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B
    numbers = ec.derive_private_key(1, ec.SECP256R1()).public_key().public_numbers()
    base = b"\x04" + numbers.x.to_bytes(size, "big") + numbers.y.to_bytes(size, "big")
    field = asn1.sequence(asn1.oid("1.2.840.10045.1.1"), asn1.integer(prime))
    curve = asn1.sequence(
        asn1.octet_string((prime - 3).to_bytes(size, "big")), asn1.octet_string(b.to_bytes(size, "big"))
    )
    parameters = asn1.sequence(
        asn1.integer(1), field, curve, asn1.octet_string(base), asn1.integer(order), asn1.integer(1)
    )
    return spki(oids.EC_PUBLIC_KEY, MINE.classical.public.key_bits, parameters)


def ml_dsa_with_parameters() -> bytes:
    assert MINE.alternative is not None
    return spki(oids.ML_DSA_65, MINE.alternative.public.key_bits, asn1.null())


def compressed() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    return point(key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint))


def dsa_key() -> bytes:
    return encoded(dsa.generate_private_key(1024).public_key())  # noqa: S505 - weak on purpose


def of_key(make: Callable[[], bytes]) -> Callable[[], bytes]:
    return lambda: request({}, spki=make())


def of_alternative(make: Callable[[], bytes]) -> Callable[[], bytes]:
    return lambda: request({oids.SUBJECT_ALT_PUBLIC_KEY_INFO: make()})


def bad_key(what: str, make: Callable[[], bytes]) -> Refusal:
    return Refusal(what, MALFORMED, KEY, of_key(make))


def own(kind: KeyAlgorithm) -> Callable[[], bytes]:
    return lambda: csr.build(HybridPrivateKey.generate(kind, None), common_name="device-0001")


KEYS = (
    bad_key("an RSA-1024 key", lambda: rsa_key(1024)),
    bad_key("an RSA-2048 key", lambda: rsa_key(2048)),
    bad_key("an RSA key with exponent 1", lambda: rsa_numbers((1 << 3071) + 1, 1)),
    bad_key("an RSA key with exponent 3", lambda: rsa_numbers((1 << 3071) + 1, 3)),
    Refusal("an RSA-3072 key", "request.key_not_allowed", KEY, of_key(lambda: rsa_key(3072))),
    Refusal("an RSA key with an even modulus", "request.rsa_small_factor", KEY, of_key(even_modulus)),
    Refusal("an RSA key with a small factor", "request.rsa_small_factor", KEY, of_key(small_factor)),
    Refusal("an RSA key with close primes", "request.rsa_close_primes", KEY, of_key(close_primes)),
    Refusal("an RSA key with ROCA's fingerprint", "request.rsa_roca", KEY, of_key(roca)),
    bad_key("a DSA key", dsa_key),
    bad_key("a P-224 key", lambda: encoded(ec.generate_private_key(ec.SECP224R1()).public_key())),
    bad_key("a secp256k1 key", lambda: encoded(ec.generate_private_key(ec.SECP256K1()).public_key())),
    bad_key("an X25519 key", lambda: encoded(x25519.X25519PrivateKey.generate().public_key())),
    bad_key("an explicit curve", explicit_curve),
    bad_key("a compressed point", compressed),
    bad_key("a point that is not on the curve", lambda: point(b"\x04" + bytes(63) + b"\x01")),
    bad_key("the point at infinity", lambda: point(b"\x00")),
    bad_key("an all-zero P-256 key", lambda: point(b"\x04" + bytes(64))),
    Refusal(
        "an Ed25519 point of small order",
        "request.key_degenerate",
        KEY,
        of_key(lambda: spki(oids.ED25519, bytes(32))),
    ),
    Refusal("a P-521 key", "request.key_not_allowed", KEY, own(KeyAlgorithm.EC_P521)),
    Refusal(
        "an ML-DSA key for a classical profile", "request.key_not_allowed", KEY, own(KeyAlgorithm.ML_DSA_65)
    ),
    Refusal(
        "a P-256 key for a pure profile",
        "request.key_not_allowed",
        KEY,
        own(KeyAlgorithm.EC_P256),
        DEVICE_PURE,
    ),
    Refusal(
        "an SLH-DSA key",
        "request.key_not_allowed",
        KEY,
        of_key(lambda: spki("2.16.840.1.101.3.4.3.20", bytes(range(32)))),
        DEVICE_PURE,
    ),
    bad_key("a HashML-DSA key", lambda: spki("2.16.840.1.101.3.4.3.33", bytes(range(244)) * 8)),
    bad_key("an ML-DSA key with parameters", ml_dsa_with_parameters),
    bad_key("an ML-DSA key that is too short", lambda: spki(oids.ML_DSA_65, bytes(1951))),
    bad_key("an ML-KEM key that is out of range", lambda: spki(oids.ML_KEM_768, b"\xff" * 1184)),
    bad_key("an ML-KEM-512 key", lambda: spki("2.16.840.1.101.3.4.4.1", bytes(range(200)) * 4)),
    Refusal(
        "an all-zero ML-DSA key",
        "request.key_degenerate",
        KEY,
        of_key(lambda: spki(oids.ML_DSA_65, bytes(1952))),
        DEVICE_PURE,
    ),
    Refusal(
        "an all-zero ML-DSA key beside a good one",
        "request.key_degenerate",
        ALTERNATIVE,
        of_alternative(lambda: spki(oids.ML_DSA_65, bytes(1952))),
        DEVICE,
    ),
    Refusal("a weak key beside a good one", MALFORMED, ALTERNATIVE, of_alternative(lambda: rsa_key(1024))),
    Refusal(
        "no alternative key where the profile needs one",
        "request.alternative_key_missing",
        ALTERNATIVE,
        lambda: request({}),
        DEVICE,
    ),
    Refusal(
        "an alternative key where the profile has none",
        "request.alternative_key_not_allowed",
        ALTERNATIVE,
        request,
    ),
)
