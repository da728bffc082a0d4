"""pkilint, the one place where its linters are put together; findings are codes with severity and words."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from pkilint import loader, pkix
from pkilint.pkix import certificate, crl, extension, name, ocsp
from pkilint.validation import ValidationResult, ValidatorContainer


@lru_cache(maxsize=1)
def _certificates() -> ValidatorContainer:
    return certificate.create_pkix_certificate_validator_container(
        certificate.create_decoding_validators(name.ATTRIBUTE_TYPE_MAPPINGS, extension.EXTENSION_MAPPINGS),
        [
            certificate.create_issuer_validator_container([]),
            certificate.create_validity_validator_container(),
            certificate.create_subject_validator_container([]),
            certificate.create_extensions_validator_container([]),
            certificate.create_spki_validator_container([]),
        ],
    )


@lru_cache(maxsize=1)
def _lists() -> ValidatorContainer:
    return crl.create_pkix_crl_validator_container(
        [
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [
            crl.create_issuer_validator_container([]),
            crl.create_validity_validator_container([]),
            crl.create_extensions_validator_container([]),
        ],
    )


@lru_cache(maxsize=1)
def _responses() -> ValidatorContainer:
    return ocsp.create_pkix_ocsp_response_validator_container(
        [
            ocsp.create_response_decoder(),
            pkix.create_attribute_decoder(name.ATTRIBUTE_TYPE_MAPPINGS),
            pkix.create_extension_decoder(extension.EXTENSION_MAPPINGS),
        ],
        [],
    )


def of_certificate(der: bytes) -> dict[str, str]:
    """Findings over a certificate, code: message."""
    return _codes(
        _certificates().validate(loader.RFC5280CertificateDocumentLoader().load_der_document(der).root)
    )


def of_list(der: bytes) -> dict[str, str]:
    """Findings over a revocation list."""
    return _codes(
        _lists().validate(loader.RFC5280CertificateListDocumentLoader().load_der_document(der).root)
    )


def of_response(der: bytes) -> dict[str, str]:
    """Findings over an OCSP response."""
    return _codes(
        _responses().validate(loader.RFC6960OCSPResponseDocumentLoader().load_der_document(der).root)
    )


def _codes(results: Iterable[ValidationResult]) -> dict[str, str]:
    return {
        found.finding.code: f"{found.finding.severity.name} {found.message or ''}"
        for result in results
        for found in result.finding_descriptions
    }
