"""What every profile writes, byte for byte, from fixed keys, serials and time; signatures are cut off.

`python -m tests.unit.pki.golden_certificates` writes golden/*.der anew: look at the difference (openssl x509
-text) before it is committed. The keys are public halves only, made from their algorithm's name.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pki import asn1, profiles
from pki.algorithms import SIGNATURE_BYTES, PrivateKey, PublicKey, SignatureAlgorithm
from pki.anchor import prepare_anchor
from pki.issuer import IssuanceToken, Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import Form, Kind, Profile
from pki.providers import identifiers
from pki.providers.composite_kinds import KINDS
from pki.providers.interface import KeyAlgorithm
from pki.tbs import Certificate, seal
from tests.unit.pki.form_fixtures import facts_for
from tests.unit.pki.issuing_fixtures import URLS

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
ROOTS = {
    Form.CATALYST: ("root", "issuing-ca"),
    Form.CLASSICAL: ("root-classical", "issuing-ca-classical"),
    Form.PURE: ("root-pure", "issuing-ca-pure"),
    Form.COMPOSITE: ("root-composite", "issuing-ca-composite"),
}
"""Which root, and which CA below it, stands above the profiles of a form."""
_ABOVE = {Form.RELATED: Form.PURE, Form.KEM: Form.CATALYST}
_CURVES = {KeyAlgorithm.EC_P256: ec.SECP256R1(), KeyAlgorithm.EC_P384: ec.SECP384R1()}
_ML_DSA = {
    KeyAlgorithm.ML_DSA_44: mldsa.MLDSA44PrivateKey,
    KeyAlgorithm.ML_DSA_65: mldsa.MLDSA65PrivateKey,
    KeyAlgorithm.ML_DSA_87: mldsa.MLDSA87PrivateKey,
}
_ECDSA_ONE = asn1.sequence(asn1.integer(1), asn1.integer(1))


def entropy_of(name: str) -> bytes:
    """32 octets that only depend on a name."""
    return hashlib.sha256(f"golden {name}".encode()).digest()


def public_spki(algorithm: KeyAlgorithm, owner: str) -> bytes:
    """A public key of that kind that is always the same for one owner."""
    seed = entropy_of(f"{owner} {algorithm}")
    if algorithm.is_composite:
        return identifiers.spki(algorithm, _composite_raw(algorithm, owner))
    if algorithm in _CURVES:
        key = ec.derive_private_key(int.from_bytes(seed, "big") >> 1, _CURVES[algorithm]).public_key()
    elif algorithm is KeyAlgorithm.ED25519:
        return _info(ed25519.Ed25519PrivateKey.from_private_bytes(seed).public_key())
    elif algorithm in _ML_DSA:
        return _info(_ML_DSA[algorithm].from_seed_bytes(seed).public_key())
    elif algorithm is KeyAlgorithm.ML_KEM_768:
        return _info(mlkem.MLKEM768PrivateKey.from_seed_bytes(seed + seed).public_key())
    else:
        return identifiers.spki(algorithm, seed + seed)
    return _info(key)


def _info(key: object) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)  # type: ignore[attr-defined,no-any-return]


def _composite_raw(algorithm: KeyAlgorithm, owner: str) -> bytes:
    kind = KINDS[algorithm]
    post_quantum = public_spki(kind.ml_dsa.algorithm, owner)[-kind.ml_dsa.public_bytes :]
    curve = KeyAlgorithm.EC_P384 if "p384" in algorithm.value else KeyAlgorithm.EC_P256
    point = PublicKey.load(public_spki(curve, f"{owner}'s other half")).key_bits
    return post_quantum + point


def key_of(algorithm: KeyAlgorithm, owner: str) -> PrivateKey:
    """A key that can be certified and cannot sign."""
    return PrivateKey(algorithm, PublicKey.load(public_spki(algorithm, owner)), None)


def keys_of(profile: Profile, owner: str) -> HybridPrivateKey:
    """The kinds that a profile names first."""
    alternative = profile.alternative
    return HybridPrivateKey(
        key_of(profile.main[0], owner), key_of(alternative, owner) if alternative else None
    )


def unsigned(token: IssuanceToken, signer: HybridPrivateKey) -> bytes:
    """The certificate with zeros where signatures will be (ECDSA: r = s = 1, so that others can parse it)."""
    algorithm = signer.classical.signs_with
    second = bytes(SIGNATURE_BYTES[signer.alternative.signs_with]) if signer.alternative else None
    signature = _ECDSA_ONE if "ecdsa-with" in algorithm.value else bytes(_size(algorithm))
    return seal(token.unsigned.tbs(algorithm, second), algorithm, signature)


def _size(algorithm: SignatureAlgorithm) -> int:
    return SIGNATURE_BYTES.get(algorithm, 3000)


def _entropy(name: str) -> Callable[[int], bytes]:
    return lambda size: entropy_of(name)[:size]


def root_of(name: str) -> tuple[bytes, HybridPrivateKey]:
    """A root's certificate by its profile, and the key that would sign it."""
    profile = profiles.by_name(name)
    key = keys_of(profile, name)
    facts = replace(facts_for(profile), common_name=f"Golden {name}")
    prepared = prepare_anchor(profile, facts, key, now=NOW, entropy=_entropy(name))
    return unsigned(prepared.token, key), key


def below(name: str, issuer: Issuer, signer: HybridPrivateKey, *, owner: str = "") -> bytes:
    """A certificate by that profile, as this CA would sign it."""
    profile = profiles.by_name(name)
    facts = facts_for(profile)
    if profile.kind is Kind.CA:
        facts = replace(facts, common_name=f"Golden {name}")
    public = keys_of(profile, owner or name).public
    return unsigned(issuer.prepare(profile, facts, public, now=NOW, entropy=_entropy(name)), signer)


def make(name: str) -> bytes:
    """The golden certificate of a profile."""
    profile = profiles.by_name(name)
    if profile.kind is Kind.ROOT:
        return root_of(name)[0]
    root_name, ca_name = ROOTS[_ABOVE.get(profile.form, profile.form)]
    if profile.form is Form.CLASSICAL and profile.kind is Kind.DEVICE:
        root_name, ca_name = ROOTS[Form.CATALYST]
    root_der, root_key = root_of(root_name)
    root = Issuer(Certificate.parse(root_der), root_key, URLS)
    if profile.kind is Kind.CA:
        return below(name, root, root_key)
    ca_key = keys_of(profiles.by_name(ca_name), ca_name)
    ca = Certificate.parse(below(ca_name, root, root_key))
    return below(name, Issuer(ca, ca_key, URLS, above=(root.certificate,)), ca_key)


def path_of(name: str) -> Path:
    """Where it is kept."""
    return GOLDEN / f"{name}.der"


def write() -> Iterator[str]:
    """Every golden certificate, written; gives the names of those that changed."""
    GOLDEN.mkdir(exist_ok=True)
    for name in profiles.NAMES:
        der, path = make(name), path_of(name)
        if not path.exists() or path.read_bytes() != der:
            path.write_bytes(der)
            yield name


if __name__ == "__main__":
    sys.stdout.writelines(f"written: {name}\n" for name in write())
