"""The kinds of keys: what they are called, what they sign with, and what other people's keys look like."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pki import asn1, oids
from pki.algorithms import (
    KeyAlgorithm,
    PrivateKey,
    PublicKey,
    SignatureAlgorithm,
    algorithm_identifier,
    parse_algorithm_identifier,
    require,
    signature_algorithm_of,
)
from pki.errors import AlgorithmUnavailable, MalformedInput
from pki.providers import oqs
from pki.providers.identifiers import pkcs8, spki
from pki.providers.mldsa_expand import expand
from pki.tbs import Certificate, Signed

DATA = Path(__file__).parents[4] / "shared/data/pki"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the artefacts of ../shared/data are absent")
ML_DSA = (KeyAlgorithm.ML_DSA_44, KeyAlgorithm.ML_DSA_65, KeyAlgorithm.ML_DSA_87)
ML_KEM = (KeyAlgorithm.ML_KEM_768, KeyAlgorithm.ML_KEM_1024)


def artefact(kind: KeyAlgorithm, ending: str) -> bytes:
    folder = "mlkem" if kind.is_kem else "mldsa"
    return next((DATA / folder).glob(f"*__{kind}-*_{ending}")).read_bytes()


def needs_oqs(kind: KeyAlgorithm) -> None:
    if not oqs.status().mechanisms:
        pytest.skip(f"an expanded key needs liboqs: {oqs.status().sentence}")


def test_each_kind_is_exactly_one_thing() -> None:
    for kind in KeyAlgorithm:
        told = [kind.is_classical, kind.is_post_quantum, kind.is_composite, kind.is_kem]
        assert told.count(True) == 1, kind
        assert kind.resists_quantum is (kind.is_post_quantum or kind.is_composite)


@pytest.mark.parametrize("algorithm", SignatureAlgorithm, ids=str)
def test_an_algorithm_identifier_reads_back_in_its_one_form(algorithm: SignatureAlgorithm) -> None:
    der = algorithm_identifier(algorithm)
    assert parse_algorithm_identifier(der) is algorithm
    dotted = asn1.encoded(der, asn1.children(der, asn1.whole(der))[0])
    with_null, without = asn1.sequence(dotted, asn1.null()), asn1.sequence(dotted)
    assert der == (with_null if algorithm.value.endswith("-rsa") else without)
    for other in {with_null, without, asn1.sequence(dotted, asn1.sequence())} - {der}:
        with pytest.raises(MalformedInput, match="parameters"):
            parse_algorithm_identifier(other)


@pytest.mark.parametrize("kind", ML_KEM, ids=str)
def test_a_kem_key_does_not_sign(kind: KeyAlgorithm) -> None:
    key = PrivateKey.generate(kind)
    for use in (lambda: key.signs_with, lambda: key.sign(b""), lambda: signature_algorithm_of(kind)):
        with pytest.raises(MalformedInput, match="does not sign"):
            use()
    signer = PrivateKey.generate(KeyAlgorithm.ML_DSA_44)
    for call in (signer.public.encapsulate, lambda: signer.decapsulate(b"")):
        with pytest.raises(MalformedInput, match="receives no secrets"):
            call()


@needs_data
@pytest.mark.parametrize("kind", ML_KEM, ids=str)
@pytest.mark.parametrize("form", ["seed", "both", "expandedkey"])
def test_an_ml_kem_artefact_decapsulates_to_its_secret(kind: KeyAlgorithm, form: str) -> None:
    if form == "expandedkey":
        needs_oqs(kind)
    key = PrivateKey.load(artefact(kind, f"{form}_priv.der"))
    assert key.public == PublicKey.load(Signed.parse(artefact(kind, "ee.der"), "certificate").fields[6])
    assert key.decapsulate(artefact(kind, "ciphertext.bin")) == artefact(kind, "ss.bin")
    shared, ciphertext = key.public.encapsulate()
    assert key.decapsulate(ciphertext) == shared
    assert key.pkcs8() == artefact(kind, "expandedkey_priv.der" if form == "expandedkey" else "seed_priv.der")


@needs_data
@pytest.mark.parametrize("kind", ML_DSA, ids=str)
@pytest.mark.parametrize("form", ["seed", "both", "expandedkey"])
def test_an_ml_dsa_artefact_signs_for_its_certificate(kind: KeyAlgorithm, form: str) -> None:
    if form == "expandedkey":
        needs_oqs(kind)
    key = PrivateKey.load(artefact(kind, f"{form}_priv.der"))
    public = PublicKey.load(Certificate.parse(artefact(kind, "ta.der")).spki)
    assert key.public == public
    assert public.verify(key.signs_with, key.sign(b"data"), b"data")
    assert key.pkcs8() == artefact(kind, "expandedkey_priv.der" if form == "expandedkey" else "seed_priv.der")


@needs_data
@pytest.mark.parametrize("kind", ML_DSA, ids=str)
def test_a_seed_expands_to_another_implementations_key(kind: KeyAlgorithm) -> None:
    """FIPS 204 Algorithm 6 against Bouncy Castle's own expansion, every octet."""
    seed, whole = artefact(kind, "seed_priv.der")[-32:], artefact(kind, "expandedkey_priv.der")
    public, expanded = expand(kind, seed)
    assert whole.endswith(expanded)
    assert pkcs8(kind, asn1.octet_string(expanded)) == whole
    assert Certificate.parse(artefact(kind, "ta.der")).spki == spki(kind, public)


