"""A CA's key made ready: who signs, who checks, and what a fault in either library comes to."""

from __future__ import annotations

from pathlib import Path

import pytest

from pki import asn1
from pki.algorithms import KeyAlgorithm, PrivateKey, SignatureAlgorithm
from pki.errors import AlgorithmUnavailable, PkiError
from pki.issuer import IssuanceToken, Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import DEVICE
from pki.providers import oqs
from pki.providers.identifiers import pkcs8
from pki.providers.mldsa_expand import expand
from pki.second_opinion import KeyUse, MlDsaSigner, SecondOpinion, ready, ready_pair
from pki.tbs import Unsigned, sign
from tests.unit.pki.issuing_fixtures import DEVICE_FACTS, NOW, URLS, entropy, house

ML_DSA_65, COMPOSITE = KeyAlgorithm.ML_DSA_65, KeyAlgorithm.MLDSA65_ECDSA_P256_SHA512
TWOFOLD = (KeyAlgorithm.ML_DSA_44, ML_DSA_65, KeyAlgorithm.ML_DSA_87, COMPOSITE)
AUTO, CRYPTOGRAPHY, OQS = MlDsaSigner
OFF, IF_AVAILABLE, REQUIRED = SecondOpinion


@pytest.fixture
def liboqs() -> None:
    if not oqs.status().mechanisms:
        pytest.skip(f"two libraries need liboqs: {oqs.status().sentence}")


@pytest.fixture
def no_liboqs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OQS_INSTALL_PATH", str(tmp_path))
    if oqs.status().native is not None:
        pytest.skip("liboqs is installed on this machine: its absence cannot be tested here")


class Faulty:
    """A key holder whose signatures are wrong from the n-th on: a machine that begins to fail."""

    name = "faulty"

    def __init__(self, good_ones: int) -> None:
        self._left = good_ones

    def private_bytes(self, handle: object) -> bytes:
        assert isinstance(handle, PrivateKey)
        return handle.pkcs8()

    def public_bytes(self, handle: object) -> bytes:
        assert isinstance(handle, PrivateKey)
        return handle.public.spki

    def sign(self, handle: object, algorithm: SignatureAlgorithm, data: bytes) -> bytes:
        assert isinstance(handle, PrivateKey)
        signature, self._left = handle.sign(data), self._left - 1
        return signature if self._left >= 0 else bytes((signature[0] ^ 1,)) + signature[1:]


@pytest.mark.usefixtures("liboqs")
@pytest.mark.parametrize("kind", TWOFOLD, ids=str)
@pytest.mark.parametrize("signer", MlDsaSigner, ids=str)
@pytest.mark.parametrize("opinion", SecondOpinion, ids=str)
def test_whoever_signs_it_is_the_same_key(
    kind: KeyAlgorithm, signer: MlDsaSigner, opinion: SecondOpinion
) -> None:
    plain = PrivateKey.generate(kind)
    key = ready(plain, KeyUse(signer, opinion))
    assert (key.public, key.pkcs8(), key.signs_with) == (plain.public, plain.pkcs8(), plain.signs_with)
    for count in range(70):  # past the signature from which `auto` changes the library
        data = bytes((count,))
        assert key.public.verify(key.signs_with, key.sign(data), data)


@pytest.mark.usefixtures("liboqs")
@pytest.mark.parametrize("kind", [ML_DSA_65, COMPOSITE], ids=str)
@pytest.mark.parametrize("opinion", [IF_AVAILABLE, REQUIRED], ids=str)
def test_a_wrong_signature_never_leaves(kind: KeyAlgorithm, opinion: SecondOpinion) -> None:
    failing = PrivateKey.held_by(Faulty(2), kind, PrivateKey.generate(kind))
    key = ready(failing, KeyUse(CRYPTOGRAPHY, opinion))
    assert [len(key.sign(b"data")) > 0 for _ in range(2)] == [True, True]
    with pytest.raises(PkiError, match="disagree") as refused:
        key.sign(b"data")
    assert refused.value.field == "key"


