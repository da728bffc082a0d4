"""The provider behind liboqs: SLH-DSA (RFC 9909), ML-DSA signed many times faster, and expanded-form keys.

Signatures are hedged: liboqs mixes in fresh randomness from the system. No lock: the mechanism objects
hold no key and the C calls write only to buffers of their own call. Not handled: HashML-DSA, HashSLH-DSA.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import Any, Final, cast

from pki import asn1
from pki.errors import AlgorithmUnavailable, MalformedInput, PkiError
from pki.providers import oqs
from pki.providers.identifiers import ML_DSA, ML_KEM, SLH_DSA, pkcs8, raw_private, raw_public, spki
from pki.providers.interface import KeyAlgorithm, SignatureAlgorithm
from pki.providers.mldsa_expand import SHAPES, expand
from pki.providers.openssl import OpenSsl
from pki.providers.pqc_pkcs8 import ML_KEM_PUBLIC_BYTES, read_ml_dsa, read_ml_kem

_KNOWN: Final = ML_DSA | SLH_DSA
_SLH_DSA_PUBLIC: Final = {"128": 32, "192": 48, "256": 64}
_RAW_PUBLIC: Final = {
    KeyAlgorithm.ML_DSA_44: 1312,
    KeyAlgorithm.ML_DSA_65: 1952,
    KeyAlgorithm.ML_DSA_87: 2592,
    **ML_KEM_PUBLIC_BYTES,
}


@dataclass(frozen=True, slots=True)
class OqsPrivate:
    """A private key in the form that liboqs signs with, kept as a C buffer from load to release."""

    algorithm: KeyAlgorithm
    public: bytes
    seed: bytes | None = field(repr=False)
    """What the key was expanded from; None for SLH-DSA and for keys that came expanded."""
    secret: ctypes.Array[ctypes.c_char] = field(repr=False, compare=False)

    def __del__(self) -> None:
        ctypes.memset(self.secret, 0, len(self.secret))


@dataclass(frozen=True, slots=True)
class OqsPublic:
    """A public key's octets."""

    algorithm: KeyAlgorithm
    raw: bytes


