"""Composite ML-DSA, draft-19: its own vectors, two other implementations' anchors, and what must not pass."""

from __future__ import annotations

import json
from base64 import b64decode
from functools import cache
from pathlib import Path

import pytest

from pki import asn1
from pki.algorithms import KeyAlgorithm, PrivateKey, PublicKey, SignatureAlgorithm, component_spkis
from pki.errors import AlgorithmUnavailable, MalformedInput
from pki.providers.composite_kinds import KINDS
from pki.providers.identifiers import COMPOSITE, pkcs8, spki
from pki.tbs import Signed

DATA = Path(__file__).parents[4] / "shared/data/pki/composite"
needs_data = pytest.mark.skipif(
    not DATA.is_dir(), reason="the composite vectors of ../shared/data are absent"
)
MADE_HERE = [kind for kind in KINDS if "-rsa" not in kind.value]


@cache
def vectors() -> dict[str, dict[str, bytes]]:
    """By the algorithm's name; the message under `m` in each."""
    if not DATA.is_dir():
        return {}
    document = json.loads((DATA / "draft19-testvectors.json").read_text())
    message = b64decode(document["m"])
    found = {}
    for test in document["tests"]:
        name = test["tcId"].removeprefix("id-").lower()
        if name.startswith("mldsa"):
            found[name] = {k: b64decode(v) for k, v in test.items() if k != "tcId"} | {"m": message}
    return found


def vector_keys() -> list[tuple[KeyAlgorithm, dict[str, bytes]]]:
    return [(KeyAlgorithm(name), vector) for name, vector in vectors().items()]


@needs_data
def test_the_vectors_are_the_18_composites() -> None:
    assert set(vectors()) == {kind.value for kind in COMPOSITE.values()}


@needs_data
@pytest.mark.parametrize(("kind", "vector"), vector_keys(), ids=list(vectors()) or None)
class TestVectors:
    """Each of the draft's vectors, appendix of test vectors."""

    def test_verifies_and_no_half_may_be_altered(self, kind: KeyAlgorithm, vector: dict[str, bytes]) -> None:
        key, algorithm = PublicKey.load(spki(kind, vector["pk"])), SignatureAlgorithm(kind.value)
        assert key.verify(algorithm, vector["s"], vector["m"])
        assert not key.verify(algorithm, vector["s"], vector["m"] + b".")
        assert not key.verify(algorithm, vector["sWithContext"], vector["m"])
        size = KINDS[kind].ml_dsa.signature_bytes
        for place in (0, size - 1, size + 8, len(vector["s"]) - 1):
            altered = bytearray(vector["s"])
            altered[place] ^= 1
            assert not key.verify(algorithm, bytes(altered), vector["m"]), place
        assert not key.verify(algorithm, vector["s"][:size], vector["m"])
        assert not key.verify(algorithm, vector["s"] + b"\0", vector["m"])

    def test_a_half_of_another_signature_does_not_stand_in(
        self, kind: KeyAlgorithm, vector: dict[str, bytes]
    ) -> None:
        """With a context both halves are over another M': good for the key, not for this data."""
        key, algorithm = PublicKey.load(spki(kind, vector["pk"])), SignatureAlgorithm(kind.value)
        size = KINDS[kind].ml_dsa.signature_bytes
        good, other = vector["s"], vector["sWithContext"]
        assert not key.verify(algorithm, good[:size] + other[size:], vector["m"])
        assert not key.verify(algorithm, other[:size] + good[size:], vector["m"])

    def test_its_certificate_verifies_with_its_own_key(
        self, kind: KeyAlgorithm, vector: dict[str, bytes]
    ) -> None:
        signed = Signed.parse(vector["x5c"], "certificate")
        assert signed.algorithm.value == kind.value
        assert PublicKey.load(_spki_of(signed)).verify(signed.algorithm, signed.signature, signed.tbs)

    def test_its_private_key_is_read_signs_and_is_written_back(
        self, kind: KeyAlgorithm, vector: dict[str, bytes]
    ) -> None:
        key = PrivateKey.load(vector["sk_pkcs8"])
        assert key.algorithm is kind
        assert key.public.key_bits == vector["pk"]
        assert key.pkcs8() == vector["sk_pkcs8"]
        assert key.public.verify(key.signs_with, key.sign(b"data"), b"data")


@needs_data
@pytest.mark.parametrize("path", sorted(DATA.glob("*_ta.der")), ids=lambda path: path.stem)
def test_other_implementations_anchors_verify(path: Path) -> None:
    signed = Signed.parse(path.read_bytes(), "certificate")
    key = PublicKey.load(_spki_of(signed))
    assert key.algorithm.is_composite
    assert key.verify(signed.algorithm, signed.signature, signed.tbs)
    altered = signed.tbs[:-1] + bytes((signed.tbs[-1] ^ 1,))
    assert not key.verify(signed.algorithm, signed.signature, altered)


