"""OCSP (RFC 6960): the judgement of a response, and in one place the names that others need.

Requests are in ocsp_request, answers in ocsp_response and ocsp_parse, the URL form in ocsp_path. Not
handled here: whether the delegate itself was revoked; give delegates short lives and ocsp-nocheck.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from pki import extensions, oids
from pki.algorithms import PublicKey
from pki.cert_id import CertId
from pki.errors import MalformedInput
from pki.extensions import KeyUsage
from pki.findings import Finding, Severity, error
from pki.hybrid_signature import alternative_findings
from pki.keys import HybridPublicKey
from pki.ocsp_parse import BasicResponse, OcspResponse, parse_response
from pki.ocsp_path import decode_get_path, encode_get_path
from pki.ocsp_request import OcspRequest, OcspRequestRefused, ResponseStatus, build_request
from pki.ocsp_response import (
    GOOD,
    NEVER_ISSUED,
    UNKNOWN,
    CertStatus,
    Good,
    Responder,
    ResponderUnusable,
    Revoked,
    SingleAnswer,
    Unknown,
    build_response,
    error_response,
    responder_key_hash,
)
from pki.tbs import Certificate

_NO_SKEW: Final = timedelta(0)
_DELEGATES_MAY_SAY: Final = frozenset({oids.BASIC_CONSTRAINTS, oids.KEY_USAGE, oids.EXTENDED_KEY_USAGE})
"""Critical in a delegate's certificate without being unknown."""

__all__ = [
    "GOOD",
    "NEVER_ISSUED",
    "UNKNOWN",
    "BasicResponse",
    "CertId",
    "CertStatus",
    "Good",
    "OcspRequest",
    "OcspRequestRefused",
    "OcspResponse",
    "Responder",
    "ResponderUnusable",
    "ResponseStatus",
    "Revoked",
    "SingleAnswer",
    "Unknown",
    "build_request",
    "build_response",
    "decode_get_path",
    "encode_get_path",
    "error_response",
    "parse_response",
    "verify_response",
]


def verify_response(
    response: OcspResponse,
    cert_id: CertId,
    issuer: Certificate,
    now: datetime,
    *,
    issuer_keys: HybridPublicKey | None = None,
    nonce: bytes | None = None,
    classical: bool = True,
    alternative: bool = True,
    skew: timedelta = _NO_SKEW,
) -> tuple[Finding, ...]:
    """Whether the answer for `cert_id` may be used (3.2); the status itself is `basic.answer_for(cert_id)`.

    `issuer_keys` are the keys as a path established them; without, the certificate's own. `nonce` is what
    the request carried. `classical=False` asks for post-quantum signatures only (the day after);
    `alternative=False` lets a delegate pass whose certificate lacks the alternative signature. `skew` is how
    far the responder's clock may be ahead of ours.
    """
    if response.basic is None:
        problem = f"The responder answered {response.status.name.lower()}."
        return (error("ocsp.response_not_successful", problem),)
    try:
        keys = issuer_keys or HybridPublicKey(issuer.public_key, issuer.alternative_public_key)
        findings = [*_answer_findings(response.basic, cert_id, issuer, now, skew)]
        findings += _nonce_findings(response.basic, nonce)
        signer = _signer(response.basic, issuer)
        if signer is None:
            problem = "Neither the issuer nor a certificate that came along is the responder."
            return (*findings, error("ocsp.responder_not_found", problem))
        delegated = signer.der != issuer.der
        # The issuer's own key is the one that the path established, whatever its certificate says.
        key = signer.public_key if delegated else keys.classical
        findings += _signature_findings(response.basic, key, keys, classical=classical)
        if delegated:
            findings += _delegate_findings(signer, issuer, now)
            findings += _delegation_findings(signer, keys, classical=classical, required=alternative)
    except MalformedInput as bad:
        return (error("ocsp.certificate_malformed", str(bad), bad.field),)
    return tuple(findings)


