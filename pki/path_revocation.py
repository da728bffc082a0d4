"""Was one certificate of a path revoked? Only what its issuer vouches for counts; unknown is a finding.

RFC 5280 6.3.3 for lists of all that an issuer issued, or of a part, with deltas. A list is believed under the
same demand as the certificates: both signatures by the issuer's established keys. A response has only one
signature, so where the alternative one is a must, "good" counts from a post-quantum responder only.
Evidence contradicts itself only to the worse: one authentic "revoked" outweighs every "good".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final, Literal

from pki import oids, path_rules
from pki.algorithms import KeyAlgorithm
from pki.cert_id import CertId
from pki.crl_checks import verify_crl
from pki.crl_list import CertificateList, CrlReason, RevokedEntry
from pki.errors import MalformedInput
from pki.extensions import KeyUsage, uris
from pki.findings import Finding, Severity, error
from pki.keys import HybridPublicKey
from pki.name_comparison import same
from pki.ocsp import verify_response
from pki.ocsp_parse import BasicResponse, OcspResponse, parse_response
from pki.ocsp_response import Good, Revoked
from pki.path_signature import Demand
from pki.path_structure import is_ca
from pki.path_work import Work
from pki.tbs import Certificate

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


@dataclass(frozen=True, slots=True)
class Asked:
    """One certificate whose status is asked for, and who may answer."""

    certificate: Certificate
    issuer: Certificate
    issuer_keys: HybridPublicKey
    """As the level above established them, not as the issuer's certificate claims."""
    demand: Demand
    now: datetime
    skew: timedelta
    """How far a publisher's clock may be ahead: what it signed a moment ago is not from the future."""

    @property
    def counts_classical(self) -> bool:
        """Whether the issuer's main key vouches."""
        return self.demand.counts_classical(self.issuer_keys)


@dataclass(frozen=True, slots=True)
class Told:
    """One authentic answer; without `revoked_at` it is good."""

    source: str
    revoked_at: datetime | None = None
    reason: CrlReason = CrlReason.UNSPECIFIED

    @classmethod
    def by_list(cls, source: str, entry: RevokedEntry | None) -> Told:
        """What a list says, by its entry or by having none."""
        return cls(source) if entry is None else cls(source, entry.revoked_at, entry.reason)


def judge(
    asked: Asked, evidence: StatusEvidence, policy: Revocation, work: Work
) -> tuple[CertificateStatus, list[Finding]]:
    """Revoked (a hold too) refuses; indeterminate refuses under `require`, warns under `if_available`."""
    if policy == "off":
        return CertificateStatus.NOT_ASKED, []
    who = path_rules.name_of(asked.certificate)
    usable, remarks = _authentic_lists(asked, evidence, work)
    told = list(_told_by_lists(asked, usable))
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


def _authentic_lists(
    asked: Asked, evidence: StatusEvidence, work: Work
) -> tuple[list[CertificateList], list[Finding]]:
    """The issuer's own lists, and why others under its name are not used."""
    usable: list[CertificateList] = []
    remarks: list[Finding] = []
    key_identifier = path_rules.subject_key(asked.issuer)
    for der in evidence.crls:
        crl = _parsed_list(der)
        if crl is None or not same(crl.issuer, asked.issuer.subject):
            continue
        if key_identifier is not None and crl.authority_key_identifier != key_identifier:
            continue
        work.sign_checks(2)
        judged = _list_findings(der, asked.issuer_keys, asked.demand)
        why = _unusable(crl, asked) or next((f.message for f in judged if f.refuses), "")
        if why:
            remarks.append(_unused("path.revocation_list_not_used", why, asked))
        else:
            usable.append(crl)
            remarks += judged
    return usable, remarks


def _unusable(crl: CertificateList, asked: Asked) -> str:
    """Why a list under the issuer's name is not used at all; empty: it may be."""
    usages = path_rules.key_usages(asked.issuer)
    if usages is not None and KeyUsage.CRL_SIGN not in usages:
        return "The issuer's keyUsage lacks cRLSign."
    if crl.indirect:
        return "The list is indirect: it lists other issuers' certificates, which is not understood here."
    if any(e.critical and e.oid == oids.CRL_NUMBER for e in crl.extensions):
        return "The list's cRLNumber is critical (RFC 5280 5.2.3)."
    return ""