@pytest.mark.parametrize("kind", MADE_HERE, ids=str)
def test_a_key_made_here_goes_around(kind: KeyAlgorithm) -> None:
    key = PrivateKey.generate(kind)
    again = PrivateKey.load(key.pkcs8())
    assert again.public == key.public == PublicKey.load(key.public.spki)
    assert key.public.verify(key.signs_with, again.sign(b"data"), b"data")
    assert key.algorithm.resists_quantum
    assert not key.algorithm.is_post_quantum
    assert not key.algorithm.is_classical


def test_none_with_rsa_is_made() -> None:
    with pytest.raises(AlgorithmUnavailable, match="makes no mldsa65-rsa3072-pss-sha512 keys"):
        PrivateKey.generate(KeyAlgorithm.MLDSA65_RSA3072_PSS_SHA512)


def test_each_half_is_known_as_a_key_of_its_own() -> None:
    """What a register of used keys compares: a half alone has the very bytes of a lone key."""
    key = PrivateKey.generate(KeyAlgorithm.MLDSA65_ECDSA_P256_SHA512)
    itself, ml_dsa, classical = component_spkis(key.public)
    assert itself == key.public.spki
    halves = PublicKey.load(ml_dsa), PublicKey.load(classical)
    assert [half.algorithm for half in halves] == [KeyAlgorithm.ML_DSA_65, KeyAlgorithm.EC_P256]
    assert key.public.key_bits == halves[0].key_bits + halves[1].key_bits
    assert component_spkis(halves[1]) == (classical,)


def test_a_half_does_not_verify_alone() -> None:
    key = PrivateKey.generate(KeyAlgorithm.MLDSA65_ECDSA_P256_SHA512)
    _, ml_dsa, classical = (PublicKey.load(der) for der in component_spkis(key.public))
    signature = key.sign(b"data")
    assert not ml_dsa.verify(ml_dsa.signs_with, signature[:3309], b"data")
    assert not classical.verify(classical.signs_with, signature[3309:], b"data")


def _cut(raw: bytes) -> bytes:
    return raw[:-1]


def _empty(raw: bytes) -> bytes:
    return b""


def _only_ml_dsa(raw: bytes) -> bytes:
    return raw[:1952]


def _compressed(raw: bytes) -> bytes:
    return raw[:1952] + bytes((2 + (raw[-1] & 1),)) + raw[1953:1985]


def _off_the_curve(raw: bytes) -> bytes:
    return raw[:-1] + bytes((raw[-1] ^ 1,))


@pytest.mark.parametrize("spoil", [_cut, _empty, _only_ml_dsa, _compressed, _off_the_curve])
def test_a_spoilt_public_key_is_refused(spoil: object) -> None:
    assert callable(spoil)
    kind = KeyAlgorithm.MLDSA65_ECDSA_P256_SHA512
    raw = PrivateKey.generate(kind).public.key_bits
    with pytest.raises(MalformedInput) as refused:
        PublicKey.load(spki(kind, spoil(raw)))
    assert refused.value.field


def test_parameters_are_refused() -> None:
    kind = KeyAlgorithm.MLDSA65_ECDSA_P256_SHA512
    good = PrivateKey.generate(kind).public.spki
    algorithm, bits = (asn1.encoded(good, part) for part in asn1.children(good, asn1.whole(good)))
    with_null = asn1.sequence(asn1.sequence(algorithm[2:], asn1.null()), bits)
    with pytest.raises(MalformedInput, match="parameters"):
        PublicKey.load(with_null)


def test_a_private_key_of_another_curve_or_form_is_refused() -> None:
    kind = KeyAlgorithm.MLDSA65_ECDSA_P256_SHA512
    other = PrivateKey.generate(KeyAlgorithm.MLDSA65_ECDSA_P384_SHA512).pkcs8()
    content = asn1.content(other, asn1.children(other, asn1.whole(other))[2])
    for spoilt in (content, content[:32], content[:-1], b""):
        with pytest.raises(MalformedInput):
            PrivateKey.load(pkcs8(kind, spoilt))


def _spki_of(signed: Signed) -> bytes:
    return next(field for field in signed.fields if _is_key(field))


def _is_key(field: bytes) -> bool:
    """Algorithm and BIT STRING: only subjectPublicKeyInfo looks so."""
    if field[0] != asn1.SEQUENCE:
        return False
    tags = [part.tag for part in asn1.children(field, asn1.whole(field))]
    return tags == [asn1.SEQUENCE, asn1.BIT_STRING]
