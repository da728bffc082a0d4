"""A list on its way to the record: its number taken, then signed, then compared with the last one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pki.crl import Frame, build_from_contents
from pki.crl_checks import publication_findings
from pki.crl_list import CertificateList
from pki.crl_shard import Shard, delta_url, url_of
from registry.list_scopes import ListSigner
from registry.model.certificate import of_int
from registry.model.errors import Refused
from registry.ports import Ports
from registry.store.lists import DELTA, WHOLE, ListHead
from registry.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Draft:
    """A list whose number is taken, on its way to the record."""

    head: ListHead
    since: datetime
    """What expired before this may be missing: it stood on one more list (RFC 5280 3.3)."""
    der: bytes = b""
    entries: int = 0
    follows: int = 0
    """The number of the list that it was checked against; 0: it is the first."""


def plan_drafts(signer: ListSigner, scopes: Sequence[str], ports: Ports) -> list[Draft]:
    """Numbers for lists of these scopes, committed."""
    issuer = signer.issuer
    with ports.store.write() as uow:
        # Read inside: of two publishers the one with the higher number also has the later time, and, for it
        # looks at what is revoked only after this commit, whatever the other one knew.
        now = ports.clock()
        until, change = now + signer.lifetime, uow.revocations.last_change(issuer)
        planned, since = [], []
        for scope in scopes:
            before = uow.lists.head(issuer, scope)
            base = _base(signer, now, uow) if scope == DELTA else None
            planned.append(ListHead(issuer, 0, now, until, scope, base, change))
            since.append(min(before.this_update if before else now, now))
            uow.lists.forget(issuer, scope, now)
        numbers = uow.lists.take_numbers(planned)
    heads = [replace(head, crl_number=number) for head, number in zip(planned, numbers, strict=True)]
    return [Draft(head, moment) for head, moment in zip(heads, since, strict=True)]


def _base(signer: ListSigner, now: datetime, uow: UnitOfWork) -> int:
    base = uow.lists.delta_base(signer.issuer, now)
    if base is None:
        raise Refused(
            "A delta builds upon a whole list, and none is in force.",
            next_step="Publish one: medtrust crl publish.",
            field="scope",
        )
    return base.crl_number


def sign_draft(signer: ListSigner, draft: Draft, ports: Ports) -> Draft:
    """The signed list, compared with the one that it is to follow; Refused where it may not."""
    contents = _contents(draft, ports)
    entries = len(contents)
    der = build_from_contents(_frame(signer, draft.head), contents, signer.key)
    return checked(signer, replace(draft, der=der, entries=entries), ports)


def _contents(draft: Draft, ports: Ports) -> list[bytes]:
    head, issuer = draft.head, draft.head.issuer
    with ports.store.read() as uow:
        if head.scope == DELTA:
            base = uow.lists.by_number(issuer, head.base_number or 0)
            return uow.revocations.changed_since(issuer, base.change if base else 0)
        if head.scope != WHOLE:
            slots = Shard.read(head.scope).slots
            return uow.revocations.contents(issuer, not_expired_before=draft.since, slots=slots)
        found = uow.revocations.contents(issuer, not_expired_before=draft.since)
        if len(found) >= uow.revocations.revoked_certificates(issuer, not_expired_before=draft.since):
            return found
    # A revocation that did not reach the entries would be forgotten: the certificates' rows are the truth.
    with ports.store.write() as uow:
        for serial in uow.revocations.unlisted(issuer, not_expired_before=draft.since):
            record = uow.certificates.get(serial)
            if record is not None:
                uow.revocations.put(record)
        return uow.revocations.contents(issuer, not_expired_before=draft.since)


def _frame(signer: ListSigner, head: ListHead) -> Frame:
    part = head.scope not in (WHOLE, DELTA)
    if part and not signer.url:
        raise Refused("A part of a list must say where it is served.", field="url")
    return Frame(
        issuer_name=signer.certificate.subject,
        authority_key_identifier=signer.key_identifier,
        crl_number=head.crl_number,
        this_update=head.this_update,
        next_update=head.next_update,
        base_crl_number=head.base_number,
        distribution_point=url_of(Shard.read(head.scope), signer.url) if part else "",
        freshest=delta_url(signer.url) if head.scope == WHOLE and signer.deltas and signer.url else "",
    )


@dataclass(frozen=True, slots=True)
class _MayLeave:
    """Serials that a list may forget: released from hold, or expired and listed once more.

    A serial that the store no longer knows is none of them: a lost row must stop the publication.
    """

    uow: UnitOfWork
    since: datetime

    def __contains__(self, serial: object) -> bool:
        record = self.uow.certificates.get(of_int(serial)) if isinstance(serial, int) else None
        return record is not None and (not record.state.is_revoked or record.not_after < self.since)


def checked(signer: ListSigner, draft: Draft, ports: Ports) -> Draft:
    """The draft, compared with the list that it is to follow; Refused where it may not."""
    head = draft.head
    new = CertificateList.outline(draft.der)
    with ports.store.read() as uow:
        before = uow.lists.latest(head.issuer, head.scope)
        if before is not None and before.crl_number > head.crl_number:
            return draft  # overtaken while it was signed: the later list stands for it
        # Read entry by entry before it was recorded; now only where the new one differs.
        old = CertificateList.outline(before.der) if before else None
        leaving = _MayLeave(uow, draft.since)
        now = head.this_update
        found = publication_findings(old, new, signer.certificate, now, may_leave=leaving)
    refusing = [finding for finding in found if finding.refuses]
    if refusing:
        raise Refused(
            f"The new list was not published: {refusing[0].message}",
            next_step="The last list stays in force: medtrust doctor.",
            field=refusing[0].rule,
        )
    return replace(draft, follows=old.crl_number if old else 0)
