"""Quorum activation: M of N people open the CA together, and none of them knows its passphrase.

A random wrapping secret is cut into shares; an envelope under that secret (`quorum.json`, beside the keys)
holds the passphrase. A new split makes a new secret: shares of an older one open nothing any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from audit.leaf import DetailValue, Leaf
from pki.envelope import Opener, Sealer, read_header
from registry.model.actor import Actor
from registry.ports import Ports
from service.errors import BadSetting, NotInitialised
from service.home import read_secret, write_private
from service.keystore import KeyReader, reseal
from service.shares import Gathering, ShareSet, split

SLOT: Final = "quorum.json"
_SECRET_BYTES: Final = 32
_SLOT_ID = re.compile(r"quorum-(\d{1,5})-(\d{1,2})-of-(\d{1,2})(-only)?")
Deliver = Callable[[int, str], None]
"""Hands share number n (from 1) to its holder; the split takes effect only after all were handed over."""


@dataclass(frozen=True, slots=True)
class Slot:
    """What a home says of its quorum; the envelope vouches for it once it opened."""

    shares: ShareSet
    only: bool
    """No person knows a passphrase: shares are the only way."""

    @property
    def name(self) -> str:
        """The envelope's key id."""
        wanted = self.shares
        only = "-only" if self.only else ""
        return f"quorum-{wanted.identifier}-{wanted.threshold}-of-{wanted.count}{only}"


@dataclass(frozen=True, slots=True)
class Opened:
    """What the shares gave, and whose they were."""

    passphrase: bytes = field(repr=False)
    slot: Slot
    members: tuple[int, ...]


def read_slot(keys: Path) -> Slot | None:
    """The quorum of a folder of keys; None where there is none."""
    path = keys / SLOT
    if not path.exists():
        return None
    key_id = read_header(read_secret(path, what="quorum file")).key_id
    found = _SLOT_ID.fullmatch(key_id)
    if found is None:
        raise BadSetting(
            f"{path} is no quorum's envelope.", next_step="Restore the home from its backup.", field=SLOT
        )
    identifier, threshold, count = map(int, found.groups()[:3])
    return Slot(ShareSet(identifier, threshold, count), found[4] is not None)


def require_slot(keys: Path) -> Slot:
    """The quorum; NotInitialised where the CA has none."""
    slot = read_slot(keys)
    if slot is None:
        raise NotInitialised(
            f"No quorum was made for the keys in {keys}.",
            next_step="Make one with the passphrase: medtrust ca quorum split --shares 5 --threshold 3.",
            field="quorum",
        )
    return slot


def open_slot(keys: Path, gathering: Gathering, slot: Slot) -> Opened:
    """The passphrase; SharesMissing or BadShare by the gathering, WrongPassphrase by the envelope."""
    secret = gathering.secret()
    passphrase = Opener(secret).open(read_secret(keys / SLOT, what="quorum file"))
    return Opened(passphrase, slot, gathering.members)


@dataclass(frozen=True, slots=True)
class Split:
    """What to make: how many shares, how many open, and whether the passphrase ends."""

    count: int
    threshold: int
    retire_passphrase: bool = False


def split_passphrase(
    keys: Path, passphrase: bytes, wanted: Split, deliver: Deliver, *, actor: Actor, ports: Ports
) -> Slot:
    """Deals the shares, then makes them the way in. WrongPassphrase before anything is dealt.

    A crash while shares are handed over leaves the old way in; the shares handed over then open nothing.
    """
    _prove(keys, passphrase)
    before = read_slot(keys)
    # What nobody knew stays unknown, and the older shares must not lead to it.
    only = wanted.retire_passphrase or (before is not None and before.only)
    now, secret = ports.clock(), ports.entropy(_SECRET_BYTES)
    dealt = split(secret, count=wanted.count, threshold=wanted.threshold)
    slot = Slot(ShareSet(dealt.identifier, wanted.threshold, wanted.count), only)
    inside = ports.entropy(_SECRET_BYTES).hex().encode() if slot.only else passphrase
    sealer = Sealer(secret, salt=ports.entropy(16))
    envelope = sealer.seal(inside, slot.name, now, ports.entropy)
    for number, words in enumerate(dealt.shares, 1):
        deliver(number, words)
    _note("quorum.split", slot, {"passphrase_retired": slot.only}, actor=actor, ports=ports)
    if slot.only:
        reseal(keys, passphrase, inside, besides={SLOT: envelope}, now=now)
    else:
        write_private(keys / SLOT, envelope)
    return slot


def end_quorum(keys: Path, old: bytes, new: bytes, *, actor: Actor, ports: Ports) -> None:
    """Seals every key under a passphrase that a person chose; shares open nothing afterwards."""
    _prove(keys, old)
    Sealer(new, salt=bytes(16))  # refuses a weak one before anything is done
    slot = require_slot(keys)
    _note("quorum.ended", slot, {}, actor=actor, ports=ports)
    reseal(keys, old, new, besides={}, now=ports.clock())


def note_use(opened: Opened, purpose: str, *, actor: Actor, ports: Ports) -> None:
    """The log's leaf: which shares opened the CA, and for what."""
    detail: dict[str, DetailValue] = {"members": [str(n) for n in opened.members], "purpose": purpose}
    _note("quorum.used", opened.slot, detail, actor=actor, ports=ports)


def _note(kind: str, slot: Slot, detail: dict[str, DetailValue], *, actor: Actor, ports: Ports) -> None:
    counts: dict[str, DetailValue] = {"threshold": slot.shares.threshold, "shares": slot.shares.count}
    leaf = Leaf(
        kind=kind,
        at=ports.clock(),
        actor=str(actor),
        subject=f"quorum-{slot.shares.identifier}",
        detail=counts | detail,
    )
    with ports.store.write() as uow:
        uow.log.append(leaf)


def _prove(keys: Path, passphrase: bytes) -> None:
    reader = KeyReader(keys, passphrase)
    sealed = sorted(path.stem for path in keys.glob("*.json") if path.name != SLOT)
    if not sealed:
        raise NotInitialised(f"There are no keys in {keys}.", field="keys")
    for name in sealed:
        reader.read_secret(name)


def shares_in(path: Path) -> list[str]:
    """The shares of a file (0600): one a line; empty lines and lines with # are skipped."""
    try:
        lines = read_secret(path, what="shares file").decode("ascii").splitlines()
    except UnicodeDecodeError as bad:
        raise BadSetting(f"The shares file {path} is not text.", field="--shares-file") from bad
    return [line for line in map(str.strip, lines) if line and not line.startswith("#")]
