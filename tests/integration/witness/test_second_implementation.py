"""Every ML-DSA signature that we emit, checked by an implementation that is neither ours nor OpenSSL's."""

from __future__ import annotations

from types import ModuleType

import pytest
from pqcrypto import InvalidSignatureError
from pqcrypto.sign import ml_dsa_44, ml_dsa_65, ml_dsa_87

from pki import asn1
from pki.algorithms import KeyAlgorithm, PrivateKey, PublicKey
from pki.crl_list import CertificateList
from pki.tbs import Certificate, read_alternative
from tests.integration.witness.hierarchy import hierarchy

SECOND = {
    KeyAlgorithm.ML_DSA_44: ml_dsa_44,
    KeyAlgorithm.ML_DSA_65: ml_dsa_65,
    KeyAlgorithm.ML_DSA_87: ml_dsa_87,
}


def believes(key: PublicKey, signature: bytes, data: bytes) -> bool:
    try:
        SECOND[key.algorithm].verify(key.key_bits, data, signature)
    except InvalidSignatureError:
        return False
    return True


def alternative_of(signed: Certificate | CertificateList) -> bytes:
    found, findings = read_alternative(signed.extensions)
    assert found is not None, findings
    return found.value


def test_alternative_signatures_of_a_whole_catalyst_hierarchy() -> None:
    made = hierarchy("catalyst")
    root, issuing = (a.certificate.alternative_public_key for a in (made.root, made.issuing))
    assert root is not None
    assert issuing is not None
    lists = [CertificateList.parse(der) for der in (made.root_crl, made.issuing_crl)]
    signed: list[tuple[PublicKey, Certificate | CertificateList]] = [
        (root, made.root.certificate),
        (root, made.issuing.certificate),
        (issuing, made.device),
        (root, lists[0]),
        (issuing, lists[1]),
    ]
    for key, document in signed:
        assert believes(key, alternative_of(document), document.pre_tbs)
        assert not believes(key, alternative_of(document), document.pre_tbs + b"\x00")


def test_signatures_of_a_pure_hierarchy() -> None:
    made = hierarchy("pure")
    for key, certificate in (
        (made.root.certificate.public_key, made.root.certificate),
        (made.root.certificate.public_key, made.issuing.certificate),
        (made.issuing.certificate.public_key, made.device),
    ):
        assert believes(key, certificate.signed.signature, certificate.signed.tbs)
        assert not believes(key, certificate.signed.signature, certificate.signed.tbs[:-1])


@pytest.mark.parametrize(("kind", "second"), SECOND.items())
def test_what_the_second_implementation_signs_is_believed_here(
    kind: KeyAlgorithm, second: ModuleType
) -> None:
    public, secret = second.keygen()
    signature = second.sign(secret, b"message")
    ours = PrivateKey.generate(kind).public.spki
    algorithm = asn1.encoded(ours, asn1.children(ours, asn1.whole(ours))[0])
    key = PublicKey.load(asn1.sequence(algorithm, asn1.bit_string(public)))
    assert key.verify(key.signs_with, signature, b"message")
    assert not key.verify(key.signs_with, signature, b"messagf")
