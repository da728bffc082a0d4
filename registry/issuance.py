"""The one way to a signature: write the intention, sign once, record the fact (rule 3).

Callers of `issue`: enrollment, renewal, the operator's `cert issue`, and the ceremony for our own servers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from audit.leaf import DetailValue, Leaf
from pki.csr import Request
from pki.issuer import IssuanceToken, IssuedCertificate, Issuer
from pki.keys import HybridPublicKey
from pki.profiles import Profile, SubjectFacts
from registry.key_reuse import KeyClaim, claim_keys
from registry.model import certificate as certificates
from registry.model.actor import Actor
from registry.model.certificate import CertificateEvent, CertificateRecord, CertificateState
from registry.model.device import DeviceId
from registry.model.errors import Conflict, DependencyDown, Refused
from registry.ports import BACKWARD_JUMP, Ports
from registry.store.unit_of_work import UnitOfWork

_MARK_EVERY = timedelta(seconds=1)


def _nothing(_uow: UnitOfWork, _record: CertificateRecord) -> None:
    return None


@dataclass(frozen=True, slots=True)
class IssuanceOrder:
    """What to issue, and what must happen in the same transactions."""

    profile: Profile
    facts: SubjectFacts
    public: Request | HybridPublicKey
    """A request, whose proof of possession is checked, or a key that we made ourselves."""
    lifetime: timedelta
    device_id: DeviceId | None = None
    request_id: str = ""
    confirm_within: timedelta | None = None
    """None: active at once. Otherwise pending until the device confirms."""
    issuer_name: str = ""
    """The CA's short name in the store; empty: the issuer's own."""
    with_intention: Callable[[UnitOfWork, CertificateRecord], None] = field(default=_nothing)
    """Runs in the intention's transaction: a refusal here means that nothing was signed."""
    with_fact: Callable[[UnitOfWork, CertificateRecord, int], None] | None = None
    """Runs in the fact's transaction, with the index of the issuance's leaf."""


@dataclass(frozen=True, slots=True)
class Issuance:
    """A recorded certificate and the log leaf that says so."""

    record: CertificateRecord
    log_index: int


def issue(order: IssuanceOrder, actor: Actor, *, ports: Ports, issuer: Issuer) -> Issuance:
    """One certificate. See issue_batch, which this is with one order."""
    return issue_batch([order], actor, ports=ports, issuer=issuer)[0]


def issue_batch(
    orders: Sequence[IssuanceOrder], actor: Actor, *, ports: Ports, issuer: Issuer
) -> list[Issuance]:
    """Certificates whose intentions share one commit and whose facts share another.

    Crash stories, step by step:
    1 prepare: nothing durable yet; a crash forgets everything.
    2 intentions committed: the serials are spent. A crash leaves INTENDED rows; reconciliation abandons
      them, and the CRL lists them, for a signature may have existed.
    3 signed: the signatures exist in memory only; same as 2.
    4 facts committed: the answer may be given, and given again.
    """
    now = ports.clock()
    # 1 build, sign the twin with a throw-away key, lint; a token is good for one signature

    def prepare(order: IssuanceOrder) -> IssuanceToken:
        return issuer.prepare(
            order.profile,
            order.facts,
            order.public,
            now=now,
            lifetime=order.lifetime,
            entropy=ports.entropy,
        )

    tokens = ports.each(prepare, orders)
    return issue_prepared(orders, tokens, actor, ports=ports, issuer=issuer)


def issue_prepared(
    orders: Sequence[IssuanceOrder],
    tokens: Sequence[IssuanceToken],
    actor: Actor,
    *,
    ports: Ports,
    issuer: Issuer,
) -> list[Issuance]:
    """Steps 2 to 4 for tokens that this issuer prepared, in a ceremony after people have read them."""
    now = ports.clock()
    intended = [_intention(order, token, issuer, now) for order, token in zip(orders, tokens, strict=True)]
    # 2 the intention is durable before any signature
    with ports.store.write() as uow:
        _check_clock(now, uow)
        _check_issuer(issuer, uow)
        uow.certificates.add(intended)
        for order, record in zip(orders, intended, strict=True):
            order.with_intention(uow, record)
        claim_keys(map(_key_claim, orders, intended), uow)
        uow.log.append(*(_leaf("certificate.intended", now, actor, record) for record in intended))
    # 3 the only signature; the token is spent
    issued = ports.each(issuer.issue, tokens)
    # 4 the fact
    return _record_facts(list(zip(orders, intended, issued, strict=True)), actor, ports)


