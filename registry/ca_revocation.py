"""A CA's own certificates revoked by whoever certified them, in a ceremony: never by a job, never by OCSP."""

from __future__ import annotations

from collections.abc import Iterable

from audit.leaf import DetailValue, Leaf
from registry.ending import LIVE, end
from registry.model.actor import Actor
from registry.model.certificate import CertificateRecord, CertificateSerial
from registry.model.errors import Refused
from registry.ports import Ports

REASON = "cACompromise"


def revoke_authority(
    serials: Iterable[CertificateSerial], ca: str, reason: str, actor: Actor, *, ports: Ports
) -> tuple[CertificateRecord, ...]:
    """Every certificate of a CA that is still live, in one commit; the lists of their issuers must follow.

    A person decides (rule 7): all devices below lose what they join with. What was revoked before stays.
    """
    if actor.is_automatic:
        raise Refused("Only a person withdraws a CA.", field="actor")
    now = ports.clock()
    ended = []
    with ports.store.write() as uow:
        for serial in serials:
            record = uow.certificates.get(serial)
            if record is not None and record.state in LIVE:
                ended.append(end(record, reason, now, uow))
        detail: dict[str, DetailValue] = {
            "reason": reason,
            "certificate_serials": [record.certificate_serial for record in ended],
        }
        uow.log.append(Leaf(kind="ca.distrusted", at=now, actor=str(actor), subject=ca, detail=detail))
    return tuple(ended)


def note_change(kind: str, ca: str, detail: dict[str, DetailValue], actor: Actor, *, ports: Ports) -> None:
    """A leaf about a CA: retired, its key carried away, its bundle or list renewed."""
    now = ports.clock()
    with ports.store.write() as uow:
        uow.log.append(Leaf(kind=kind, at=now, actor=str(actor), subject=ca, detail=detail))