@needs_data
@pytest.mark.parametrize("kind", ML_DSA + ML_KEM, ids=str)
def test_a_both_key_whose_halves_differ_is_refused(kind: KeyAlgorithm) -> None:
    good = artefact(kind, "both_priv.der")
    seed = artefact(kind, "seed_priv.der")[-64 if kind.is_kem else -32 :]
    at = good.index(seed)
    for place in (at, at + len(seed) - 1, len(good) - 1, len(good) - 40):
        bad = bytearray(good)
        bad[place] ^= 1
        with pytest.raises(MalformedInput) as refused:
            PrivateKey.load(bytes(bad))
        assert refused.value.field == "key"


@needs_data
@pytest.mark.parametrize("kind", ML_DSA, ids=str)
def test_an_expanded_key_that_was_altered_is_refused(kind: KeyAlgorithm) -> None:
    needs_oqs(kind)
    good = artefact(kind, "expandedkey_priv.der")
    start = len(good) - len(expand(kind, bytes(32))[1])
    for place in (start, start + 70, start + 128, start + 900, len(good) - 1):
        bad = bytearray(good)
        bad[place] ^= 1
        with pytest.raises(MalformedInput, match="expanded"):
            PrivateKey.load(bytes(bad))


@needs_data
@pytest.mark.parametrize("path", sorted((DATA / "slhdsa").glob("*_ta.der")), ids=lambda path: path.stem)
def test_slh_dsa_anchors_verify(path: Path) -> None:
    anchor = Certificate.parse(path.read_bytes())
    key = PublicKey.load(anchor.spki)
    try:
        require(key.algorithm)
    except AlgorithmUnavailable:
        pytest.skip(f"SLH-DSA needs liboqs: {oqs.status().sentence}")
    assert key.verify(anchor.signed.algorithm, anchor.signed.signature, anchor.signed.tbs)
    assert not key.verify(anchor.signed.algorithm, anchor.signed.signature, anchor.signed.tbs[:-1])


def test_an_slh_dsa_key_is_read_without_its_library_but_nothing_is_guessed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    key = PublicKey.load(spki(KeyAlgorithm.SLH_DSA_SHA2_128S, bytes(32)))
    assert key.algorithm is KeyAlgorithm.SLH_DSA_SHA2_128S
    monkeypatch.setenv("OQS_INSTALL_PATH", str(tmp_path))
    if oqs.status().native is not None:
        pytest.skip("liboqs is installed on this machine: its absence cannot be tested here")
    with pytest.raises(AlgorithmUnavailable, match="slh-dsa-sha2-128s"):
        key.verify(key.signs_with, bytes(7856), b"")


