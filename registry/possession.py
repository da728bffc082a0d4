"""Proof that whoever asks holds every key, over a fresh transcript; a refusal names the key."""

from __future__ import annotations

from pki.csr import Request
from pki.errors import PkiError
from pki.keys import HybridPublicKey
from pki.tbs import Certificate
from registry.model.enrollment import Proof
from registry.model.errors import BadInput, Unauthenticated, Unprocessable
from registry.request_privacy import guard_request


def read_request(der: bytes) -> Request:
    """A CSR; BadInput names the field that is malformed, Refused the one that looks like a patient's data."""
    try:
        request = Request.parse(der)
    except PkiError as bad:
        raise BadInput(
            bad.problem, next_step="Send PKCS#10 in DER.", field=f"csr.{bad.field}" if bad.field else "csr"
        ) from bad
    guard_request(request)
    return request


def keys_of(der: bytes) -> HybridPublicKey:
    """Both public keys of a certificate that we issued."""
    certificate = Certificate.parse(der)
    return HybridPublicKey(certificate.public_key, certificate.alternative_public_key)


def check_proof(keys: HybridPublicKey, proof: Proof, signed: bytes, *, field: str = "proof") -> None:
    """Each key has signed the transcript; Unauthenticated names the one that has not."""
    for key in (keys.classical, keys.alternative):
        if key is not None and key.algorithm.is_kem:
            raise Unprocessable(
                f"The key is {key.algorithm}: it cannot sign, so nothing here proves who holds it.",
                next_step="Ask for its certificate at the CA: medtrust cert challenge.",
                field=field,
            )
    if not keys.classical.verify(keys.classical.signs_with, proof.classical, signed):
        raise Unauthenticated(
            "The classical key has not signed this request.",
            next_step="Sign the transcript of docs/mqtt.md with the key of the CSR.",
            field=f"{field}.classical",
        )
    if keys.alternative is None:
        if proof.alternative is not None:
            raise Unprocessable(
                "An alternative signature is there, but no such key.", field=f"{field}.alternative"
            )
        return
    if proof.alternative is None or not keys.alternative.verify(
        keys.alternative.signs_with, proof.alternative, signed
    ):
        raise Unauthenticated(
            "The alternative key has not signed this request.",
            next_step="Sign the transcript of docs/mqtt.md with the key of attribute 2.5.29.72.",
            field=f"{field}.alternative",
        )
