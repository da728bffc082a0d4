"""Certificates as plain data for printing; a device's hardware serial number stays masked."""

from __future__ import annotations

from typing import Final

from cli.verdict_view import delta_row
from pki import names, oids
from pki.extensions import read_extended_key_usage, uris
from pki.identity_extensions import read_alternative_names
from pki.tbs import Certificate, read_alternative
from registry.identity.masking import masked
from registry.model.certificate import CertificateRecord, of_int

_PURPOSES: Final = {
    oids.EKU_SERVER_AUTH: "server",
    oids.EKU_CLIENT_AUTH: "client",
    oids.EKU_OCSP_SIGNING: "OCSP signing",
}


def certificate_details(certificate: Certificate, record: CertificateRecord | None) -> dict[str, object]:
    """What stands in the certificate, and below it what the registry knows beside."""
    alternative, _ = read_alternative(certificate.extensions)
    second_key = certificate.alternative_public_key
    document: dict[str, object] = {
        "certificate_serial": of_int(certificate.serial),
        "subject": names.show(certificate.subject),
        "issuer": names.show(certificate.issuer),
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "key": certificate.public_key.algorithm,
        "alternative_key": second_key.algorithm if second_key else None,
        "signature": certificate.signed.algorithm,
        "alternative_signature": alternative.algorithm if alternative else None,
        **_extensions(certificate),
        "sha256": certificate.fingerprint.hex(),
    }
    if delta := delta_row(certificate):
        document["delta_certificate"] = delta
    if record is not None:
        document |= {
            "state": record.state,
            "profile": record.profile,
            "device_id": record.device_id,
            "reason": record.reason,
            "revoked_at": record.revoked_at,
        }
    return document


def _extensions(certificate: Certificate) -> dict[str, object]:
    shown: dict[str, object] = {}
    if value := certificate.extension(oids.SUBJECT_ALT_NAME):
        found = read_alternative_names(value)
        shown["names"] = [*found.dns_names, *found.ip_addresses]
        shown["hardware"] = [
            f"{kind} {masked(serial.decode('utf-8', 'replace'))}" for kind, serial in found.hardware
        ]
        shown["udi_di"] = [f"{udi_di} ({agency})" for agency, udi_di in found.udis]
    if value := certificate.extension(oids.EXTENDED_KEY_USAGE):
        shown["purposes"] = [_PURPOSES.get(dotted, dotted) for dotted in read_extended_key_usage(value)]
    for name, dotted in (
        ("status_urls", oids.AUTHORITY_INFORMATION_ACCESS),
        ("crl_urls", oids.CRL_DISTRIBUTION_POINTS),
    ):
        if value := certificate.extension(dotted):
            shown[name] = list(uris(value))
    return {name: value for name, value in shown.items() if value}
