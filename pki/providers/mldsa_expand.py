"""ML-DSA key expansion, FIPS 204 Algorithm 6: from the seed that we keep to the key that liboqs signs with.

Plain Python over hashlib, about 0.1 s a key, once per key that is loaded for fast signing. Not constant in
time: see docs/adr/0013. Not handled: signing and verification, which stay with the libraries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pki.errors import MalformedInput
from pki.providers.interface import KeyAlgorithm

_Q: Final = 8380417
_N: Final = 256
_D: Final = 13
Poly = list[int]


@dataclass(frozen=True, slots=True)
class Shape:
    """FIPS 204 table 1."""

    k: int
    l: int  # noqa: E741 - the standard's own name
    eta: int

    @property
    def small_bits(self) -> int:
        """Bits of a coefficient of s1 and s2."""
        return 3 if self.eta == 2 else 4

    @property
    def secret_bytes(self) -> int:
        """Size of the expanded private key."""
        return 128 + 32 * ((self.k + self.l) * self.small_bits + self.k * _D)


SHAPES: Final = {
    KeyAlgorithm.ML_DSA_44: Shape(4, 4, 2),
    KeyAlgorithm.ML_DSA_65: Shape(6, 5, 4),
    KeyAlgorithm.ML_DSA_87: Shape(8, 7, 2),
}


def _zetas() -> Poly:
    """1753 to the power of the bit-reversed index (appendix B)."""
    return [pow(1753, int(f"{i:08b}"[::-1], 2), _Q) for i in range(_N)]


_ZETAS: Final = _zetas()


def expand(algorithm: KeyAlgorithm, seed: bytes) -> tuple[bytes, bytes]:
    """(public key, expanded private key) of a seed."""
    shape = SHAPES[algorithm]
    stretched = hashlib.shake_256(seed + bytes((shape.k, shape.l))).digest(128)
    rho, rho_prime, key = stretched[:32], stretched[32:96], stretched[96:]
    small = [_small(rho_prime + i.to_bytes(2, "little"), shape.eta) for i in range(shape.k + shape.l)]
    s1, s2 = small[: shape.l], small[shape.l :]
    t1, t0 = _power2round(_matrix_times(shape, rho, s1, s2))
    public = rho + _pack(t1, 10)
    secret = rho + key + hashlib.shake_256(public).digest(64)
    secret += _pack(([shape.eta - c for c in poly] for poly in small), shape.small_bits)
    return public, secret + _pack(([(1 << (_D - 1)) - c for c in poly] for poly in t0), _D)


def public_of(algorithm: KeyAlgorithm, secret: bytes) -> bytes:
    """The public key of an expanded private key, whose parts must fit each other; else MalformedInput."""
    shape = SHAPES[algorithm]
    if len(secret) != shape.secret_bytes:
        raise MalformedInput(f"The expanded {algorithm} key has the wrong length.", field="key")
    at, polys = 128, []
    for _ in range(shape.k + shape.l):
        size = 32 * shape.small_bits
        poly = [shape.eta - c for c in _unpack(secret[at : at + size], shape.small_bits)]
        if min(poly) < -shape.eta:
            raise MalformedInput(f"The expanded {algorithm} key holds a value out of range.", field="key")
        polys.append(poly)
        at += size
    t1, t0 = _power2round(_matrix_times(shape, secret[:32], polys[: shape.l], polys[shape.l :]))
    public = secret[:32] + _pack(t1, 10)
    tail = _pack(([(1 << (_D - 1)) - c for c in poly] for poly in t0), _D)
    if hashlib.shake_256(public).digest(64) != secret[64:128] or tail != secret[at:]:
        raise MalformedInput(
            f"The parts of the expanded {algorithm} key do not belong together.", field="key"
        )
    return public


def _matrix_times(shape: Shape, rho: bytes, s1: list[Poly], s2: list[Poly]) -> list[Poly]:
    """t = A s1 + s2, with A from rho (Algorithm 32)."""
    turned = [_ntt(poly) for poly in s1]
    out = []
    for row in range(shape.k):
        total = [0] * _N
        for column, poly in enumerate(turned):
            entry = _uniform(rho + bytes((column, row)))
            total = [t + a * b for t, a, b in zip(total, entry, poly, strict=True)]
        out.append([(t + s) % _Q for t, s in zip(_inverse_ntt(total), s2[row], strict=True)])
    return out


def _uniform(seed: bytes) -> Poly:
    """RejNTTPoly, Algorithm 30."""
    stream = hashlib.shake_128(seed).digest(168 * 6)  # 336 candidates; one in a thousand is rejected.
    found = []
    for at in range(0, len(stream), 3):
        value = stream[at] | stream[at + 1] << 8 | (stream[at + 2] & 0x7F) << 16
        if value < _Q:
            found.append(value)
    return found[:_N]


def _small(seed: bytes, eta: int) -> Poly:
    """RejBoundedPoly, Algorithm 31."""
    found: Poly = []
    for octet in hashlib.shake_256(seed).digest(136 * 4):
        for nibble in (octet & 15, octet >> 4):
            if eta == 2 and nibble < 15:
                found.append(2 - nibble % 5)
            elif eta == 4 and nibble < 9:
                found.append(4 - nibble)
    return found[:_N]


def _ntt(poly: Poly) -> Poly:
    """Algorithm 41."""
    w, m, length = list(poly), 0, 128
    while length:
        for start in range(0, _N, 2 * length):
            m += 1
            zeta = _ZETAS[m]
            for j in range(start, start + length):
                t = zeta * w[j + length] % _Q
                w[j + length] = w[j] - t
                w[j] += t
        length >>= 1
    return w


def _inverse_ntt(poly: Poly) -> Poly:
    """Algorithm 42."""
    w, m, length = [c % _Q for c in poly], _N, 1
    while length < _N:
        for start in range(0, _N, 2 * length):
            m -= 1
            zeta = -_ZETAS[m]
            for j in range(start, start + length):
                t = w[j]
                w[j] = t + w[j + length]
                w[j + length] = zeta * (t - w[j + length]) % _Q
        length <<= 1
    return [c * 8347681 % _Q for c in w]


def _power2round(t: list[Poly]) -> tuple[list[Poly], list[Poly]]:
    """Algorithm 35: the high 10 bits and the signed low 13."""
    half = 1 << (_D - 1)
    high = [[(c + half - 1) >> _D for c in poly] for poly in t]
    low = [[c - (h << _D) for c, h in zip(poly, top, strict=True)] for poly, top in zip(t, high, strict=True)]
    return high, low


def _pack(polys: Iterable[Poly], bits: int) -> bytes:
    """Algorithms 16 and 17: coefficients little-endian, one behind the other."""
    return b"".join(
        sum(c << (bits * place) for place, c in enumerate(poly)).to_bytes(32 * bits, "little")
        for poly in polys
    )


def _unpack(octets: bytes, bits: int) -> Poly:
    whole, mask = int.from_bytes(octets, "little"), (1 << bits) - 1
    return [whole >> (bits * place) & mask for place in range(_N)]
