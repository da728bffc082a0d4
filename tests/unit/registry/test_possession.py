"""Proofs over a transcript: each key speaks for itself, and one that cannot sign proves nothing here."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pki.algorithms import PrivateKey
from pki.keys import HybridPrivateKey, HybridPublicKey
from pki.providers.interface import KeyAlgorithm
from registry.model.enrollment import Proof
from registry.model.errors import Unauthenticated, Unprocessable
from registry.possession import check_proof

KEYS = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
KEM = PrivateKey.generate(KeyAlgorithm.ML_KEM_768).public
SIGNED = b"a transcript"


def good() -> Proof:
    assert KEYS.alternative is not None
    return Proof(KEYS.classical.sign(SIGNED), KEYS.alternative.sign(SIGNED))


def test_both_keys_have_signed() -> None:
    check_proof(KEYS.public, good(), SIGNED)
    with pytest.raises(Unauthenticated) as refused:
        check_proof(KEYS.public, replace(good(), classical=b""), SIGNED)
    assert refused.value.field == "proof.classical"
    for wrong in (None, b""):
        with pytest.raises(Unauthenticated) as refused:
            check_proof(KEYS.public, replace(good(), alternative=wrong), SIGNED)
        assert refused.value.field == "proof.alternative"


def test_a_signature_without_a_key_is_refused() -> None:
    with pytest.raises(Unprocessable) as refused:
        check_proof(HybridPublicKey(KEYS.public.classical), good(), SIGNED)
    assert refused.value.field == "proof.alternative"


@pytest.mark.parametrize("keys", [HybridPublicKey(KEM), HybridPublicKey(KEYS.public.classical, KEM)])
def test_a_key_that_cannot_sign_is_told_where_to_go(keys: HybridPublicKey) -> None:
    with pytest.raises(Unprocessable, match="cannot sign") as refused:
        check_proof(keys, good(), SIGNED)
    assert "cert challenge" in refused.value.next_step


def test_a_composite_key_is_one_proof() -> None:
    key = PrivateKey.generate(KeyAlgorithm.MLDSA65_ECDSA_P256_SHA512)
    check_proof(HybridPublicKey(key.public), Proof(key.sign(SIGNED), None), SIGNED)
    with pytest.raises(Unauthenticated):
        check_proof(HybridPublicKey(key.public), Proof(key.sign(b"another"), None), SIGNED)
