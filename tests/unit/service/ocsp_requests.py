"""OCSP requests that no client function writes: several certificates in one."""

from __future__ import annotations

from pki import asn1
from pki.cert_id import CertId


def request_of(*cert_ids: CertId) -> bytes:
    """An OCSPRequest for these, without extensions."""
    listed = (asn1.sequence(cert_id.der) for cert_id in cert_ids)
    return asn1.sequence(asn1.sequence(asn1.sequence(*listed)))