@pytest.mark.parametrize("bits", [3072, 4096])
def test_rsa_is_believed_and_not_made(bits: int) -> None:
    made = rsa.generate_private_key(65537, bits)
    der = made.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = PublicKey.load(der)
    assert key.algorithm == f"rsa-{bits}"
    for algorithm, digest in (
        (SignatureAlgorithm.SHA256_WITH_RSA, hashes.SHA256()),
        (SignatureAlgorithm.SHA384_WITH_RSA, hashes.SHA384()),
        (SignatureAlgorithm.SHA512_WITH_RSA, hashes.SHA512()),
    ):
        good = made.sign(b"data", padding.PKCS1v15(), digest)
        assert [a for a in SignatureAlgorithm if key.verify(a, good, b"data")] == [algorithm]
        assert not key.verify(algorithm, good, b"date")
    ours = PrivateKey.load(made.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))
    assert ours.public == key
    assert key.verify(ours.signs_with, ours.sign(b"data"), b"data")
    with pytest.raises(AlgorithmUnavailable, match="makes no rsa"):
        PrivateKey.generate(key.algorithm)


@pytest.mark.parametrize(("bits", "exponent"), [(2048, 65537), (3072, 3)], ids=["short", "small exponent"])
def test_a_weak_rsa_key_is_refused(bits: int, exponent: int) -> None:
    public = rsa.generate_private_key(exponent, bits).public_key()
    with pytest.raises(MalformedInput, match="65537") as refused:
        PublicKey.load(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    assert refused.value.field == "key"


@pytest.mark.parametrize(
    "der",
    [
        asn1.sequence(asn1.sequence(asn1.oid(oids.ML_DSA_65)), asn1.bit_string(bytes(1951))),
        asn1.sequence(asn1.sequence(asn1.oid(oids.ML_DSA_65), asn1.null()), asn1.bit_string(bytes(1952))),
        asn1.sequence(asn1.sequence(asn1.oid(oids.ML_KEM_512)), asn1.bit_string(bytes(800))),
        asn1.sequence(asn1.sequence(asn1.oid(f"{oids.NIST_SIGNATURES}.20")), asn1.bit_string(bytes(31))),
        asn1.sequence(asn1.sequence(asn1.oid("1.2.3")), asn1.bit_string(bytes(32))),
        asn1.sequence(asn1.sequence(), asn1.bit_string(bytes(32))),
        asn1.sequence(asn1.integer(1), asn1.bit_string(bytes(32))),
    ],
    ids=["short", "parameters", "ML-KEM-512", "short SLH-DSA", "unknown", "no algorithm", "no sequence"],
)
def test_a_strange_public_key_is_refused(der: bytes) -> None:
    with pytest.raises(MalformedInput) as refused:
        PublicKey.load(der)
    assert refused.value.field


@pytest.mark.parametrize(
    "kind", [k for k in KeyAlgorithm if "rsa" not in k.value and "slh" not in k.value], ids=str
)
def test_spoilt_keys_are_typed_errors(kind: KeyAlgorithm) -> None:
    """Seeded: altered, cut, lengthened anywhere; a key loads or is refused with its field, nothing else."""
    key, chance = PrivateKey.generate(kind), random.Random(20261122)
    for der, load in ((key.public.spki, PublicKey.load), (key.pkcs8(), PrivateKey.load)):
        for _ in range(60):
            at = chance.randrange(min(len(der), chance.choice((12, 60, len(der)))))
            tail = chance.choice((der[at + 1 :], der[at:], b"", bytes((der[at] ^ 1,)) + der[at + 1 :]))
            told = _told(load, der[:at] + chance.randbytes(chance.randrange(3)) + tail)
            assert told


def _told(load: Callable[[bytes], PublicKey | PrivateKey], der: bytes) -> str:
    """The algorithm of what was loaded, or the field that was refused."""
    try:
        return load(der).algorithm
    except (MalformedInput, AlgorithmUnavailable) as refused:
        return refused.field
