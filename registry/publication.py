"""Revocation lists: numbers taken and committed; then lists, signed, checked against the last, recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from audit.leaf import DetailValue, Leaf
from registry.list_drafts import Draft, checked, plan_drafts, sign_draft
from registry.list_scopes import LIFETIME, ListSigner
from registry.model.actor import Actor
from registry.model.crl_reason import crl_reason, reason_name
from registry.ports import Ports
from registry.store.lists import DELTA, WHOLE, StoredList
from registry.store.unit_of_work import UnitOfWork

__all__ = [
    "DELTA",
    "LIFETIME",
    "WHOLE",
    "ListSigner",
    "crl_reason",
    "publish",
    "publish_lists",
    "reason_name",
]

_AT_ONCE: Final = 64
"""Lists that share their two commits: parts of a large list are held in memory meanwhile."""


def publish(signer: ListSigner, actor: Actor, *, ports: Ports) -> StoredList:
    """A new whole list of everything revoked."""
    return publish_lists(signer, [WHOLE], actor, ports=ports)[0]


def publish_lists(
    signer: ListSigner, scopes: Sequence[str], actor: Actor, *, ports: Ports
) -> tuple[StoredList, ...]:
    """New lists of these scopes, in their order; Refused, and the last ones stay, where one may not follow.

    Crash stories: after the numbers' commit they are lost, never used twice; after the signatures the lists
    were never shown to anybody; after the record they are what everybody is served.
    """
    published: list[StoredList] = []
    for together in _batches(scopes):
        drafts = plan_drafts(signer, together, ports)
        pending = [sign_draft(signer, draft, ports) for draft in drafts]
        recorded: dict[str, StoredList] = {}
        while pending:
            overtaken = _record(pending, recorded, actor, ports)
            pending = [checked(signer, draft, ports) for draft in overtaken]
        published += [recorded[draft.head.scope] for draft in drafts]
    return tuple(published)


def _batches(scopes: Sequence[str]) -> Iterator[Sequence[str]]:
    others = [scope for scope in scopes if scope != DELTA]
    yield from (others[at : at + _AT_ONCE] for at in range(0, len(others), _AT_ONCE))
    if DELTA in scopes:
        yield [DELTA]  # by itself, for it may build upon a whole list that has only just been recorded


def _record(
    drafts: Sequence[Draft], recorded: dict[str, StoredList], actor: Actor, ports: Ports
) -> list[Draft]:
    """Into the store; gives back those that another publisher's list came before: they follow that one now.

    Where another's number is the higher one, that list stands for ours: it was begun later and knows more.
    """
    overtaken = []
    with ports.store.write() as uow:
        for draft in drafts:
            issuer, scope, number = draft.head.issuer, draft.head.scope, draft.head.crl_number
            newest = uow.lists.head(issuer, scope)
            if newest is not None and newest.crl_number > number:
                recorded[scope] = newest.signed(uow.lists.octets(newest))
            elif (newest.crl_number if newest else 0) != draft.follows:
                overtaken.append(draft)
            else:
                recorded[scope] = _keep(draft, actor, uow)
    return overtaken


def _keep(draft: Draft, actor: Actor, uow: UnitOfWork) -> StoredList:
    head = draft.head
    uow.lists.record(head.issuer, head.crl_number, draft.der, scope=head.scope)
    detail: dict[str, DetailValue] = {"entries": draft.entries, "number": head.crl_number}
    if head.scope != WHOLE:
        detail["list"] = head.scope
    leaf = Leaf(
        kind="crl.published", at=head.this_update, actor=str(actor), subject=head.issuer, detail=detail
    )
    uow.log.append(leaf)
    return head.signed(draft.der)
