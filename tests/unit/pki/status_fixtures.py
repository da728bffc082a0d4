"""What tests of lists and responses share: lists of the issuing CA, delegated responders, files for tools."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from pki import asn1, oids
from pki.algorithms import KeyAlgorithm
from pki.crl import CertificateList, CrlReason, RevokedEntry, build_crl
from pki.extensions import Extension
from pki.keys import HybridPrivateKey
from pki.tbs import Certificate
from tests.unit.pki.path_fixtures import DAY, ISSUING, NOW, Recipe, keys

__all__ = ["DAY", "ISSUING", "NOW"]

CA_KEY = keys("issuing")
ENTRIES = (
    RevokedEntry(0x1001, NOW - 3 * DAY, CrlReason.KEY_COMPROMISE, NOW - 5 * DAY),
    RevokedEntry(0x1002, NOW - 2 * DAY),
    RevokedEntry(0x1003, NOW - DAY, CrlReason.CERTIFICATE_HOLD),
)


def crl_der(
    entries: Iterable[RevokedEntry] = ENTRIES,
    *,
    number: int = 7,
    key: HybridPrivateKey = CA_KEY,
    base: int | None = None,
    this_update: datetime = NOW,
) -> bytes:
    """A list of the issuing CA."""
    return build_crl(
        issuer_name=ISSUING.subject,
        authority_key_identifier=CA_KEY.classical.public.key_identifier,
        key=key,
        entries=entries,
        crl_number=number,
        this_update=this_update,
        next_update=this_update + 7 * DAY,
        base_crl_number=base,
    )


def crl(*args: Iterable[RevokedEntry], number: int = 7, base: int | None = None) -> CertificateList:
    """The same, parsed."""
    return CertificateList.parse(crl_der(*args, number=number, base=base))


@lru_cache(maxsize=8)
def responder_key(algorithm: KeyAlgorithm) -> HybridPrivateKey:
    """One responder key a kind and process."""
    return HybridPrivateKey.generate(algorithm, None)


def responder_recipe(algorithm: KeyAlgorithm = KeyAlgorithm.EC_P256) -> Recipe:
    """A delegated responder of the issuing CA."""
    return Recipe(
        f"OCSP {algorithm}",
        "Issuing CA",
        responder_key(algorithm),
        CA_KEY,
        purposes=(oids.EKU_OCSP_SIGNING,),
        extra=(Extension(oids.OCSP_NO_CHECK, False, asn1.null()),),
    )


@lru_cache(maxsize=8)
def responder_certificate(algorithm: KeyAlgorithm = KeyAlgorithm.EC_P256) -> Certificate:
    """Its certificate."""
    return responder_recipe(algorithm).make()


def not_after(recipe: Recipe, moment: datetime) -> Certificate:
    """The certificate of a recipe that ends at another moment."""
    return replace(recipe, not_after=moment).make()


def pem_file(path: Path, *certificates: Certificate) -> str:
    """A PEM file with the certificates, for tools; gives its name."""
    blocks = [
        f"-----BEGIN CERTIFICATE-----\n{base64.encodebytes(c.der).decode()}-----END CERTIFICATE-----\n"
        for c in certificates
    ]
    path.write_text("".join(blocks))
    return str(path)
