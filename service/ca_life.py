"""A CA after its ceremony: its key is carried away, its lists are refreshed, it is retired or distrusted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from pki.bundle import TrustBundle
from registry.ca_revocation import REASON, note_change, revoke_authority
from registry.model.certificate import of_int
from registry.ports import Ports
from registry.publication import WHOLE
from registry.store.lists import StoredList
from service import clock
from service.authorities import CaEntry, CaState, KeyPlace, Register, read_register, write_register
from service.authority import ROOT_LIST_LIVES, certificate_file, list_signer
from service.ca_keys import KeyAway, Keyring, carry, forget, key_files
from service.ceremony import Room
from service.errors import Kind, ServiceError
from service.home import write_atomically
from service.pem import read_certificate, to_pem
from service.publisher import Publisher
from service.trust_publication import absent_roots, publish_bundle, require_signer


class CaStepRefused(ServiceError):
    """What was asked would leave devices or relying parties without a CA."""

    kind: ClassVar[Kind] = "refused"


def detach(room: Room, name: str, medium: Path, *, ports: Ports) -> tuple[Path, ...]:
    """A key carried to a medium; the home forgets it. The files on the medium.

    The copy is opened before the original goes. A crash leaves two copies, and the same command again
    finishes: the register says `away` before anything is removed.
    """
    home, register = room.home, read_register(room.home)
    entry = register.get(name)
    if entry.issues:
        raise CaStepRefused(
            f"{name} issues and signs lists every day: its key must be here.",
            next_step="Carry away the keys of CAs that certify CAs only: medtrust ca list.",
            field="ca",
        )
    if key_files(home.keys, name):
        carry(home.keys, medium, name)
    certificate = read_certificate(certificate_file(home, name))
    write_atomically(medium / f"{name}.pem", to_pem(certificate.der))
    away = replace(entry, key_place=KeyPlace.AWAY)
    Keyring(home, room.passphrase, medium).signing(away)
    write_register(home, register.with_entry(away))
    forget(home.keys, name)
    if entry.key_place is not KeyPlace.AWAY:
        note_change("ca.key_carried_away", name, {}, room.actor, ports=ports)
    return tuple(key_files(medium, name))


def refresh(room: Room, *, ports: Ports) -> tuple[tuple[StoredList, ...], TrustBundle]:
    """New lists of every CA that certifies CAs and whose key is at hand, and the next trust bundle."""
    register = read_register(room.home)
    ring = Keyring(room.home, room.passphrase, room.medium)
    require_signer(room.home, register, ring)
    lists = _publish_lists(room, register, ring, ports)
    bundle = publish_bundle(room.home, register, ring, clock.now())
    for name in absent_roots(register, ring):
        room.tell(f"{name} did not sign: who still holds a bundle without the other roots refuses this one")
    return lists, bundle


def retire(room: Room, name: str, *, ports: Ports) -> None:
    """It issues nothing any more; its lists and OCSP answers go on."""
    register = read_register(room.home)
    entry = register.get(name)
    _refuse_default(register, entry, "retired")
    if entry.state is CaState.DISTRUSTED:
        raise CaStepRefused(f"{name} is distrusted: that is more.", field="ca")
    write_register(room.home, register.with_entry(replace(entry, state=CaState.RETIRED)))
    note_change("ca.retired", name, {}, room.actor, ports=ports)


def distrust(room: Room, name: str, *, ports: Ports) -> TrustBundle:
    """Its certificates are revoked by whoever certified it, and the next bundle is without it.

    A root is withdrawn with everything below it, by a bundle that another root signs. Order: rows, register,
    lists, bundle; each is repeated by the same command after a crash.
    """
    home, register = room.home, read_register(room.home)
    gone = _with_all_below(register, name)
    for entry in gone:
        _refuse_default(register, entry, "distrusted")
    after = register
    for entry in gone:
        after = after.with_entry(replace(entry, state=CaState.DISTRUSTED))
    if not any(root.state is not CaState.DISTRUSTED for root in after.roots):
        raise CaStepRefused(
            f"{name} is the last root.", next_step="Roll over first: medtrust ca rollover root.", field="ca"
        )
    ring = Keyring(home, room.passphrase, room.medium)
    require_signer(home, after, ring)
    _require_certifiers(register, name, ring)
    held = [certificate_file(home, entry.name) for entry in gone]
    lost = {entry.name for entry in gone}
    held += [certificate_file(home, c.name) for c in register.cross if c.subject in lost]
    serials = [of_int(read_certificate(path).serial) for path in held]
    revoke_authority(serials, name, REASON, room.actor, ports=ports)
    write_register(home, after)
    _publish_lists(room, after, ring, ports)
    return publish_bundle(home, after, ring, clock.now())


def _with_all_below(register: Register, name: str) -> list[CaEntry]:
    chosen = register.get(name)
    below = [e for e in register.entries if name in {above.name for above in register.above(e.name)}]
    return [chosen, *(entry for entry in below if entry.name != name)]


def _refuse_default(register: Register, entry: CaEntry, what: str) -> None:
    if entry.name == register.default:
        raise CaStepRefused(
            f"{entry.name} is the default CA and would be {what}: nobody could issue.",
            next_step=f"Roll over first: medtrust ca rollover {entry.name}.",
            field="ca",
        )


def _require_certifiers(register: Register, name: str, ring: Keyring) -> None:
    """Whoever certified it must say on a list that it is over; a root has only the bundle for that."""
    entry = register.get(name)
    if not entry.is_root and not ring.has(register.get(entry.issuer_name)):
        raise KeyAway(
            f"The list that ends {name} is signed by {entry.issuer_name}, whose key is away.",
            next_step="Bring the medium with it: --root DIR.",
            field="--root",
        )


def _publish_lists(room: Room, register: Register, ring: Keyring, ports: Ports) -> tuple[StoredList, ...]:
    published: list[StoredList] = []
    for entry in register.entries:
        if entry.issues or entry.state is CaState.DISTRUSTED or not ring.has(entry):
            continue
        signer = list_signer(entry.name, ring.signing(entry), room.settings, issues=False)
        signer = signer.living(ROOT_LIST_LIVES)
        published += Publisher(room.home, ports).publish(signer, [WHOLE], room.actor)
    return tuple(published)
