"""Which lists a CA publishes, and which of them are to be signed anew.

Each has a scope: `whole`, `delta` (upon the oldest whole list in force), or a part by serial such as `16-3`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from pki.crl_shard import Shard, all_shards
from pki.errors import RequestRefused
from pki.keys import HybridPrivateKey
from pki.tbs import Certificate
from registry.ports import Ports
from registry.store.lists import DELTA, WHOLE, ListHead

LIFETIME: Final = timedelta(hours=24)
RESIGN_AFTER: Final = 1 / 3
"""A list is signed anew at a third of its life: two more chances before it lapses."""


@dataclass(frozen=True, slots=True)
class ListSigner:
    """Who signs a CA's lists, with its certificate and keys, and which lists there are."""

    issuer: str
    certificate: Certificate
    key: HybridPrivateKey
    key_identifier: bytes
    lifetime: timedelta = LIFETIME
    url: str = ""
    """Where the whole list is served: parts and deltas are beside it."""
    shards: int = 1
    deltas: bool = False

    def living(self, lifetime: timedelta) -> ListSigner:
        """The same, for lists of another lifetime."""
        return replace(self, lifetime=lifetime)


def is_scope(text: str) -> bool:
    """Whether a list could have this scope."""
    if text in (WHOLE, DELTA):
        return True
    try:
        return str(Shard.read(text)) == text
    except RequestRefused:
        return False


def scopes_of(signer: ListSigner, heads: Iterable[str]) -> list[str]:
    """All lists that the issuer publishes; parts that were once there go on, for certificates name them."""
    used = {Shard.read(scope).count for scope in heads if scope not in (WHOLE, DELTA)}
    parts = [str(shard) for count in sorted(used | {signer.shards}) for shard in all_shards(count)]
    return [*parts, WHOLE, *([DELTA] if signer.deltas else [])]


def scopes_changed(signer: ListSigner, *, ports: Ports) -> list[str]:
    """Lists that do not say yet what was revoked or released since, and those that there is none of."""
    with ports.store.read() as uow:
        heads = uow.lists.heads(signer.issuer)
        scopes = scopes_of(signer, heads)
        known = [heads[scope].change for scope in scopes if scope in heads]
        slots = uow.revocations.slots_changed_since(signer.issuer, min(known, default=0))
    newest = max(slots.values(), default=0)

    def last_change(scope: str) -> int:
        if scope in (WHOLE, DELTA):
            return newest
        return max((slots.get(slot, 0) for slot in Shard.read(scope).slots), default=0)

    return [s for s in scopes if s not in heads or last_change(s) > heads[s].change]


def scopes_due(signer: ListSigner, *, ports: Ports) -> list[str]:
    """Lists past a third of their life, from a clock ahead of ours, or missing."""
    with ports.store.read() as uow:
        heads = uow.lists.heads(signer.issuer)
    now = ports.clock()
    return [s for s in scopes_of(signer, heads) if s not in heads or _is_due(heads[s], now)]


def _is_due(head: ListHead, now: datetime) -> bool:
    age, life = now - head.this_update, head.next_update - head.this_update
    return not timedelta() <= age < life * RESIGN_AFTER
