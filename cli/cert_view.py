"""Certificates and verdicts as plain data for printing; a device's hardware serial number stays masked."""

from __future__ import annotations

from typing import Final

from cli.finding_view import finding_rows
from cli.output import print_fields, print_findings, print_json
from pki import names, oids
from pki.extensions import read_extended_key_usage, uris
from pki.findings import error
from pki.identity_extensions import read_alternative_names
from pki.path import Status, Verdict
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


def print_verdict(verdict: Verdict, *, as_json: bool) -> None:
    """The verdict, why, and the path judged."""
    findings = finding_rows(verdict.findings)
    path = [names.show(certificate.subject) for certificate in verdict.chain]
    if as_json:
        print_json({"verdict": verdict.status, "valid": verdict.is_valid, "path": path, "findings": findings})
        return
    print_fields({"verdict": verdict.status, "path": path}, as_json=False)
    print_findings(findings)


def unpublished(verdict: Verdict, record: CertificateRecord) -> Verdict:
    """The verdict with the registry's own word, which comes before any list that says it."""
    if not verdict.is_valid:
        return verdict
    problem = f"The registry has it as {record.state}; no published list says so yet."
    found = error("registry.revoked_not_yet_published", problem, record.certificate_serial)
    return Verdict(Status.INVALID, (*verdict.findings, found), verdict.chain)
