"""Judgements about revocation lists: are they their issuer's, and may one follow the other (RFC 5280 5, 6.3).

The alternative signature is judged by ITU-T X.509 9.8, as in certificates.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from pki import extensions, names, oids
from pki.crl_list import CertificateList
from pki.crl_succession import left_out
from pki.errors import MalformedInput
from pki.extensions import KeyUsage
from pki.findings import Finding, error
from pki.hybrid_signature import alternative_findings
from pki.keys import HybridPublicKey
from pki.tbs import Certificate

_NO_SKEW: Final = timedelta(0)
_FEW: Final = 5
"""How many lost serials a message names."""


def verify_crl(
    crl: CertificateList,
    issuer: Certificate | HybridPublicKey,
    *,
    classical: bool = True,
    alternative: bool = True,
) -> tuple[Finding, ...]:
    """Both signatures, and who may sign; with a certificate also its name, key identifier and keyUsage.

    `classical=False` is the day after; `alternative=False` lets a missing alternative pass with a warning.
    """
    findings: list[Finding] = []
    try:
        if isinstance(issuer, Certificate):
            findings += _issuer_findings(crl, issuer)
            issuer = HybridPublicKey(issuer.public_key, issuer.alternative_public_key)
    except MalformedInput as bad:
        return (*findings, error("crl.issuer_unusable", str(bad), _name(crl)))
    if classical and not issuer.classical.verify(crl.algorithm, crl.signature, crl.tbs):
        problem = "The classical signature is not by the issuer's key."
        findings.append(error("crl.signature_invalid", problem, _name(crl)))
    findings += alternative_findings(
        crl.extensions,
        lambda: crl.pre_tbs,
        issuer.alternative,
        who=_name(crl),
        classical=classical,
        required=alternative,
    )
    return tuple(findings)


def _issuer_findings(crl: CertificateList, issuer: Certificate) -> Iterator[Finding]:
    who = _name(crl)
    if crl.issuer != issuer.subject:
        yield error("crl.issuer_name_differs", "The list is not issued under the issuer's name.", who)
    identifier = issuer.extension(oids.SUBJECT_KEY_IDENTIFIER)
    if identifier is not None:
        offered = extensions.read_subject_key_identifier(identifier)
        if offered != crl.authority_key_identifier:
            problem = "authorityKeyIdentifier names another key than the issuer has."
            yield error("crl.authority_key_identifier_differs", problem, who)
    usages = issuer.extension(oids.KEY_USAGE)
    if usages is None or KeyUsage.CRL_SIGN not in extensions.read_key_usage(usages):
        yield error("crl.issuer_may_not_sign_lists", "The issuer's keyUsage lacks cRLSign.", who)


def publication_findings(
    old: CertificateList | None,
    new: CertificateList,
    issuer: Certificate | HybridPublicKey,
    now: datetime,
    *,
    may_leave: Container[int] = (),
    skew: timedelta = _NO_SKEW,
) -> tuple[Finding, ...]:
    """Whether `new` may replace `old` (None: the first one). Any finding that refuses means: do not publish.

    `may_leave`: serials that may be gone, because their certificate expired and stood on one more list
    since, or because a hold was released. Only the caller knows; every other lost entry refuses. `skew` is
    how far the signer's clock may be ahead of `now`.
    """
    findings = [*verify_crl(new, issuer), *_time_findings(new, now, skew)]
    if old is None:
        new.read_entries()
    else:
        findings += _succession_findings(old, new)
        findings += _lost_findings(old, new, may_leave)
    return tuple(findings)


def _time_findings(new: CertificateList, now: datetime, skew: timedelta) -> Iterator[Finding]:
    if new.next_update <= now:
        problem = f"The list lapsed at {new.next_update:%Y-%m-%d %H:%M:%S}Z."
        yield error("crl.already_lapsed", problem, _name(new))
    if new.this_update > now + skew:
        problem = f"The list begins only at {new.this_update:%Y-%m-%d %H:%M:%S}Z."
        yield error("crl.begins_in_the_future", problem, _name(new))


def _succession_findings(old: CertificateList, new: CertificateList) -> Iterator[Finding]:
    who = _name(new)
    if old.issuer != new.issuer or old.authority_key_identifier != new.authority_key_identifier:
        yield error("crl.issuer_changed", "The list it would replace has another issuer or key.", who)
    if new.crl_number <= old.crl_number:
        problem = f"Number {new.crl_number} does not follow {old.crl_number}."
        yield error("crl.number_not_higher", problem, who)
    if new.this_update < old.this_update:
        problem = "The list is older than the one that it would replace."
        yield error("crl.this_update_goes_back", problem, who)
    if new.scope != old.scope:
        yield error("crl.scope_changed", "The list it would replace speaks of other certificates.", who)
    if new.is_delta != old.is_delta:
        problem = "A delta and a complete list do not replace each other."
        yield error("crl.kind_changed", problem, who)
    elif old.base_crl_number is not None and (new.base_crl_number or 0) < old.base_crl_number:
        problem = (
            f"The delta builds upon {new.base_crl_number}, the one before it upon {old.base_crl_number}."
        )
        yield error("crl.delta_base_goes_back", problem, who)


def _lost_findings(
    old: CertificateList, new: CertificateList, may_leave: Container[int]
) -> Iterator[Finding]:
    # A delta upon a later base rightly forgets what that base says.
    if new.is_delta and new.base_crl_number != old.base_crl_number:
        new.read_entries()
        return
    named, count = "", 0
    for serial in _missing(old, new):
        if serial not in may_leave:
            count += 1
            named += f", {serial:x}" if count <= _FEW else ""
    if count:
        problem = f"{count} revoked certificates would be forgotten: {named[2:]}."
        yield error("crl.entries_lost", problem, _name(new))


def _missing(old: CertificateList, new: CertificateList) -> Iterable[int]:
    """Serials of the old list that the new one lacks; what the new one has anew is read."""
    told = left_out(old.entry_octets, new.entry_octets)
    if told is None:
        return old.index.missing_from(new.index)
    # Read by hand only where it is said to be lost: an old list in another order would seem to lose some.
    return [serial for serial in told if new.index.find(serial) is None]


def _name(crl: CertificateList) -> str:
    try:
        who = names.show(crl.issuer)
    except MalformedInput:
        who = crl.issuer.hex()
    return f"list {crl.crl_number} of {who}"
