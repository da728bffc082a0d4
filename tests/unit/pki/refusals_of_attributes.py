"""Attributes that no request may carry: rows of docs/requests.md's table, as bytes."""

from __future__ import annotations

from pki import asn1, oids, related
from pki.profiles import DEVICE_RELATED
from tests.unit.pki.issuing_fixtures import NOW, house
from tests.unit.pki.refusals import Refusal
from tests.unit.pki.request_fixtures import MINE, request


def _attribute(what: str, rule: str, field: str, der: bytes) -> Refusal:
    return Refusal(what, f"request.{rule}", field, lambda: der)


ATTRIBUTES = (
    _attribute(
        "challengePassword",
        "attribute_not_known",
        oids.CHALLENGE_PASSWORD,
        request({oids.CHALLENGE_PASSWORD: asn1.utf8_string("secret")}),
    ),
    _attribute(
        "unstructuredName",
        "attribute_not_known",
        "1.2.840.113549.1.9.2",
        request({"1.2.840.113549.1.9.2": asn1.utf8_string("pump")}),
    ),
    _attribute(
        "Windows' OS version",
        "attribute_not_known",
        "1.3.6.1.4.1.311.13.2.3",
        request({"1.3.6.1.4.1.311.13.2.3": asn1.tlv(asn1.IA5_STRING, b"10.0.26100.2")}),
    ),
    _attribute(
        "Windows' client information",
        "attribute_not_known",
        "1.3.6.1.4.1.311.21.20",
        request({"1.3.6.1.4.1.311.21.20": asn1.sequence(asn1.integer(5), asn1.utf8_string("certreq"))}),
    ),
    _attribute(
        "a certificate to be bound to, for another profile",
        "related_not_in_profile",
        "relatedCertRequest",
        request({oids.RELATED_CERT_REQUEST: related.ask(house().issuer.certificate, MINE.classical, NOW)}),
    ),
    Refusal(
        "no certificate to be bound to, for a related profile",
        "request.related_request_missing",
        "relatedCertRequest",
        lambda: request({}),
        DEVICE_RELATED,
    ),
)
