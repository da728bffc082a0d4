"""One certificate with its chain, in the form that somebody asks for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_der_private_key,
    load_pem_private_key,
)
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates

from pki.errors import AlgorithmUnavailable
from pki.pkcs7 import certs_only
from pki.tbs import Certificate
from service.errors import BadSetting
from service.pem import to_pem

_Classical = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


class Form(StrEnum):
    """What a certificate is written as."""

    PEM = "pem"
    DER = "der"
    """The certificate alone."""
    PKCS7 = "pkcs7"
    """Certificates only, DER; every form of key."""
    PKCS12 = "pkcs12"
    """With the classical private key, under a password."""


@dataclass(frozen=True, slots=True)
class KeyFile:
    """A private key as its owner keeps it, and the password for the PKCS#12 that is made of it."""

    key: bytes = field(repr=False)
    key_password: bytes | None = field(repr=False)
    password: bytes = field(repr=False)


def write_form(form: Form, certificate: bytes, chain: Sequence[bytes], key: KeyFile | None = None) -> bytes:
    """The octets of the form. PKCS#12 needs a key: BadSetting, or AlgorithmUnavailable for a key of ours
    that PKCS#12 has no place for."""
    if form is Form.DER:
        return certificate
    if form is Form.PKCS7:
        return certs_only((certificate, *chain))
    if form is Form.PKCS12:
        return _pkcs12(certificate, chain, key)
    return to_pem(certificate, *chain)


def _pkcs12(certificate: bytes, chain: Sequence[bytes], given: KeyFile | None) -> bytes:
    _refuse_without_place(certificate)
    if given is None:
        raise BadSetting(
            "PKCS#12 holds a private key, and the registry has no device's or server's.",
            next_step="Give it where it is kept: --key FILE. Without a key: --format pkcs7.",
            field="--key",
        )
    if len(given.password) < 8:
        raise BadSetting(
            "The password of the PKCS#12 file has fewer than 8 characters.",
            next_step="Choose a longer one.",
            field="--password-file",
        )
    private = _load(given)
    leaf = x509.load_der_x509_certificate(certificate)
    if private.public_key() != leaf.public_key():
        raise BadSetting(
            "The private key is not the certificate's.",
            next_step="Give the key of the request.",
            field="--key",
        )
    return serialize_key_and_certificates(
        b"medtrust",
        private,
        leaf,
        [x509.load_der_x509_certificate(each) for each in chain],
        BestAvailableEncryption(given.password),
    )


def _refuse_without_place(certificate: bytes) -> None:
    algorithm = Certificate.parse(certificate).public_key.algorithm
    if not algorithm.is_classical:
        raise AlgorithmUnavailable(
            f"PKCS#12 files hold classical keys; this certificate's is {algorithm}, and cryptography (and "
            "most readers of such files) has no form for it.",
            next_step="Keep the key as PKCS#8 and export the certificates: --format pem or pkcs7.",
            field="--format",
        )


def _load(given: KeyFile) -> _Classical:
    load = load_der_private_key if given.key[:1] == b"\x30" else load_pem_private_key
    try:
        private = load(given.key, given.key_password)
    except (ValueError, TypeError) as bad:
        raise BadSetting(
            "The private key cannot be read: it is not PKCS#8, or its password is wrong or missing.",
            next_step="Give PEM or DER; an encrypted one needs --key-password-file.",
            field="--key",
        ) from bad
    if not isinstance(private, _Classical):
        raise AlgorithmUnavailable(
            "The private key is not a classical one; PKCS#12 has no form for it.",
            next_step="Keep it as PKCS#8; export the certificates with --format pkcs7.",
            field="--key",
        )
    return private