def _speaks_of(crl: CertificateList, certificate: Certificate) -> bool:
    """5.2.5, 6.3.3 (b): whether a serial that is missing from the list is good."""
    scope = crl.scope
    other_kind = scope.only_user_certificates if is_ca(certificate) else scope.only_ca_certificates
    if other_kind or scope.only_attribute_certificates or scope.only_some_reasons:
        return False
    if not scope.distribution_point:
        return True
    value = certificate.extension(oids.CRL_DISTRIBUTION_POINTS)
    return value is not None and not set(scope.distribution_point).isdisjoint(uris(value))


@lru_cache(maxsize=8)
def _parsed_list(der: bytes) -> CertificateList | None:
    try:
        return CertificateList.parse(der)
    except MalformedInput:
        return None  # Who owns a list that does not read is unknown; the status then is, too.


@lru_cache(maxsize=16)
def _list_findings(der: bytes, keys: HybridPublicKey, demand: Demand) -> tuple[Finding, ...]:
    """Kept: a list's signatures hold for every certificate that it is asked about."""
    crl = CertificateList.parse(der)
    return verify_crl(crl, keys, classical=demand.counts_classical(keys), alternative=demand.alternative)


def _told_by_lists(asked: Asked, lists: list[CertificateList]) -> Iterator[Told]:
    serial = asked.certificate.serial
    for crl in lists:
        entry = crl.revoked(serial)
        # A final revocation stays one in a list that lapsed: hiding the fresh list must not help.
        if entry is not None and entry.reason not in (CrlReason.CERTIFICATE_HOLD, CrlReason.REMOVE_FROM_CRL):
            yield Told.by_list(f"list {crl.crl_number}", entry)
    spoken = [crl for crl in lists if _speaks_of(crl, asked.certificate)]
    fresh = [crl for crl in spoken if crl.this_update - asked.skew <= asked.now <= crl.next_update]
    for scope in {crl.scope for crl in fresh}:
        alike = [crl for crl in fresh if crl.scope == scope]
        complete = max((c for c in alike if not c.is_delta), key=lambda c: c.crl_number, default=None)
        if complete is not None:
            yield _told_by_scope(complete, alike, serial)


def _told_by_scope(complete: CertificateList, alike: list[CertificateList], serial: int) -> Told:
    """The newest complete list of one scope, and the newest changes to it."""
    source, entry = f"list {complete.crl_number}", complete.revoked(serial)
    delta = max((c for c in alike if _continues(c, complete)), key=lambda c: c.crl_number, default=None)
    change = delta.revoked(serial) if delta is not None else None
    if delta is not None and change is not None:
        source = f"delta {delta.crl_number} upon list {complete.crl_number}"
        entry = None if change.reason is CrlReason.REMOVE_FROM_CRL else change
    return Told.by_list(source, entry)


def _continues(delta: CertificateList, complete: CertificateList) -> bool:
    """5.2.4: a delta applies to a complete list no older than its base, and is itself the newer one."""
    base = delta.base_crl_number
    return base is not None and base <= complete.crl_number < delta.crl_number


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
            yield _unused("path.revocation_response_not_used", why, asked)


def _delegate_revoked(basic: BasicResponse, lists: list[CertificateList]) -> bool:
    """RFC 6960 4.2.2.2.1: ocsp-nocheck spares the asking; a list that is at hand is heard all the same."""
    return any(crl.revoked(c.serial) is not None for crl in lists for c in basic.certificates)


@lru_cache(maxsize=64)
def _parsed_response(der: bytes) -> OcspResponse | None:
    try:
        return parse_response(der)
    except MalformedInput:
        return None


def _unused(rule: str, why: str, asked: Asked) -> Finding:
    return Finding(rule, Severity.NOTICE, why, path_rules.name_of(asked.certificate))
