"""Was one certificate of a path revoked? Only what its issuer vouches for counts; unknown is a finding.

RFC 5280 6.3.3 for lists that cover everything an issuer issued, with deltas. A list is believed under the
same demand as the certificates: both signatures by the issuer's established keys. Evidence contradicts
itself only to the worse: one authentic "revoked" outweighs every "good".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal

from pki import path_rules
from pki.crl_checks import verify_crl
from pki.crl_list import CertificateList, CrlReason, RevokedEntry
from pki.errors import MalformedInput
from pki.extensions import KeyUsage
from pki.findings import Finding, Severity, error
from pki.keys import HybridPublicKey
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
    """One authentic answer; `entry` is None for good."""

    source: str
    entry: RevokedEntry | None = None


def findings(asked: Asked, evidence: StatusEvidence, policy: Revocation) -> Iterator[Finding]:
    """Revoked (a hold too) refuses; unknown refuses under `require` and warns under `if_available`."""
    if policy == "off":
        return
    who = path_rules.name_of(asked.certificate)
    usable, remarks = _authentic_lists(asked, evidence)
    yield from remarks
    told = list(_told_by_lists(asked, usable))
    revoked = [answer for answer in told if answer.entry is not None]
    for answer in revoked[:1]:
        if (entry := answer.entry) is not None:
            reason = entry.reason.name.lower().replace("_", " ")
            problem = (
                f"The certificate was revoked at {entry.revoked_at:%Y-%m-%d %H:%M:%S}Z "
                f"({reason}), says {answer.source}."
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
        judged = _list_findings(der, asked.issuer_keys, asked.demand)
        refused = [f for f in judged if f.refuses]
        if may_sign and not refused:
            usable.append(crl)
            remarks += judged
        else:
            why = refused[0].message if refused else "The issuer's keyUsage lacks cRLSign."
            about = path_rules.name_of(asked.certificate)
            remarks.append(Finding("path.revocation_list_not_used", Severity.NOTICE, why, about))
    return usable, remarks


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
            yield Told(f"list {crl.crl_number}", entry)
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
    yield Told(source, entry)


def _continues(delta: CertificateList, complete: CertificateList) -> bool:
    """5.2.4: a delta applies to a complete list no older than its base, and is itself the newer one."""
    base = delta.base_crl_number
    return base is not None and base <= complete.crl_number < delta.crl_number
