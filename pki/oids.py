"""Object identifiers, dotted, by the names their standards give them."""

from __future__ import annotations

from typing import Final

# Keys and signatures: RFC 5480, RFC 8410, RFC 9881
EC_PUBLIC_KEY: Final = "1.2.840.10045.2.1"
SECP256R1: Final = "1.2.840.10045.3.1.7"
SECP384R1: Final = "1.3.132.0.34"
SECP521R1: Final = "1.3.132.0.35"
ECDSA_WITH_SHA256: Final = "1.2.840.10045.4.3.2"
ECDSA_WITH_SHA384: Final = "1.2.840.10045.4.3.3"
ECDSA_WITH_SHA512: Final = "1.2.840.10045.4.3.4"
ED25519: Final = "1.3.101.112"
ML_DSA_44: Final = "2.16.840.1.101.3.4.3.17"
ML_DSA_65: Final = "2.16.840.1.101.3.4.3.18"
ML_DSA_87: Final = "2.16.840.1.101.3.4.3.19"

# RSA: RFC 4055. ML-KEM: RFC 9935. SLH-DSA (RFC 9909) and composites (draft-19) by their arcs
SHA256_WITH_RSA: Final = "1.2.840.113549.1.1.11"
SHA384_WITH_RSA: Final = "1.2.840.113549.1.1.12"
SHA512_WITH_RSA: Final = "1.2.840.113549.1.1.13"
ML_KEM_512: Final = "2.16.840.1.101.3.4.4.1"
ML_KEM_768: Final = "2.16.840.1.101.3.4.4.2"
ML_KEM_1024: Final = "2.16.840.1.101.3.4.4.3"
NIST_SIGNATURES: Final = "2.16.840.1.101.3.4.3"
PKIX_ALGORITHMS: Final = "1.3.6.1.5.5.7.6"
BRAINPOOL_P256R1: Final = "1.3.36.3.3.2.8.1.1.7"
BRAINPOOL_P384R1: Final = "1.3.36.3.3.2.8.1.1.11"

# Names: X.520
COMMON_NAME: Final = "2.5.4.3"
SERIAL_NUMBER_ATTRIBUTE: Final = "2.5.4.5"
COUNTRY: Final = "2.5.4.6"
ORGANIZATION: Final = "2.5.4.10"
ORGANIZATIONAL_UNIT: Final = "2.5.4.11"

# Extensions: RFC 5280 4.2 and 5.2
SUBJECT_KEY_IDENTIFIER: Final = "2.5.29.14"
KEY_USAGE: Final = "2.5.29.15"
SUBJECT_ALT_NAME: Final = "2.5.29.17"
BASIC_CONSTRAINTS: Final = "2.5.29.19"
CRL_NUMBER: Final = "2.5.29.20"
CRL_REASON: Final = "2.5.29.21"
INVALIDITY_DATE: Final = "2.5.29.24"
DELTA_CRL_INDICATOR: Final = "2.5.29.27"
ISSUING_DISTRIBUTION_POINT: Final = "2.5.29.28"
NAME_CONSTRAINTS: Final = "2.5.29.30"
CRL_DISTRIBUTION_POINTS: Final = "2.5.29.31"
CERTIFICATE_POLICIES: Final = "2.5.29.32"
AUTHORITY_KEY_IDENTIFIER: Final = "2.5.29.35"
EXTENDED_KEY_USAGE: Final = "2.5.29.37"
AUTHORITY_INFORMATION_ACCESS: Final = "1.3.6.1.5.5.7.1.1"
AD_OCSP: Final = "1.3.6.1.5.5.7.48.1"
AD_CA_ISSUERS: Final = "1.3.6.1.5.5.7.48.2"

# Alternative signatures: ITU-T X.509 (10/2019) 9.8
SUBJECT_ALT_PUBLIC_KEY_INFO: Final = "2.5.29.72"
ALT_SIGNATURE_ALGORITHM: Final = "2.5.29.73"
ALT_SIGNATURE_VALUE: Final = "2.5.29.74"
CATALYST: Final = frozenset({SUBJECT_ALT_PUBLIC_KEY_INFO, ALT_SIGNATURE_ALGORITHM, ALT_SIGNATURE_VALUE})

# Extended key usages: RFC 5280 4.2.1.12
EKU_SERVER_AUTH: Final = "1.3.6.1.5.5.7.3.1"
EKU_CLIENT_AUTH: Final = "1.3.6.1.5.5.7.3.2"
EKU_OCSP_SIGNING: Final = "1.3.6.1.5.5.7.3.9"

# OCSP: RFC 6960, RFC 9654
OCSP_BASIC: Final = "1.3.6.1.5.5.7.48.1.1"
OCSP_NONCE: Final = "1.3.6.1.5.5.7.48.1.2"
OCSP_NO_CHECK: Final = "1.3.6.1.5.5.7.48.1.5"
OCSP_ARCHIVE_CUTOFF: Final = "1.3.6.1.5.5.7.48.1.6"
OCSP_PREFERRED_SIGNATURE_ALGORITHMS: Final = "1.3.6.1.5.5.7.48.1.8"
OCSP_EXTENDED_REVOKE: Final = "1.3.6.1.5.5.7.48.1.9"

# Requests: RFC 2986, RFC 2985
EXTENSION_REQUEST: Final = "1.2.840.113549.1.9.14"
CHALLENGE_PASSWORD: Final = "1.2.840.113549.1.9.7"  # noqa: S105 - an attribute's type
MICROSOFT: Final = "1.3.6.1.4.1.311."
"""The arc, with its dot: what Windows' tools add."""
NO_SIGNATURE: Final = "1.3.6.1.5.5.7.6.2"
"""RFC 5272 4.2.2: the request of a key that cannot sign."""

# Bound certificates: RFC 9763; statements of possession: RFC 9883
RELATED_CERTIFICATE: Final = "1.3.6.1.5.5.7.1.36"
RELATED_CERT_REQUEST: Final = "1.2.840.113549.1.9.16.2.60"
STATEMENT_OF_POSSESSION: Final = "1.3.6.1.4.1.22112.2.1"

# Hardware identity: RFC 4108 section 5
HARDWARE_MODULE_NAME: Final = "1.3.6.1.5.5.7.8.4"

# Digests, as CertID uses them: RFC 6960 4.1.1
SHA1: Final = "1.3.14.3.2.26"
SHA256: Final = "2.16.840.1.101.3.4.2.1"
SHA384: Final = "2.16.840.1.101.3.4.2.2"
SHA512: Final = "2.16.840.1.101.3.4.2.3"

# Constraints and policies: RFC 5280 4.2.1.4, 4.2.1.5, 4.2.1.11, 4.2.1.14, 4.2.1.15
ANY_POLICY: Final = "2.5.29.32.0"
POLICY_MAPPINGS: Final = "2.5.29.33"
POLICY_CONSTRAINTS: Final = "2.5.29.36"
FRESHEST_CRL: Final = "2.5.29.46"
INHIBIT_ANY_POLICY: Final = "2.5.29.54"
ANY_EXTENDED_KEY_USAGE: Final = "2.5.29.37.0"

# A device's description of its own traffic: RFC 8520 section 10
MUD_URL: Final = "1.3.6.1.5.5.7.1.25"