class Oqs:
    """Provider of SLH-DSA and of ML-DSA, where liboqs is."""

    name = "liboqs"

    def supports(self, algorithm: KeyAlgorithm) -> bool:
        """Whether the library is here and was built with it; ML-KEM only for keys that came expanded."""
        if algorithm not in _KNOWN.values():
            return False
        try:
            oqs.mechanism(algorithm)
        except AlgorithmUnavailable:
            return False
        return True

    def generate(self, algorithm: KeyAlgorithm) -> object:
        """A new key; ML-DSA from a new seed, so that it can be stored as one."""
        if algorithm in SHAPES:
            return self.load_private(OpenSsl().private_bytes(OpenSsl().generate(algorithm)))[1]
        if algorithm not in _KNOWN.values():
            raise AlgorithmUnavailable(
                f"The provider {self.name} makes no {algorithm} keys.",
                next_step="Choose SLH-DSA or ML-DSA.",
                field=str(algorithm),
            )
        mechanism = oqs.mechanism(algorithm)
        public = ctypes.create_string_buffer(mechanism.length_public_key)
        secret = ctypes.create_string_buffer(mechanism.length_secret_key)
        if oqs.native().OQS_SIG_keypair(mechanism.native_sig, public, secret) != 0:
            raise PkiError("liboqs could not make a key.", field=str(algorithm))
        return OqsPrivate(algorithm, public.raw, None, secret)

    def load_private(self, pkcs8: bytes) -> tuple[KeyAlgorithm, object]:
        """SLH-DSA raw (RFC 9909 section 6); ML-DSA as seed, expanded or both (RFC 9881 section 6)."""
        dotted, content = raw_private(pkcs8)
        if dotted in ML_DSA:
            algorithm = ML_DSA[dotted]
            form = read_ml_dsa(algorithm, content)
            if form.seed is not None:
                return algorithm, expanded(algorithm, form.seed)
            return algorithm, OqsPrivate(algorithm, form.public, None, _buffer(form.expanded))
        if dotted in ML_KEM:
            kem = read_ml_kem(ML_KEM[dotted], content)
            if kem.seed is not None and not kem.expanded:
                raise MalformedInput("liboqs takes an ML-KEM key in its expanded form.", field="key")
            return ML_KEM[dotted], OqsPrivate(ML_KEM[dotted], kem.public, None, _buffer(kem.expanded))
        algorithm = _slh_dsa(dotted)
        if len(content) != 2 * slh_dsa_public_bytes(algorithm):
            raise MalformedInput(f"The {algorithm} private key has the wrong length.", field="key")
        # FIPS 205 figure 15: the public key is the private key's second half.
        return algorithm, OqsPrivate(algorithm, content[len(content) // 2 :], None, _buffer(content))

    def load_public(self, spki: bytes) -> tuple[KeyAlgorithm, object]:
        """The key's octets, of the right length; also where the library is absent."""
        dotted, raw = raw_public(spki)
        algorithm = (ML_DSA | ML_KEM).get(dotted) or _slh_dsa(dotted)
        size = _RAW_PUBLIC.get(algorithm) or slh_dsa_public_bytes(algorithm)
        if len(raw) != size:
            raise MalformedInput(f"The {algorithm} public key has the wrong length.", field="key")
        return algorithm, OqsPublic(algorithm, raw)

    def private_bytes(self, handle: object) -> bytes:
        """PKCS#8 DER: SLH-DSA raw, ML-DSA as its seed, or expanded where there is no seed."""
        key = cast(OqsPrivate, handle)
        if key.seed is not None:
            return pkcs8(key.algorithm, asn1.implicit(0, key.seed))
        raw = key.secret.raw
        return pkcs8(key.algorithm, asn1.octet_string(raw) if key.algorithm in _RAW_PUBLIC else raw)

    def public_bytes(self, handle: object) -> bytes:
        """SubjectPublicKeyInfo DER."""
        key = cast(OqsPrivate, handle)
        return spki(key.algorithm, key.public)

    def sign(self, handle: object, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        """Pure, empty context."""
        key = cast(OqsPrivate, handle)
        if algorithm.value != key.algorithm.value:
            raise MalformedInput(f"A {key.algorithm} key does not sign with {algorithm}.", field="key")
        return sign_raw(key, data)

    def verify(self, handle: object, algorithm: SignatureAlgorithm, signature: bytes, data: bytes) -> bool:
        """False for a bad signature; AlgorithmUnavailable, never a guess, where the library is absent."""
        key = cast(OqsPublic, handle)
        return algorithm.value == key.algorithm.value and verify_raw(key, signature, data)

    def encapsulate(self, handle: object) -> tuple[bytes, bytes]:
        """ML-KEM.Encaps."""
        key = cast(OqsPublic, handle)
        with oqs.kem(key.algorithm) as kem:
            ciphertext, shared = kem.encap_secret(key.raw)
        return bytes(shared), bytes(ciphertext)

    def decapsulate(self, handle: object, ciphertext: bytes) -> bytes:
        """ML-KEM.Decaps, with a key in its expanded form."""
        key = cast(OqsPrivate, handle)
        with oqs.kem(key.algorithm, key.secret.raw) as kem:
            if len(ciphertext) != kem.length_ciphertext:
                raise MalformedInput("The ciphertext has the wrong length.", field="ciphertext")
            return bytes(kem.decap_secret(ciphertext))


def expanded(algorithm: KeyAlgorithm, seed: bytes) -> OqsPrivate:
    """An ML-DSA key as liboqs signs with it; takes some 50 ms."""
    oqs.mechanism(algorithm)
    public, secret = expand(algorithm, seed)
    return OqsPrivate(algorithm, public, seed, _buffer(secret))


def sign_raw(key: OqsPrivate, data: bytes, context: bytes = b"") -> bytes:
    """The signature's octets; a context is ML-DSA's, for composites."""
    mechanism = oqs.mechanism(key.algorithm)
    out = ctypes.create_string_buffer(mechanism.length_signature)
    size = ctypes.c_size_t(mechanism.length_signature)
    done = oqs.native().OQS_SIG_sign_with_ctx_str(
        mechanism.native_sig, out, ctypes.byref(size), data, len(data), context, len(context), key.secret
    )
    if done != 0:
        raise PkiError("liboqs could not sign.", field=str(key.algorithm))
    return out.raw[: size.value]


def verify_raw(key: OqsPublic, signature: bytes, data: bytes, context: bytes = b"") -> bool:
    """Whether liboqs believes the signature."""
    mechanism = oqs.mechanism(key.algorithm)
    if len(signature) != mechanism.length_signature or len(key.raw) != mechanism.length_public_key:
        return False
    done: Any = oqs.native().OQS_SIG_verify_with_ctx_str(
        mechanism.native_sig, data, len(data), signature, len(signature), context, len(context), key.raw
    )
    return bool(done == 0)


def slh_dsa_public_bytes(algorithm: KeyAlgorithm) -> int:
    """FIPS 205 table 2."""
    return _SLH_DSA_PUBLIC[algorithm.value.rstrip("sf").rpartition("-")[2]]


def _slh_dsa(dotted: str) -> KeyAlgorithm:
    if dotted not in SLH_DSA:
        raise MalformedInput(f"{dotted} is not a key that liboqs keeps here.", field="key algorithm")
    return SLH_DSA[dotted]


def _buffer(secret: bytes) -> ctypes.Array[ctypes.c_char]:
    return ctypes.create_string_buffer(secret, len(secret))
