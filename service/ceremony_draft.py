"""A ceremony's first half: keys, serials and the hour are fixed, and everything to be signed can be read.

Nothing here signs. The draft lies in home/ceremony: sealed keys, and a file written last that pins what was
read: the plan's hash and each certificate's digest. Whoever signs later signs these octets or nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from pki import profiles
from pki.algorithms import PrivateKey
from pki.anchor import PreparedAnchor, prepare_anchor, rehearsed
from pki.issuer import Entropy, IssuanceToken, Issuer
from pki.keys import HybridPrivateKey, HybridPublicKey
from pki.profiles import Profile, SubjectFacts
from pki.second_opinion import ready_pair
from pki.tbs import Certificate
from service import clock
from service.authorities import KeyPlace
from service.authority import Signing
from service.ceremony_plan import Plan, PlannedCa
from service.ceremony_scene import Prepared, Scene, Shelf
from service.cross_plan import PlannedCross, cross_facts, cross_profile
from service.errors import ServiceError
from service.home import make_private
from service.keystore import KeyReader, KeyWriter
from service.pkcs11 import new_key

_SERIAL_OCTETS: Final = 16


class DraftChanged(ServiceError):
    """What would be signed is not what was read."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class ToBeSigned:
    """One certificate before its signature; a root has an anchor, others the issuer that made the token."""

    name: str
    issuer_name: str
    profile: Profile
    facts: SubjectFacts
    public: HybridPublicKey
    token: IssuanceToken
    anchor: PreparedAnchor | None = field(default=None, repr=False)
    issuer: Issuer | None = field(default=None, repr=False)

    @property
    def tbs(self) -> bytes:
        """What will be signed, but for the signature algorithm's own name and the alternative signature."""
        return self.token.unsigned.pre_tbs

    @property
    def digest(self) -> str:
        """SHA-256 over `tbs`, hex."""
        return self.token.tbs_digest.hex()


@dataclass(frozen=True, slots=True)
class Draft:
    """A prepared ceremony, opened with the passphrase."""

    plan: Plan
    prepared_at: datetime
    held: dict[str, HybridPrivateKey] = field(repr=False)
    """The new CAs' keys."""
    entropy: dict[str, bytes] = field(repr=False)
    digests: dict[str, str]

    @property
    def digest(self) -> str:
        """One hash over the plan and all digests: what a person compares before saying yes; hex."""
        lines = [self.plan.sha256, *(f"{name} {digest}" for name, digest in sorted(self.digests.items()))]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()

    def serial_of(self, name: str) -> Entropy:
        """The randomness that was drawn for one serial: the same at each reading."""
        return lambda count: self.entropy[name][:count]


def prepare(plan: Plan, scene: Scene, passphrase: bytes) -> Draft:
    """New keys, serials and digests for a plan, on disk; an unfinished or older draft makes room."""
    shelf = Shelf(scene.home)
    shelf.remove()
    make_private(shelf.path)
    now = clock.now().replace(microsecond=0)
    writer = KeyWriter(shelf.keys, passphrase, now)
    held: dict[str, HybridPrivateKey] = {}
    for ca in plan.cas:
        made = _new_key(ca, scene)
        writer.write(ca.name, made)
        held[ca.name] = ready_pair(made, scene.settings.key_use)
    names = [*(ca.name for ca in plan.cas), *(cross.name for cross in plan.crosses)]
    entropy = {name: clock.entropy(_SERIAL_OCTETS) for name in names}
    draft = Draft(plan, now, held, entropy, {})
    draft = replace(draft, digests={each.name: each.digest for each in rehearse(draft, scene)})
    shelf.pin(Prepared(plan.sha256, now, entropy, draft.digests, plan.text))
    return draft


def _new_key(ca: PlannedCa, scene: Scene) -> HybridPrivateKey:
    main, alternative = ca.profile.main[0], ca.profile.alternative
    if ca.key_place is not KeyPlace.PKCS11:
        return HybridPrivateKey.generate(main, alternative)
    classical = new_key(scene.settings.pkcs11, main, label=f"medtrust {ca.name}")
    return HybridPrivateKey(classical, PrivateKey.generate(alternative) if alternative else None)


