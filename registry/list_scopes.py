"""Which lists a CA publishes, and which of them are to be signed anew.

Each has a scope: `whole`, `delta` (upon the oldest whole list in force), or a part by serial such as `16-3`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from pki.crl_shard import SLOTS, Shard, all_shards
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


def scopes_of(signer: ListSigner, known: Iterable[str]) -> list[str]:
    """All lists that the issuer publishes; parts that were once there go on, for certificates name them."""
    parts = [scope for count in _counts(signer, known) for scope in _names(count)]
    return [*parts, WHOLE, *([DELTA] if signer.deltas else [])]


def _counts(signer: ListSigner, known: Iterable[str]) -> list[int]:
    """Into how many parts its lists are and were cut."""
    return sorted({signer.shards, *map(_count_of, known)} - {0})


@lru_cache(maxsize=1024)
def _count_of(scope: str) -> int:
    """Into how many parts the list was cut that this is one of; 0: it is none."""
    return 0 if scope in (WHOLE, DELTA) else int(scope.partition("-")[0])


@lru_cache(maxsize=8)
def _names(count: int) -> tuple[str, ...]:
    return tuple(map(str, all_shards(count)))


def scopes_changed(signer: ListSigner, *, ports: Ports) -> list[str]:
    """Lists that do not say yet what was revoked or released since, and those that there is none of."""
    with ports.store.read() as uow:
        known = uow.lists.watermarks(signer.issuer)
        scopes = scopes_of(signer, known)
        oldest = min((known[scope] for scope in scopes if scope in known), default=0)
        slots = uow.revocations.slots_changed_since(signer.issuer, oldest)
    newest = dict.fromkeys((WHOLE, DELTA), max(slots.values(), default=0))
    for count in _counts(signer, known):
        for slot, change in slots.items() if count > 1 else ():
            name = _names(count)[slot * count // SLOTS]
            newest[name] = max(change, newest.get(name, 0))
    return [s for s in scopes if s not in known or newest.get(s, 0) > known[s]]


def scopes_due(signer: ListSigner, *, ports: Ports) -> list[str]:
    """Lists past a third of their life, from a clock ahead of ours, or missing."""
    with ports.store.read() as uow:
        heads = uow.lists.heads(signer.issuer)
    now = ports.clock()
    return [s for s in scopes_of(signer, heads) if s not in heads or _is_due(heads[s], now)]


def _is_due(head: ListHead, now: datetime) -> bool:
    age, life = now - head.this_update, head.next_update - head.this_update
    return not timedelta() <= age < life * RESIGN_AFTER
