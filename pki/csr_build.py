"""Requests written: by the holder of signing keys, and for a key that cannot sign."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pki import asn1, names, oids, related
from pki.algorithms import PrivateKey, PublicKey, algorithm_identifier
from pki.csr_attributes import attribute, request_info
from pki.extensions import Extension
from pki.kem_statement import Statement
from pki.keys import HybridPrivateKey
from pki.tbs import Certificate

NO_SIGNATURE: Final = asn1.sequence(asn1.oid(oids.NO_SIGNATURE), asn1.null())


@dataclass(frozen=True, slots=True)
class Holder:
    """A certificate that the requester holds already, and its main key."""

    certificate: Certificate
    key: PrivateKey


def build(
    key: HybridPrivateKey,
    *,
    common_name: str,
    organization: str = "",
    extensions: Iterable[Extension] = (),
    bound_to: tuple[Holder, datetime] | None = None,
) -> bytes:
    """A CertificationRequest in DER that proves possession of every key; RequestRefused names a bad field.

    `bound_to` asks for a certificate related to the holder's (RFC 9763), at this time.
    """
    subject = names.encode(common_name=common_name, organization=organization)
    values = _extension_request(extensions)
    if bound_to is not None:
        holder, now = bound_to
        values[oids.RELATED_CERT_REQUEST] = related.ask(holder.certificate, holder.key, now)
    if key.alternative:
        values[oids.SUBJECT_ALT_PUBLIC_KEY_INFO] = key.alternative.public.spki
        values[oids.ALT_SIGNATURE_ALGORITHM] = algorithm_identifier(key.alternative.signs_with)
        signature = key.alternative.sign(_info(subject, key.classical.public, values))
        values[oids.ALT_SIGNATURE_VALUE] = asn1.bit_string(signature)
    return _signed(_info(subject, key.classical.public, values), key.classical)


def build_for_kem(
    key: PublicKey,
    *,
    common_name: str,
    organization: str = "",
    extensions: Iterable[Extension] = (),
    stated_by: Holder | None = None,
) -> bytes:
    """A request for a key that cannot sign: signed by the holder of a signature certificate (RFC 9883).

    Without one it is unsigned (RFC 5272 4.2.2, with SHA-256): only the CA's challenge can prove anything.
    """
    subject = names.encode(common_name=common_name, organization=organization)
    values = _extension_request(extensions)
    if stated_by is None:
        info = _info(subject, key, values)
        return asn1.sequence(info, NO_SIGNATURE, asn1.bit_string(no_signature_value(info)))
    values[oids.STATEMENT_OF_POSSESSION] = Statement.by(stated_by.certificate).encode()
    return _signed(_info(subject, key, values), stated_by.key)


def no_signature_value(info: bytes) -> bytes:
    """NoSignatureValue: an OCTET STRING of the digest. It shows that nothing was torn, and proves nothing."""
    return asn1.octet_string(hashlib.sha256(info).digest())


def _extension_request(extensions: Iterable[Extension]) -> dict[str, bytes]:
    listed = [extension.encode() for extension in extensions]
    return {oids.EXTENSION_REQUEST: asn1.sequence(*listed)} if listed else {}


def _info(subject: bytes, key: PublicKey, values: Mapping[str, bytes]) -> bytes:
    return request_info(subject, key.spki, [attribute(*pair) for pair in values.items()])


def _signed(info: bytes, key: PrivateKey) -> bytes:
    return asn1.sequence(info, algorithm_identifier(key.signs_with), asn1.bit_string(key.sign(info)))
