"""Was one certificate of a path revoked? Only what its issuer vouches for counts; unknown is a finding.

Whole lists and shards of one issuer count, with deltas (path_lists), and responses; indirect lists do not.
Evidence is believed under the same demand as the certificates: both signatures of a list by the issuer's
established keys. A response has only one signature, so where the path must resist quantum computers, "good"
counts from a responder that does only. Evidence contradicts itself only to the worse: one authentic "revoked"
outweighs every "good". What none tells is indeterminate; the caller's policy decides what that means.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final, Literal

from pki import path_rules
from pki.algorithms import KeyAlgorithm
from pki.cert_id import CertId
from pki.crl_list import CertificateList
from pki.errors import MalformedInput
from pki.findings import Finding, Severity, error
from pki.ocsp import verify_response
from pki.ocsp_parse import BasicResponse, OcspResponse, parse_response
from pki.ocsp_response import Good, Revoked
from pki.path_lists import Asked, Told, authentic_lists, told_by_lists, unused
from pki.path_work import Work

Revocation = Literal["require", "if_available", "off"]
_RESISTS_QUANTUM: Final = frozenset(a.value for a in KeyAlgorithm if a.resists_quantum)


class CertificateStatus(StrEnum):
    """What the evidence says of one certificate: three values, and a fourth where nobody asked."""

    GOOD = "good"
    REVOKED = "revoked"
    """On hold, too."""
    INDETERMINATE = "indeterminate"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class StatusEvidence:
    """What the caller has of lists and responses, as bytes: DER, from anybody."""

    crls: tuple[bytes, ...] = ()
    ocsp_responses: tuple[bytes, ...] = ()


def judge(
    asked: Asked, evidence: StatusEvidence, policy: Revocation, work: Work
) -> tuple[CertificateStatus, list[Finding]]:
    """Revoked (a hold too) refuses; indeterminate refuses under `require`, warns under `if_available`."""
    if policy == "off":
        return CertificateStatus.NOT_ASKED, []
    who = path_rules.name_of(asked.certificate)
    responses = [r.basic for r in map(_parsed_response, evidence.ocsp_responses) if r is not None and r.basic]
    delegates = frozenset(c.serial for basic in responses for c in basic.certificates)
    usable, remarks = authentic_lists(asked, evidence.crls, work, delegates)
    told = list(told_by_lists(asked, usable))
    for der in evidence.ocsp_responses:
        for answer in _told_by_response(asked, der, usable, work):
            if isinstance(answer, Told):
                told.append(answer)
            else:
                remarks.append(answer)
    revoked = next((answer for answer in told if answer.revoked_at is not None), None)
    if revoked is not None:
        reason = revoked.reason.name.lower().replace("_", " ")
        problem = (
            f"The certificate was revoked at {revoked.revoked_at:%Y-%m-%d %H:%M:%S}Z "
            f"({reason}), says {revoked.source}."
        )
        return CertificateStatus.REVOKED, [*remarks, error("path.certificate_revoked", problem, who)]
    if told:
        return CertificateStatus.GOOD, remarks
    severity = Severity.ERROR if policy == "require" else Severity.WARNING
    given = f"{len(evidence.crls)} lists and {len(evidence.ocsp_responses)} responses given"
    problem = f"The status is unknown: none of the {given} tells it, fresh and by the issuer."
    return CertificateStatus.INDETERMINATE, [
        *remarks,
        Finding("path.revocation_unknown", severity, problem, who),
    ]


def _told_by_response(
    asked: Asked, der: bytes, lists: list[CertificateList], work: Work
) -> Iterator[Told | Finding]:
    """What one response says of the certificate; a notice where it speaks of it and is not to be used."""
    response = _parsed_response(der)
    if response is None or response.basic is None:
        return
    serial = asked.certificate.serial
    named = {CertId.parse(answer.cert_id) for answer in response.basic.answers}
    for cert_id in (c for c in named if c.certificate_serial == serial and c.matches(asked.issuer)):
        work.sign_checks(3)
        judged = verify_response(
            response,
            cert_id,
            asked.issuer,
            asked.now,
            issuer_keys=asked.issuer_keys,
            classical=asked.counts_classical,
            alternative=asked.demand.alternative,
            skew=asked.skew,
        )
        why = next((f.message for f in judged if f.refuses), "")
        if not why and _delegate_revoked(response.basic, lists):
            why = "The responder's own certificate was revoked."
        if not why and _delegate_withdrawn(response.basic, asked):
            why = "The trust bundle withdrew the responder's key."
        answer = response.basic.answer_for(cert_id)
        status = answer.status if answer is not None else None
        if not why and isinstance(status, Revoked):
            yield Told("an OCSP response", status.revoked_at, status.reason)
        elif not why and isinstance(status, Good):
            if not asked.demand.alternative or response.basic.algorithm.value in _RESISTS_QUANTUM:
                yield Told("an OCSP response")
            else:
                why = "Only a classical signature says good; ask for a post-quantum one."
        if why:
            yield unused("path.revocation_response_not_used", why, asked)


def _delegate_revoked(basic: BasicResponse, lists: list[CertificateList]) -> bool:
    """RFC 6960 4.2.2.2.1: ocsp-nocheck spares the asking; a list that is at hand is heard all the same."""
    return any(crl.revoked(c.serial) is not None for crl in lists for c in basic.certificates)


def _delegate_withdrawn(basic: BasicResponse, asked: Asked) -> bool:
    return any(True for c in basic.certificates for _ in path_rules.withdrawn_findings(c, asked.withdrawn))


@lru_cache(maxsize=64)
def _parsed_response(der: bytes) -> OcspResponse | None:
    try:
        return parse_response(der)
    except MalformedInput:
        return None
