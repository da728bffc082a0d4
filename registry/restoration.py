"""A store that is older than what the world has seen of it: found, and accepted only by a person.

What stands outside the store (the last list, the last checkpoint) is newer than what is in it after
yesterday's copy was restored. Going on would take back revocations and use list numbers twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from audit.checkpoint import parse_checkpoint
from audit.leaf import DetailValue, Leaf
from audit.note import parse_note
from pki.crl_list import CertificateList, CrlReason, RevokedEntry
from registry.model.actor import Actor
from registry.model.certificate import CertificateRecord, CertificateState, of_int
from registry.model.errors import Refused
from registry.ports import Ports
from registry.publication import reason_name
from registry.revocation import PUBLISH_CRL
from registry.store.lists import StoredList
from registry.store.unit_of_work import UnitOfWork

ISSUER: Final = "issuing"
_FOR_GOOD: Final = timedelta(days=7305)


class OlderStore(Refused):
    """The store is an old copy."""


@dataclass(frozen=True, slots=True)
class SeenOutside:
    """What was published before: the last list (DER) and the last checkpoint (note), where they are known."""

    last_list: bytes | None
    checkpoint: str | None
    others: Mapping[str, bytes] = field(default_factory=dict)
    """The last lists of the home's other CAs, by name."""
    parts: Mapping[str, Sequence[bytes]] = field(default_factory=dict)
    """The last parts and deltas of their lists, by the CA's name."""

    @property
    def lists(self) -> dict[str, bytes]:
        """Every list, by its CA's name."""
        return {**({ISSUER: self.last_list} if self.last_list else {}), **self.others}


def refuse_older(seen: SeenOutside, *, ports: Ports) -> None:
    """OlderStore where the list or the log in the store is behind what was published from it."""
    published = {name: CertificateList.parse(der).crl_number for name, der in seen.lists.items()}
    with ports.store.read() as uow:
        size = uow.log.size()
        stored = {name: found.crl_number if (found := uow.lists.head(name)) else 0 for name in published}
        for name, parts in seen.parts.items():
            number = max((CertificateList.parse(der).crl_number for der in parts), default=0)
            if number > uow.lists.highest(name):
                published[name], stored[name] = number, uow.lists.highest(name)
    behind = [name for name, number in published.items() if number > stored[name]]
    worst = behind[0] if behind else next(iter(published), ISSUER)
    number, held = published.get(worst, 0), stored.get(worst, 0)
    signed = parse_checkpoint(parse_note(seen.checkpoint).text).size if seen.checkpoint else 0
    if number > held or signed > size:
        raise OlderStore(
            f"The store is an older copy: list {number} of {worst} and a log of {signed} entries were "
            f"published, it knows list {held} and {size} entries.",
            next_step="Restore the newest copy. Where there is none: medtrust up --accept-older-store "
            "(revocations are taken over from the published list).",
            field="store",
        )


def accept_older(seen: SeenOutside, actor: Actor, *, ports: Ports) -> int:
    """A person goes on with the old copy: numbers jump past the published ones, and every revocation of the
    published list is taken over, also of certificates that the copy never heard of. How many were."""
    now = ports.clock()
    with ports.store.write() as uow:
        taken = sum(_adopt(name, der, now, actor, uow) for name, der in seen.lists.items())
        taken += sum(_adopt_parts(name, ders, now, uow) for name, ders in seen.parts.items())
        if seen.lists:
            uow.operations.promise(PUBLISH_CRL, None, "older store accepted", now)
    return taken


def _adopt(name: str, der: bytes, now: datetime, actor: Actor, uow: UnitOfWork) -> int:
    published, held = CertificateList.parse(der), uow.lists.head(name)
    if held is not None and held.crl_number >= published.crl_number:
        return 0
    number, since, until = published.crl_number, published.this_update, published.next_update
    uow.lists.adopt(StoredList(name, number, der, since, until))
    taken = sum(_take_over(entry, name, now, uow) for entry in published.entries())
    detail: dict[str, DetailValue] = {"revocations": taken, "number": number}
    uow.log.append(Leaf(kind="store.older_accepted", at=now, actor=str(actor), subject=name, detail=detail))
    return taken


def _adopt_parts(name: str, ders: Sequence[bytes], now: datetime, uow: UnitOfWork) -> int:
    """What parts and deltas say that are newer than the whole list; their numbers are never used again."""
    held = uow.lists.highest(name)
    newer = [part for part in map(CertificateList.parse, ders) if part.crl_number > held]
    uow.lists.skip_to(name, max((part.crl_number for part in newer), default=0), now)
    revoked = (e for part in newer for e in part.entries() if e.reason is not CrlReason.REMOVE_FROM_CRL)
    return sum(_take_over(entry, name, now, uow) for entry in revoked)


def _take_over(entry: RevokedEntry, issuer: str, now: datetime, uow: UnitOfWork) -> bool:
    serial = of_int(entry.certificate_serial)
    record = uow.certificates.get(serial)
    if record is not None and record.state.is_revoked:
        return False
    reason = reason_name(entry.reason)
    state = CertificateState.HELD if reason == "certificateHold" else CertificateState.REVOKED
    if record is not None:
        uow.certificates.save(replace(record, state=state, reason=reason, revoked_at=entry.revoked_at))
        return True
    # Issued after the copy was made: its end is not known, so it stays on the lists for as long as any could.
    unknown = CertificateRecord(
        certificate_serial=serial,
        issuer=issuer,
        profile="unknown",
        subject="unknown since an older store was restored",
        state=state,
        not_before=entry.revoked_at,
        not_after=now + _FOR_GOOD,
        tbs_digest=b"",
        intended_at=entry.revoked_at,
        reason=reason,
        revoked_at=entry.revoked_at,
    )
    uow.certificates.add([unknown])
    return True