@pytest.mark.usefixtures("liboqs")
def test_neither_a_certificate_nor_a_list_comes_out_of_a_failing_machine() -> None:
    """The CA's whole path: the alternative half fails, the classical one would still sign."""
    home = house()
    ml_dsa = home.issuing_key.alternative
    assert ml_dsa is not None
    failing = HybridPrivateKey(
        home.issuing_key.classical, PrivateKey.held_by(Faulty(1), ml_dsa.algorithm, ml_dsa)
    )
    key = ready_pair(failing, KeyUse(CRYPTOGRAPHY, REQUIRED))
    issuer = Issuer(home.issuer.certificate, key, URLS)

    def prepared() -> IssuanceToken:
        return issuer.prepare(DEVICE, DEVICE_FACTS, home.device_key.public, now=NOW, entropy=entropy)

    assert issuer.issue(prepared()).der
    token = prepared()
    with pytest.raises(PkiError, match="disagree"):
        issuer.issue(token)
    unsigned = Unsigned(asn1.integer(1), issuer.certificate.subject, (), 0)
    with pytest.raises(PkiError, match="disagree"):
        sign(unsigned, key)


@pytest.mark.usefixtures("liboqs")
@pytest.mark.parametrize("kind", [ML_DSA_65, COMPOSITE], ids=str)
def test_without_a_second_opinion_a_wrong_signature_leaves(kind: KeyAlgorithm) -> None:
    """What the setting is for: off means off."""
    failing = PrivateKey.held_by(Faulty(0), kind, PrivateKey.generate(kind))
    key = ready(failing, KeyUse(AUTO, OFF))
    assert not key.public.verify(key.signs_with, key.sign(b"data"), b"data")


@pytest.mark.usefixtures("liboqs")
def test_a_key_that_came_expanded_is_checked_by_cryptography() -> None:
    seed_form = PrivateKey.generate(ML_DSA_65)
    expanded = _expanded_form(seed_form)
    key = ready(expanded, KeyUse(CRYPTOGRAPHY, REQUIRED))
    assert seed_form.public.verify(key.signs_with, key.sign(b"data"), b"data")


@pytest.mark.usefixtures("no_liboqs")
@pytest.mark.parametrize("kind", [ML_DSA_65, COMPOSITE], ids=str)
@pytest.mark.parametrize(("signer", "opinion"), [(AUTO, REQUIRED), (OQS, OFF), (CRYPTOGRAPHY, REQUIRED)])
def test_what_cannot_be_had_is_refused_when_the_key_is_opened(
    kind: KeyAlgorithm, signer: MlDsaSigner, opinion: SecondOpinion
) -> None:
    pair = HybridPrivateKey(PrivateKey.generate(KeyAlgorithm.EC_P256), PrivateKey.generate(kind))
    with pytest.raises(AlgorithmUnavailable, match="needs the provider liboqs") as refused:
        ready_pair(pair, KeyUse(signer, opinion))
    assert refused.value.field == "ml-dsa-65"
    assert "medtrust oqs install" in refused.value.next_step


@pytest.mark.usefixtures("no_liboqs")
@pytest.mark.parametrize(("signer", "opinion"), [(AUTO, OFF), (AUTO, IF_AVAILABLE), (CRYPTOGRAPHY, OFF)])
def test_without_liboqs_everything_else_is_the_plain_key(signer: MlDsaSigner, opinion: SecondOpinion) -> None:
    pair = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, ML_DSA_65)
    made = ready_pair(pair, KeyUse(signer, opinion))
    assert made.classical is pair.classical
    assert made.alternative is pair.alternative


@pytest.mark.usefixtures("liboqs")
@pytest.mark.parametrize("opinion", SecondOpinion, ids=str)
def test_a_classical_key_stays_as_it_is(opinion: SecondOpinion) -> None:
    """One implementation is here, and `sign_linted` lets it check itself."""
    key = PrivateKey.generate(KeyAlgorithm.EC_P384)
    assert ready(key, KeyUse(AUTO, opinion)) is key
    pair = HybridPrivateKey(key, None)
    assert ready_pair(pair, KeyUse(AUTO, opinion)) == pair


def test_slh_dsa_has_no_second_implementation_and_required_says_so() -> None:
    """The key is loaded without liboqs; a root that must be checked twice cannot be SLH-DSA."""
    key = PrivateKey.load(pkcs8(KeyAlgorithm.SLH_DSA_SHA2_128S, bytes(64)))
    assert ready(key, KeyUse(AUTO, IF_AVAILABLE)) is key
    with pytest.raises(
        AlgorithmUnavailable, match="no second implementation of slh-dsa-sha2-128s"
    ) as refused:
        ready(key, KeyUse(AUTO, REQUIRED))
    assert refused.value.field == "crypto.second_opinion"


def _expanded_form(key: PrivateKey) -> PrivateKey:
    expanded = expand(key.algorithm, key.pkcs8()[-32:])[1]
    return PrivateKey.load(pkcs8(key.algorithm, asn1.octet_string(expanded)))