def _key_claim(order: IssuanceOrder, record: CertificateRecord) -> KeyClaim:
    public = order.public.public if isinstance(order.public, Request) else order.public
    return KeyClaim(record.certificate_serial, record.device_id, public)


def _intention(
    order: IssuanceOrder, token: IssuanceToken, issuer: Issuer, now: datetime
) -> CertificateRecord:
    return CertificateRecord(
        certificate_serial=certificates.of_int(token.certificate_serial),
        issuer=order.issuer_name or issuer.name,
        profile=order.profile.name,
        subject=order.facts.common_name,
        state=CertificateState.INTENDED,
        not_before=token.not_before,
        not_after=token.not_after,
        tbs_digest=token.tbs_digest,
        intended_at=now,
        device_id=order.device_id,
        request_id=order.request_id,
    )


def _record_facts(
    signed: list[tuple[IssuanceOrder, CertificateRecord, IssuedCertificate]], actor: Actor, ports: Ports
) -> list[Issuance]:
    now = ports.clock()
    records = [_fact(order, record, issued, now) for order, record, issued in signed]
    with ports.store.write() as uow:
        if not uow.certificates.record_signed(records):
            raise Conflict(
                "The intention was given up while the certificate was being signed.",
                next_step="Ask again; the serial is on the revocation list.",
                field="certificate_serial",
            )
        last = uow.log.append(*(_leaf("certificate.issued", now, actor, record) for record in records))
        first = last - len(records) + 1
        issuances = [Issuance(record, first + place) for place, record in enumerate(records)]
        for (order, _, _), issuance in zip(signed, issuances, strict=True):
            if order.with_fact is not None:
                order.with_fact(uow, issuance.record, issuance.log_index)
    return issuances


def _fact(
    order: IssuanceOrder, record: CertificateRecord, issued: IssuedCertificate, now: datetime
) -> CertificateRecord:
    state = certificates.move(record.state, CertificateEvent.SIGN)
    confirmed, until = None, None
    if order.confirm_within is not None:
        until = now + order.confirm_within
    else:
        state, confirmed = certificates.move(state, CertificateEvent.CONFIRM), now
    return replace(
        record,
        state=state,
        der=issued.der,
        fingerprint=issued.fingerprint.hex(),
        issued_at=now,
        confirmed_at=confirmed,
        activate_before=until,
    )


def _leaf(kind: str, now: datetime, actor: Actor, record: CertificateRecord) -> Leaf:
    detail: dict[str, DetailValue] = {
        "profile": record.profile,
        "tbs_sha256": record.tbs_digest.hex(),
        "issuer": record.issuer,
    }
    if record.device_id:
        detail["device"] = record.device_id
    if record.fingerprint:
        detail["certificate_sha256"] = record.fingerprint
    return Leaf(kind=kind, at=now, actor=str(actor), subject=record.certificate_serial, detail=detail)


def _check_issuer(issuer: Issuer, uow: UnitOfWork) -> None:
    """A CA that was distrusted a moment ago signs nothing more, whatever a running process has in memory."""
    held = issuer.certificate
    own = uow.certificates.get(certificates.of_int(held.serial)) if held.serial > 0 else None
    if own is not None and own.der == held.der and own.state.is_revoked:
        raise Refused(
            f"The CA {issuer.name} was distrusted: it certifies nothing any more.",
            next_step="Restart medtrust up, which then issues by the CAs in force: medtrust ca list.",
            field="ca",
        )


def _check_clock(now: datetime, uow: UnitOfWork) -> None:
    """Refuses to issue where the clock went back by more than five minutes; else notes the time seen."""
    seen = uow.operations.clock_seen()
    if seen is not None and now < seen - BACKWARD_JUMP:
        raise DependencyDown(
            f"The clock says {now:%Y-%m-%d %H:%M:%S}Z, but {seen:%Y-%m-%d %H:%M:%S}Z was seen before.",
            next_step="Set the clock right; nothing is issued before.",
            field="clock",
        )
    # To the second: one row less to write in a busy store, and nothing against five minutes.
    if seen is None or now - seen >= _MARK_EVERY:
        uow.operations.mark_clock(now)
