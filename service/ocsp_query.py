"""One question to an OCSP responder (RFC 6960, RFC 5019), and the judgement of what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pki import oids, path_rules
from pki.algorithms import SignatureAlgorithm
from pki.cert_id import CertId
from pki.errors import MalformedInput
from pki.findings import Finding, error
from pki.ocsp import build_request, encode_get_path, verify_response
from pki.ocsp_parse import MAX_BYTES, OcspResponse, parse_response
from pki.ocsp_request import ResponseStatus
from pki.ocsp_response import SingleAnswer
from pki.tbs import Certificate
from service.http_fetch import SECONDS, FetchFailed, fetch

SKEW: Final = timedelta(minutes=5)
"""How far a publisher's clock may be ahead of ours."""
_LONGEST_GET: Final = 255
"""RFC 5019 5: what is longer goes by POST, and past caches."""
_TYPE: Final = "application/ocsp-request"
_DOWN: Final = {ResponseStatus.TRY_LATER: "tryLater", ResponseStatus.INTERNAL_ERROR: "internalError"}


class ResponderDown(FetchFailed):
    """There is a responder, and it does not answer questions now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, and by which rules the answer is judged."""

    certificate: Certificate
    issuer: Certificate
    """Its keys are established: by a path, or by the caller's word."""
    digest: str = oids.SHA256
    nonce: bytes | None = None
    post_quantum: bool = False
    """Asks for ML-DSA-65 (RFC 6960 4.4.7), and believes nothing else."""
    withdrawn: tuple[str, ...] = ()
    """Keys that the trust bundle withdrew."""

    @property
    def cert_id(self) -> CertId:
        """The CertID that is asked about."""
        return CertId.of(self.issuer, self.certificate.serial, self.digest)

    def encode(self) -> bytes:
        """OCSPRequest, DER."""
        return build_request(
            self.certificate,
            self.issuer,
            hash_oid=self.digest,
            nonce=self.nonce,
            preferred=(SignatureAlgorithm.ML_DSA_65,) if self.post_quantum else (),
        )


@dataclass(frozen=True, slots=True)
class Answered:
    """A response, and what was found about it."""

    question: Question
    response: OcspResponse
    findings: tuple[Finding, ...]
    size: int
    """Octets."""
    seconds: float

    @property
    def believed(self) -> SingleAnswer | None:
        """The answer about the certificate, where nothing speaks against it."""
        if self.response.basic is None or any(finding.refuses for finding in self.findings):
            return None
        return self.response.basic.answer_for(self.question.cert_id)


def ask(url: str, question: Question, clock: Callable[[], datetime], *, seconds: float = SECONDS) -> Answered:
    """The answer, judged; FetchFailed where there is none, ResponderDown where it is none for now.

    Without a nonce it is a GET, as caches can keep it, where the URL stays short enough.
    """
    request = question.encode()
    by_get = f"{url.rstrip('/')}/{encode_get_path(request)}"
    if question.nonce is None and "?" not in url and len(by_get) <= _LONGEST_GET:
        found = fetch(by_get, at_most=MAX_BYTES, seconds=seconds)
    else:
        headers = {"Content-Type": _TYPE}
        found = fetch(url, at_most=MAX_BYTES, seconds=seconds, headers=headers, body=request)
    try:
        response = parse_response(found.body)
    except MalformedInput as odd:
        raise FetchFailed(
            f"{url[:200]} answers something that is no OCSP response: {odd.problem}",
            next_step="Check the URL: is it the responder's own?",
            field="url",
        ) from odd
    if response.status in _DOWN:
        raise ResponderDown(
            f"{url[:200]} answers {_DOWN[response.status]}.",
            next_step="Ask again later; the responder's health says why.",
            field="url",
        )
    findings = tuple(_judged(response, question, clock()))
    return Answered(question, response, findings, len(found.body), found.seconds)


def _judged(response: OcspResponse, question: Question, now: datetime) -> Iterator[Finding]:
    yield from verify_response(
        response,
        question.cert_id,
        question.issuer,
        now,
        nonce=question.nonce,
        classical=not question.post_quantum,
        skew=SKEW,
    )
    for delegate in response.basic.certificates if response.basic is not None else ():
        for _ in path_rules.withdrawn_findings(delegate, question.withdrawn):
            problem = "The trust bundle withdrew the key of a certificate that came along."
            yield error("ocsp.delegate_key_withdrawn", problem, path_rules.name_of(delegate))
