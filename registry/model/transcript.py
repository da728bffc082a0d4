"""What keys sign and tokens authenticate in enrolment: length-prefixed fields, none runs into another.

Registry and device build the same bytes; a vendor's client must build them too (docs/mqtt.md).
"""

from __future__ import annotations

import hashlib
import hmac


def fields(label: str, *parts: bytes) -> bytes:
    """label and parts, each behind its length as four octets, big-endian."""
    return b"".join(len(p).to_bytes(4, "big") + p for p in (label.encode(), *parts))


def challenge(nonce: bytes, device_id: str, rid: str, expires_at: str, issuer_fingerprint: bytes) -> bytes:
    """Signed by the registry as owner proof; `expires_at` as it stands in the message (RFC 3339)."""
    parts = (nonce, device_id.encode(), rid.encode(), expires_at.encode(), issuer_fingerprint)
    return fields("medtrust-challenge-v1", *parts)


def enroll(csr: bytes, nonce: bytes, device_id: str, claim: str) -> bytes:
    """Signed by every key of the request: DER(CSR), nonce, id, SHA-256 of the claim."""
    return fields(
        "medtrust-enroll-v1", csr, nonce, device_id.encode(), hashlib.sha256(claim.encode()).digest()
    )


def renew(csr: bytes, device_id: str, rid: str, current_fingerprint: bytes) -> bytes:
    """Signed by the new keys and by the current ones; `current_fingerprint` is SHA-256 of the certificate."""
    return fields("medtrust-renew-v1", csr, device_id.encode(), rid.encode(), current_fingerprint)


def confirm(device_id: str, rid: str, fingerprint: bytes) -> bytes:
    """Signed by the new certificate's keys at its first use."""
    return fields("medtrust-confirm-v1", device_id.encode(), rid.encode(), fingerprint)


def token_key(token: str) -> bytes:
    """The HMAC key of a join token: SHA-256 under a label. The registry stores this, never the token."""
    return hashlib.sha256(fields("medtrust-join-token-v1", token.strip().encode())).digest()


def token_hmac(key: bytes, transcript: bytes) -> bytes:
    """HMAC-SHA256 over an enroll transcript: how a token is shown without being sent."""
    return hmac.new(key, transcript, hashlib.sha256).digest()


def same(one: bytes, other: bytes) -> bool:
    """Comparison in constant time."""
    return hmac.compare_digest(one, other)