def reopen(plan: Plan, scene: Scene, passphrase: bytes) -> Draft:
    """The draft that was read before; DraftChanged where the plan or the settings are others by now."""
    shelf = Shelf(scene.home)
    found = shelf.read()
    if found.plan_sha256 != plan.sha256:
        raise _changed("The ceremony's file is not the one that was prepared.")
    keys = KeyReader(shelf.keys, passphrase, scene.settings.key_use, scene.settings.pkcs11)
    held = {ca.name: keys.read(ca.name) for ca in plan.cas}
    draft = Draft(plan, found.prepared_at, held, found.entropy, found.digests)
    if {each.name: each.digest for each in rehearse(draft, scene)} != found.digests:
        raise _changed("Settings, profiles or the CA above have changed since it was prepared.")
    return draft


def _changed(why: str) -> DraftChanged:
    return DraftChanged(
        f"{why} Nothing was signed.",
        next_step="Prepare and read it again: medtrust ca ceremony FILE --restart --dry-run.",
        field="ceremony",
    )


Stage = Callable[[ToBeSigned, HybridPrivateKey], Certificate]
"""Gives the certificate of one step, signed or rehearsed by the key of its issuer."""


def rehearse(draft: Draft, scene: Scene) -> tuple[ToBeSigned, ...]:
    """Everything that will be signed, in order; no key of a CA signs anything."""
    read: list[ToBeSigned] = []

    def pretend(step: ToBeSigned, signer: HybridPrivateKey) -> Certificate:
        read.append(step)
        return rehearsed(step.token.unsigned, signer)

    walk(draft, scene, pretend)
    return tuple(read)


def walk(draft: Draft, scene: Scene, stage: Stage) -> dict[str, Signing]:
    """Each planned certificate in order, handed to `stage`; the new CAs' certificates and keys by name."""
    made: dict[str, Signing] = {}

    planned = {ca.name: ca.issuer_name for ca in draft.plan.cas}

    def above(name: str) -> Signing:
        return made[name] if name in made else scene.present(name)

    def issuer_of(name: str) -> tuple[Issuer, HybridPrivateKey]:
        over, by = [], name
        while (parent := planned.get(by) or scene.entry(by).issuer_name) != by:
            over.append(made[parent].certificate if parent in made else scene.certificate(parent))
            by = parent
        signer = above(name)
        return scene.issuer(name, signer, over), signer.key

    for ca in draft.plan.cas:
        key = draft.held[ca.name]
        if ca.is_root:
            anchor = prepare_anchor(
                ca.profile,
                ca.facts,
                key,
                now=draft.prepared_at,
                entropy=draft.serial_of(ca.name),
                lifetime=ca.profile.lifetime,
            )
            step = ToBeSigned(
                ca.name, ca.name, ca.profile, ca.facts, key.public, token=anchor.token, anchor=anchor
            )
            made[ca.name] = Signing(stage(step, key), key)
        else:
            issuer, by_key = issuer_of(ca.issuer_name)
            step = _certified(ca.name, ca.profile, ca.facts, key.public, issuer=issuer, draft=draft)
            made[ca.name] = Signing(stage(step, by_key), key)
    for cross in draft.plan.crosses:
        (issuer, by_key), subject = issuer_of(cross.issuer), made.get(cross.subject)
        certificate = subject.certificate if subject else scene.certificate(cross.subject)
        stage(_crossed(cross, certificate, issuer, draft, scene), by_key)
    return made


def _crossed(
    cross: PlannedCross, subject: Certificate, issuer: Issuer, draft: Draft, scene: Scene
) -> ToBeSigned:
    planned = next((ca.profile for ca in draft.plan.cas if ca.name == cross.subject), None)
    profile = planned or profiles.by_name(scene.entry(cross.subject).profile)
    public = HybridPublicKey(subject.public_key, subject.alternative_public_key)
    return _certified(
        cross.name, cross_profile(profile, subject), cross_facts(subject), public, issuer=issuer, draft=draft
    )


def _certified(
    name: str,
    profile: Profile,
    facts: SubjectFacts,
    public: HybridPublicKey,
    *,
    issuer: Issuer,
    draft: Draft,
) -> ToBeSigned:
    token = issuer.prepare(
        profile,
        facts,
        public,
        now=draft.prepared_at,
        entropy=draft.serial_of(name),
        lifetime=profile.lifetime,
    )
    return ToBeSigned(name, issuer.name, profile, facts, public, token=token, issuer=issuer)
