"""Was one certificate of a path revoked? Only what its issuer vouches for counts; unknown is a finding.

RFC 5280 6.3.3 for lists of all that an issuer issued, or of a part, with deltas. A list is believed under the
same demand as the certificates: both signatures by the issuer's established keys. A response has only one
signature, so where the alternative one is a must, "good" counts from a post-quantum responder only.
Evidence contradicts itself only to the worse: one authentic "revoked" outweighs every "good".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

from pki import extensions, oids, path_rules
from pki.algorithms import SIGNATURE_BYTES
from pki.cert_id import CertId
from pki.crl_checks import verify_crl
from pki.crl_list import CertificateList, CrlReason, RevokedEntry
from pki.crl_scope import ListScope
from pki.errors import MalformedInput
from pki.extensions import KeyUsage
from pki.findings import Finding, Severity, error
from pki.keys import HybridPublicKey
from pki.ocsp import verify_response
from pki.ocsp_parse import OcspResponse, parse_response
from pki.ocsp_response import Good, Revoked
from pki.path_rules import Demand
from pki.tbs import Certificate

Revocation = Literal["require", "if_available", "off"]


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


def findings(asked: Asked, evidence: StatusEvidence, policy: Revocation) -> Iterator[Finding]:
    """Revoked (a hold too) refuses; unknown refuses under `require` and warns under `if_available`."""
    if policy == "off":
        return
    who = path_rules.name_of(asked.certificate)
    usable, remarks = _authentic_lists(asked, evidence)
    told = list(_told_by_lists(asked, usable))
    for der in evidence.ocsp_responses:
        for answer in _told_by_response(asked, der):
            if isinstance(answer, Told):
                told.append(answer)
            else:
                remarks.append(answer)
    yield from remarks
    revoked = next((answer for answer in told if answer.revoked_at is not None), None)
    if revoked is not None:
        reason = revoked.reason.name.lower().replace("_", " ")
        problem = (
            f"The certificate was revoked at {revoked.revoked_at:%Y-%m-%d %H:%M:%S}Z "
            f"({reason}), says {revoked.source}."
        )
        yield error("path.certificate_revoked", problem, who)
    if not told:
        severity = Severity.ERROR if policy == "require" else Severity.WARNING
        given = f"{len(evidence.crls)} lists and {len(evidence.ocsp_responses)} responses given"
        problem = f"The status is unknown: none of the {given} tells it, fresh and by the issuer."
        yield Finding("path.revocation_unknown", severity, problem, who)


def _authentic_lists(asked: Asked, evidence: StatusEvidence) -> tuple[list[CertificateList], list[Finding]]:
    """The issuer's own lists, and why others under its name are not used."""
    usable: list[CertificateList] = []
    remarks: list[Finding] = []
    may_sign = KeyUsage.CRL_SIGN in path_rules.key_usages(asked.issuer)
    key_identifier = path_rules.subject_key(asked.issuer)
    for der in evidence.crls:
        crl = _parsed_list(der)
        if crl is None or crl.issuer != asked.issuer.subject:
            continue
        if key_identifier is not None and crl.authority_key_identifier != key_identifier:
            continue
        if not _speaks_of(crl.scope, asked.certificate):
            why = f"List {crl.crl_number} does not speak of this certificate."
            remarks.append(_unused("path.revocation_list_of_another_scope", why, asked))
            continue
        judged = _list_findings(der, asked.issuer_keys, asked.demand)
        refused = [f for f in judged if f.refuses]
        if may_sign and not refused:
            usable.append(crl)
            remarks += judged
        else:
            why = refused[0].message if refused else "The issuer's keyUsage lacks cRLSign."
            remarks.append(_unused("path.revocation_list_not_used", why, asked))
    return usable, remarks


def _speaks_of(scope: ListScope, certificate: Certificate) -> bool:
    """6.3.3 (b)(2): whether a serial that is missing from such a list is good for this certificate."""
    if scope.indirect or scope.only_some_reasons or scope.only_attribute_certificates:
        return False
    basic = certificate.extension(oids.BASIC_CONSTRAINTS)
    is_ca = basic is not None and extensions.read_basic_constraints(basic)[0]
    if scope.only_user_certificates if is_ca else scope.only_ca_certificates:
        return False
    if not scope.distribution_point:
        return True
    named = certificate.extension(oids.CRL_DISTRIBUTION_POINTS)
    return named is not None and not set(scope.distribution_point).isdisjoint(extensions.uris(named))


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
    return verify_crl(crl, keys, classical=demand.classical, alternative=demand.alternative)


def _told_by_lists(asked: Asked, lists: list[CertificateList]) -> Iterator[Told]:
    serial = asked.certificate.serial
    for crl in lists:
        entry = crl.revoked(serial)
        # A final revocation stays one in a list that lapsed: hiding the fresh list must not help.
        if entry is not None and entry.reason not in (CrlReason.CERTIFICATE_HOLD, CrlReason.REMOVE_FROM_CRL):
            yield Told.by_list(f"list {crl.crl_number}", entry)
    fresh = [crl for crl in lists if crl.this_update <= asked.now <= crl.next_update]
    complete = max((c for c in fresh if not c.is_delta), key=lambda c: c.crl_number, default=None)
    if complete is None:
        return
    source, entry = f"list {complete.crl_number}", complete.revoked(serial)
    delta = max((c for c in fresh if _continues(c, complete)), key=lambda c: c.crl_number, default=None)
    change = delta.revoked(serial) if delta is not None else None
    if delta is not None and change is not None:
        source = f"delta {delta.crl_number} upon list {complete.crl_number}"
        entry = None if change.reason is CrlReason.REMOVE_FROM_CRL else change
    yield Told.by_list(source, entry)


def _continues(delta: CertificateList, complete: CertificateList) -> bool:
    """5.2.4: a delta applies to a complete list no older than its base, and is itself the newer one."""
    base = delta.base_crl_number
    newer = base is not None and base <= complete.crl_number < delta.crl_number
    return newer and delta.scope == complete.scope


def _told_by_response(asked: Asked, der: bytes) -> Iterator[Told | Finding]:
    """What one response says of the certificate; a notice where it speaks of it and is not to be used."""
    response = _parsed_response(der)
    if response is None or response.basic is None:
        return
    serial = asked.certificate.serial
    named = {CertId.parse(answer.cert_id) for answer in response.basic.answers}
    for cert_id in (c for c in named if c.certificate_serial == serial and c.matches(asked.issuer)):
        judged = verify_response(
            response,
            cert_id,
            asked.issuer,
            asked.now,
            issuer_keys=asked.issuer_keys,
            classical=asked.demand.classical,
            alternative=asked.demand.alternative,
        )
        refused, answer = [f for f in judged if f.refuses], response.basic.answer_for(cert_id)
        status = answer.status if answer is not None else None
        if refused:
            yield _unused("path.revocation_response_not_used", refused[0].message, asked)
        elif isinstance(status, Revoked):
            yield Told("an OCSP response", status.revoked_at, status.reason)
        elif isinstance(status, Good):
            if asked.demand.alternative and response.basic.algorithm not in SIGNATURE_BYTES:
                problem = "Only a classical signature says good; ask for a post-quantum one."
                yield _unused("path.revocation_response_not_used", problem, asked)
            else:
                yield Told("an OCSP response")


@lru_cache(maxsize=64)
def _parsed_response(der: bytes) -> OcspResponse | None:
    try:
        return parse_response(der)
    except MalformedInput:
        return None


def _unused(rule: str, why: str, asked: Asked) -> Finding:
    return Finding(rule, Severity.NOTICE, why, path_rules.name_of(asked.certificate))