def _answer_findings(
    basic: BasicResponse, cert_id: CertId, issuer: Certificate, now: datetime, skew: timedelta
) -> Iterator[Finding]:
    if not cert_id.matches(issuer):
        yield error("ocsp.asked_of_another_issuer", "The CertID does not name a certificate of this issuer.")
    if basic.produced_at > now + skew:
        yield error("ocsp.response_from_the_future", f"Produced at {basic.produced_at.isoformat()}.")
    answer = basic.answer_for(cert_id)
    if answer is None:
        yield error("ocsp.certificate_not_answered", "The response has no one answer for the certificate.")
        return
    if answer.this_update > now + skew:
        yield error("ocsp.answer_not_yet_valid", f"It begins at {answer.this_update.isoformat()}.")
    if answer.next_update is None:
        # 4.2.2.1 lets it be absent, and then anybody may replay the answer for ever.
        yield error("ocsp.answer_without_end", "nextUpdate is absent, so the answer could be of any age.")
    elif answer.next_update < now:
        yield error("ocsp.answer_lapsed", f"Newer information was due at {answer.next_update.isoformat()}.")


def _nonce_findings(basic: BasicResponse, nonce: bytes | None) -> Iterator[Finding]:
    if nonce is None or basic.nonce == nonce:
        return
    if basic.nonce is None:
        yield error("ocsp.nonce_missing", "The request carried a nonce and the response has none.")
    else:
        yield error("ocsp.nonce_differs", "The response is for another request's nonce.")


def _signer(basic: BasicResponse, issuer: Certificate) -> Certificate | None:
    for candidate in (issuer, *basic.certificates):
        if basic.responder_key_hash is None:
            named = candidate.subject == basic.responder_name
        else:
            named = responder_key_hash(candidate) == basic.responder_key_hash
        if named:
            return candidate
    return None


def _signature_findings(
    basic: BasicResponse, key: PublicKey, keys: HybridPublicKey, *, classical: bool
) -> Iterator[Finding]:
    if not key.verify(basic.algorithm, basic.signature, basic.tbs):
        yield error("ocsp.signature_invalid", "The signature is not by the responder's key.")
    elif not key.algorithm.resists_quantum and not classical:
        yield error("ocsp.signature_not_post_quantum", f"The response is signed with {basic.algorithm}.")
    elif not key.algorithm.resists_quantum and keys.alternative is not None:
        problem = "Only a classical signature vouches for this answer; ask for a post-quantum one."
        yield Finding("ocsp.signature_classical_only", Severity.NOTICE, problem, str(basic.algorithm))


def _delegate_findings(signer: Certificate, issuer: Certificate, now: datetime) -> Iterator[Finding]:
    """4.2.2.2: issued directly by the CA, for OCSPSigning, and alive."""
    who = f"serial {signer.serial:x}"
    if signer.issuer != issuer.subject:
        yield error("ocsp.delegate_of_another_issuer", "The responder was not delegated by this CA.", who)
    purposes = signer.extension(oids.EXTENDED_KEY_USAGE)
    if purposes is None or oids.EKU_OCSP_SIGNING not in extensions.read_extended_key_usage(purposes):
        yield error("ocsp.delegate_without_ocsp_signing", "extKeyUsage lacks OCSPSigning.", who)
    unknown = sorted(e.oid for e in signer.extensions if e.critical and e.oid not in _DELEGATES_MAY_SAY)
    if unknown:
        problem = f"The responder's certificate has critical extensions unknown here: {', '.join(unknown)}."
        yield error("ocsp.delegate_critical_extension_unknown", problem, who)
    usages = signer.extension(oids.KEY_USAGE)
    if usages is not None and KeyUsage.DIGITAL_SIGNATURE not in extensions.read_key_usage(usages):
        yield error("ocsp.delegate_may_not_sign", "keyUsage lacks digitalSignature.", who)
    if not signer.not_before <= now < signer.not_after + timedelta(seconds=1):
        yield error("ocsp.delegate_not_valid_now", "The responder's certificate is not valid now.", who)


def _delegation_findings(
    signer: Certificate, keys: HybridPublicKey, *, classical: bool, required: bool
) -> Iterator[Finding]:
    who, signed = f"serial {signer.serial:x}", signer.signed
    classical = classical or keys.classical.algorithm.resists_quantum
    if classical and not keys.classical.verify(signed.algorithm, signed.signature, signed.tbs):
        yield error(
            "ocsp.delegation_signature_invalid", "The CA did not sign the responder's certificate.", who
        )
    yield from alternative_findings(
        signer.extensions,
        lambda: signer.pre_tbs,
        keys.alternative,
        who=who,
        classical=classical,
        required=required,
    )
