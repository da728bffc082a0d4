"""Reference values: which firmware a product may run, as a person vouches for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from audit.leaf import Leaf
from registry.model.actor import Actor
from registry.model.errors import BadInput, Refused
from registry.ports import Ports

_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
_LONGEST: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """One release of a product's firmware."""

    udi_di: str
    sha256: str
    """Of the image, lower-case hex."""
    name: str
    version: str


def add_reference(reference: Reference, actor: Actor, *, ports: Ports) -> None:
    """List a release; the same digest again replaces its name. BadInput names the field."""
    for field in ("udi_di", "name", "version"):
        text = getattr(reference, field)
        if not 0 < len(text) <= _LONGEST or not text.isprintable():
            raise BadInput(f"{field} has 1 to {_LONGEST} printable characters.", field=field)
    if not _DIGEST.fullmatch(reference.sha256):
        raise BadInput(
            "sha256 is not 64 lower-case hex digits.",
            next_step="Take it from the maker's release notes, or: sha256sum IMAGE.",
            field="sha256",
        )
    if actor.is_automatic:
        raise Refused("Only a person vouches for a firmware.", field="actor")
    now = ports.clock()
    detail = {"sha256": reference.sha256, "name": reference.name, "version": reference.version}
    with ports.store.write() as uow:
        uow.trust.add_reference(
            udi_di=reference.udi_di,
            sha256=reference.sha256,
            name=reference.name,
            version=reference.version,
            added_at=now,
        )
        uow.log.append(
            Leaf(kind="reference.added", at=now, actor=str(actor), subject=reference.udi_di, detail=detail)
        )
