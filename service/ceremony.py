"""Ceremonies: `medtrust init` and `medtrust ca ceremony`, one machinery over a plan and its draft.

A CA exists once the home's register names it. Before that everything can be repeated: serials and keys are
the draft's, a certificate that was issued already is taken over, files are written again. A new home gets
its marker last of all; a ceremony that was killed before begins again with an empty store.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pki.tbs import Certificate
from registry.model.actor import Actor
from registry.ports import Ports
from registry.store.unit_of_work import Store
from service import clock
from service.authorities import FILE as REGISTER_FILE
from service.authorities import KeyPlace, Register, read_register
from service.authority import ISSUING, ROOT, Signing, certificate_file
from service.ca_keys import Keyring
from service.ceremony_draft import Draft, prepare, reopen
from service.ceremony_plan import BUILT_IN, CeremonyRefused, Plan, read_plan, require_in_force
from service.ceremony_rite import Rite, Told
from service.ceremony_scene import Scene, Shelf
from service.errors import AlreadyInitialised
from service.home import Home, make_private, write_private
from service.keystore import KeyWriter
from service.pem import read_certificate
from service.pkcs11 import required
from service.settings import Settings

EMPTY: Final = Register(entries=(), default="")


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What came out of the first ceremony of a home."""

    root: Certificate
    issuing: Certificate
    log_keys: tuple[str, ...]
    """The audit log's verifier keys, in C2SP's text form."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Who performs a ceremony, where, and where keys are that are not here."""

    home: Home
    settings: Settings
    passphrase: bytes = field(repr=False)
    actor: Actor
    tell: Told
    medium: Path | None = None
    """A folder that people carry: keys of CAs that are away are read from it and written to it."""

    def scene(self) -> Scene:
        """The home's CAs as they are now."""
        register = read_register(self.home) if self.home.marker.exists() else EMPTY
        return Scene(self.home, self.settings, register, Keyring(self.home, self.passphrase, self.medium))


def init(
    home: Home, settings: Settings, passphrase: bytes, *, actor: Actor, tell: Told, plan: str = BUILT_IN
) -> Ceremony:
    """The built-in plan in one sitting; AlreadyInitialised where the home holds a CA."""
    room = Room(home=home, settings=settings, passphrase=passphrase, actor=actor, tell=tell)
    begin_home(home)
    read = read_plan(plan, organization=settings.organization)
    return perform_first(prepare(read, room.scene(), passphrase), room)


def in_a_token(settings: Settings) -> str:
    """The built-in plan, the classical keys in the settings' token; BadSetting where none is set."""
    required(settings.pkcs11)
    return BUILT_IN.replace("profile = ", f'key_place = "{KeyPlace.PKCS11}"\nprofile = ')


def begin_home(home: Home) -> None:
    """The folders of a home that has no CA yet; AlreadyInitialised where it has one."""
    if home.marker.exists():
        raise AlreadyInitialised(
            f"{home.root} holds a CA already.",
            next_step="Choose another home: --home. A CA is never overwritten.",
            field="home",
        )
    make_private(home.root)


def plan_in(room: Room, text: str) -> Plan:
    """A ceremony's file, read against the CAs that the home has."""
    register = room.scene().register
    present = {entry.name for entry in register.entries}
    organization = room.settings.organization
    shelf = Shelf(room.home)
    if shelf.exists():
        found = shelf.read()
        if found.plan_sha256 == hashlib.sha256(text.encode()).hexdigest():
            # It was cut off after the register: its own CAs do not stand in its way.
            present -= found.digests.keys()
    plan = read_plan(text, organization=organization, present=present)
    require_in_force(plan, register)
    return plan


def prepared_text(room: Room) -> str:
    """The file of the ceremony that waits on the shelf; empty where none does."""
    shelf = Shelf(room.home)
    return shelf.read().plan if shelf.exists() else ""


def draft_of(room: Room, text: str, *, restart: bool = False) -> Draft:
    """The draft on the shelf, or a new one where there is none or `restart` asks for it. Signs nothing."""
    scene, plan = room.scene(), plan_in(room, text)
    if not room.home.marker.exists():
        begin_home(room.home)
        _require_first(plan)
    if Shelf(room.home).exists() and not restart:
        return reopen(plan, scene, room.passphrase)
    return prepare(plan, scene, room.passphrase)


def _require_first(plan: Plan) -> None:
    if not {ROOT, ISSUING} <= {ca.name for ca in plan.cas} or not plan.cas[0].is_root:
        raise CeremonyRefused(
            f"A home's first ceremony makes a root first, called {ROOT}, and an issuing CA, {ISSUING}.",
            next_step="Name them so; more CAs may stand beside them.",
            field="ca.name",
        )


def perform(draft: Draft, room: Room) -> dict[str, Signing]:
    """Signs what the draft says, in a home that has CAs or in a new one; the new CAs by name."""
    if not room.home.marker.exists():
        perform_first(draft, room)
        return {}
    with closing(Store.open(room.settings.store_url)) as store:
        ports = Ports(store, clock.now, clock.entropy)
        made = _rite(draft, room, ports).perform()
    Shelf(room.home).remove()
    return made


def perform_first(draft: Draft, room: Room) -> Ceremony:
    """The first ceremony of a home: also the registry's own signer, the audit log's keys, and the marker."""
    home = room.home
    _clear(home, room.settings)
    for folder in (home.keys, home.certificates, home.public, home.run):
        make_private(folder)
    with closing(Store.open(room.settings.store_url)) as store:
        rite = _rite(draft, room, Ports(store, clock.now, clock.entropy))
        rite.perform()
        log_keys = rite.log_keys()
    register = read_register(home)
    root = read_certificate(certificate_file(home, register.roots[0].name))
    issuing = read_certificate(certificate_file(home, register.default))
    marker = {"root_sha256": root.fingerprint.hex(), "created": clock.now().isoformat()}
    # The last step: from here on the CA is whole.
    write_private(home.marker, json.dumps(marker).encode() + b"\n")
    Shelf(home).remove()
    return Ceremony(root, issuing, log_keys)


def _rite(draft: Draft, room: Room, ports: Ports) -> Rite:
    return Rite(
        draft=draft,
        scene=room.scene(),
        ports=ports,
        actor=room.actor,
        writer=KeyWriter(room.home.keys, room.passphrase, clock.now()),
        tell=room.tell,
    )


def _clear(home: Home, settings: Settings) -> None:
    """What an unfinished first ceremony left was never used by anybody; its draft stays."""
    for folder in (home.keys, home.certificates, home.public, home.broker, home.run):
        shutil.rmtree(folder, ignore_errors=True)
    (home.root / REGISTER_FILE).unlink(missing_ok=True)
    if settings.store_url == f"sqlite:///{home.root / 'registry.db'}":
        for suffix in ("", "-wal", "-shm"):
            (home.root / f"registry.db{suffix}").unlink(missing_ok=True)
