"""What revocation lists tell of one certificate of a path: only its issuer's own, both signatures (6.3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from pki import oids, path_rules
from pki.crl_checks import verify_crl
from pki.crl_list import CertificateList, CrlReason, RevokedEntry
from pki.errors import MalformedInput
from pki.extensions import KeyUsage, uris
from pki.findings import Finding, Severity
from pki.keys import HybridPublicKey
from pki.name_comparison import same
from pki.path_signature import Demand
from pki.path_structure import is_ca
from pki.path_work import Work
from pki.tbs import Certificate


@dataclass(frozen=True, slots=True, kw_only=True)
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
    also_signing: tuple[tuple[Certificate, HybridPublicKey], ...] = ()
    """Keys of the same CA name from above on the path, which may have signed its lists."""
    withdrawn: tuple[str, ...] = ()
    """Keys that the bundle withdrew: no delegate answers with one."""

    def list_signer(self, crl: CertificateList) -> tuple[Certificate, HybridPublicKey] | None:
        """Whose list it is by name and key identifier; None: of nobody who may tell."""
        for signer, keys in ((self.issuer, self.issuer_keys), *self.also_signing):
            identifier = path_rules.subject_key(signer)
            known = identifier is None or crl.authority_key_identifier == identifier
            if known and same(crl.issuer, signer.subject):
                return signer, keys
        return None

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


def authentic_lists(
    asked: Asked, given: tuple[bytes, ...], work: Work, delegates: frozenset[int]
) -> tuple[list[CertificateList], list[Finding]]:
    """The issuer's own lists that have something to tell, and why others under its name are not used.

    Something to tell has what covers the certificate, or names it or one of the `delegates`' serials.
    """
    wanted = {asked.certificate.serial, *delegates}
    usable: list[CertificateList] = []
    remarks: list[Finding] = []
    for der in given:
        crl = _parsed_list(der)
        signed_by = asked.list_signer(crl) if crl is not None else None
        if crl is None or signed_by is None:
            continue
        if not _speaks_of(crl, asked.certificate) and all(crl.revoked(serial) is None for serial in wanted):
            continue
        work.sign_checks(2)
        judged = _list_findings(der, signed_by[1], asked.demand)
        why = _unusable(crl, signed_by[0]) or next((f.message for f in judged if f.refuses), "")
        if why:
            remarks.append(unused("path.revocation_list_not_used", why, asked))
        else:
            usable.append(crl)
            remarks += judged
    return usable, remarks


def _unusable(crl: CertificateList, signer: Certificate) -> str:
    """Why a list under the issuer's name is not used at all; empty: it may be."""
    usages = path_rules.key_usages(signer)
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
    crl = _parsed_list(der) or CertificateList.parse(der)
    return verify_crl(crl, keys, classical=demand.counts_classical(keys), alternative=demand.alternative)


def told_by_lists(asked: Asked, lists: list[CertificateList]) -> Iterator[Told]:
    """What the lists say: every scope that covers the certificate for itself, a final revocation from any."""
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


def unused(rule: str, why: str, asked: Asked) -> Finding:
    """A notice: evidence that speaks of the certificate, and why it does not count."""
    return Finding(rule, Severity.NOTICE, why, path_rules.name_of(asked.certificate))
