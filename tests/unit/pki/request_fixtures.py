"""Requests put together attribute by attribute, so that tests can leave out, repeat and forge."""

from __future__ import annotations

from collections.abc import Mapping

from pki import asn1, oids
from pki.algorithms import PrivateKey, algorithm_identifier
from pki.extensions import Extension
from pki.keys import HybridPrivateKey
from pki.providers.interface import KeyAlgorithm

MINE = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)


def name(*pairs: tuple[str, str]) -> bytes:
    return asn1.sequence(
        *(asn1.set_of([asn1.sequence(asn1.oid(o), asn1.utf8_string(text))]) for o, text in pairs)
    )


SUBJECT = name((oids.COMMON_NAME, "device-0001"))


def attribute(dotted: str, value: bytes) -> bytes:
    return asn1.sequence(asn1.oid(dotted), asn1.set_of([value]))


def info(subject: bytes, spki: bytes, attributes: list[bytes]) -> bytes:
    listed = asn1.tlv(0xA0, b"".join(attributes))
    return asn1.sequence(asn1.integer(0), subject, spki, listed)


def asked(*extensions: Extension) -> dict[str, bytes]:
    return {oids.EXTENSION_REQUEST: asn1.sequence(*(extension.encode() for extension in extensions))}


def catalyst_attributes(
    subject: bytes = SUBJECT, *, signer: PrivateKey | None = None, more: Mapping[str, bytes] | None = None
) -> dict[str, bytes]:
    """The three attributes, and others, signed by MINE's alternative key or by another."""
    assert MINE.alternative is not None
    by = signer or MINE.alternative
    values = {
        oids.SUBJECT_ALT_PUBLIC_KEY_INFO: MINE.alternative.public.spki,
        oids.ALT_SIGNATURE_ALGORITHM: algorithm_identifier(MINE.alternative.signs_with),
        **(more or {}),
    }
    listed = sorted(attribute(dotted, value) for dotted, value in values.items())
    signed = info(subject, MINE.classical.public.spki, listed)
    return values | {oids.ALT_SIGNATURE_VALUE: asn1.bit_string(by.sign(signed))}


def request(
    attributes: Mapping[str, bytes] | None = None,
    *,
    subject: bytes = SUBJECT,
    signer: PrivateKey | None = None,
    spki: bytes | None = None,
    raw: list[bytes] | None = None,
) -> bytes:
    """A request for MINE's keys; `raw` attributes stand as given, unsorted."""
    values = catalyst_attributes(subject) if attributes is None else attributes
    listed = sorted(attribute(dotted, value) for dotted, value in values.items()) if raw is None else raw
    by = signer or MINE.classical
    body = info(subject, spki or MINE.classical.public.spki, listed)
    return asn1.sequence(body, algorithm_identifier(by.signs_with), asn1.bit_string(by.sign(body)))
