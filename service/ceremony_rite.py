"""The signing half of a ceremony, step by step; each step can be repeated after a crash.

Certificates go into the store first, then keys, responders, lists and the transcript into their places; the
register makes the CAs true, and the trust bundle tells the world.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from audit.keys import ed25519_signer, ml_dsa_44_cosigner
from pki import profiles
from pki.issuer import Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import Profile, SubjectFacts
from pki.tbs import Certificate
from registry.anchors import already_issued, issue_anchor
from registry.issuance import IssuanceOrder, issue_prepared
from registry.model.actor import Actor
from registry.model.certificate import CertificateRecord
from registry.ports import Ports
from registry.publication import WHOLE
from service import authority as names
from service import clock
from service.authorities import CaEntry, CaState, CrossEntry, KeyPlace, Register, write_register
from service.authority import (
    ROOT_LIST_LIVES,
    Signing,
    certificate_file,
    list_signer,
    log_origin,
    responder_names,
    urls,
)
from service.ca_keys import KeyAway, carry
from service.ceremony_draft import Draft, DraftChanged, ToBeSigned, walk
from service.ceremony_plan import CeremonyRefused, PlannedCa
from service.ceremony_scene import Scene, Shelf
from service.home import write_atomically
from service.keystore import KeyWriter
from service.own_signers import REGISTRY_TITLE, RESPONDERS, certify, keep_certificate
from service.pem import read_certificate, to_pem
from service.publisher import Publisher
from service.transcript import write_transcript
from service.trust_publication import publish_bundle, require_signer

Told = Callable[[str], None]
"""Hears each step as it is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rite:
    """One performance of a draft."""

    draft: Draft
    scene: Scene
    ports: Ports
    actor: Actor
    writer: KeyWriter
    """Seals what the ceremony makes besides the CAs' own keys."""
    tell: Told
    records: dict[str, CertificateRecord] = field(default_factory=dict)
    """What was signed, or had been before a crash, by name."""

    def perform(self) -> dict[str, Signing]:
        """Everything but a new home's marker; the new CAs' certificates and keys by name."""
        register = self._next_register()
        self._check_places()
        if self.scene.register.entries:
            require_signer(self.scene.home, self.scene.register, self.scene.ring)
        made = walk(self.draft, self.scene, self._sign)
        for ca in self.draft.plan.cas:
            carry(Shelf(self.scene.home).keys, self._place(ca), ca.name)
            self._settle(ca, made[ca.name])
        if not self.scene.register.entries:
            signer = made[register.default]
            self._certify(names.REGISTRY, profiles.REGISTRY, REGISTRY_TITLE, register.default, signer)
        self._publish_lists(made)
        write_transcript(self.draft, self.records, self.scene.home, self.actor, ports=self.ports)
        register = self._with_fingerprints(register)
        # From here on the new CAs are ours, and retired ones issue nothing.
        write_register(self.scene.home, register)
        bundle = publish_bundle(self.scene.home, register, self.scene.ring, clock.now())
        self.tell(f"signed trust bundle, version {bundle.version}")
        return made

    def log_keys(self) -> tuple[str, ...]:
        """New keys of the audit log, named after the first root; their verifier keys in C2SP's text form."""
        home = self.scene.home
        root = read_certificate(certificate_file(home, self.draft.plan.cas[0].name))
        seeds = {names.LOG_ED25519: clock.entropy(32), names.LOG_ML_DSA: clock.entropy(32)}
        for name, seed in seeds.items():
            self.writer.write_secret(name, seed)
        origin = log_origin(root)
        signers = (
            ed25519_signer(origin, seeds[names.LOG_ED25519]),
            ml_dsa_44_cosigner(origin, seeds[names.LOG_ML_DSA]),
        )
        keys = tuple(str(signer.key) for signer in signers)
        write_atomically(home.public / "log.vkeys", "\n".join(keys).encode() + b"\n")
        return keys

    def _next_register(self) -> Register:
        plan, register = self.draft.plan, self.scene.register
        for ca in plan.cas:
            register = register.with_entry(
                CaEntry(
                    name=ca.name,
                    profile=ca.profile.name,
                    issuer_name=ca.issuer_name,
                    key_place=ca.key_place,
                    issues=ca.issues,
                )
            )
        for name in plan.retire:
            register = register.with_entry(replace(register.get(name), state=CaState.RETIRED))
        default = plan.default or register.default or next((ca.name for ca in plan.cas if ca.issues), "")
        if not default or register.get(default).state is not CaState.ACTIVE:
            raise CeremonyRefused(
                "After this ceremony no active CA would be the default one.",
                next_step="Give a new issuing CA `default = true`, or retire another.",
                field="ca.default",
            )
        return replace(register, default=default)

    def _with_fingerprints(self, register: Register) -> Register:
        for ca in self.draft.plan.cas:
            sha256 = self.records[ca.name].fingerprint or ""
            register = register.with_entry(replace(register.get(ca.name), sha256=sha256))
        for cross in self.draft.plan.crosses:
            sha256 = self.records[cross.name].fingerprint or ""
            register = register.with_cross(
                CrossEntry(subject=cross.subject, issuer=cross.issuer, sha256=sha256)
            )
        return register

    def _check_places(self) -> None:
        for ca in self.draft.plan.cas:
            if ca.key_place is KeyPlace.AWAY and self.scene.ring.medium is None:
                raise KeyAway(
                    f"The key of {ca.name} is to be kept away, and no medium was given.",
                    next_step="Give the folder on it: --root DIR.",
                    field="--root",
                )

    def _place(self, ca: PlannedCa) -> Path:
        medium = self.scene.ring.medium
        return medium if ca.key_place is KeyPlace.AWAY and medium is not None else self.scene.home.keys

    def _sign(self, step: ToBeSigned, signer: HybridPrivateKey) -> Certificate:
        if step.digest != self.draft.digests.get(step.name):
            raise DraftChanged(f"{step.name} is not what was read. It was not signed.", field=step.name)
        with self.ports.store.read() as uow:
            record = already_issued(step.token, uow)
        if record is None and step.anchor is not None:
            record = issue_anchor(
                step.anchor, signer, step.name, step.facts.common_name, self.actor, ports=self.ports
            )
        elif record is None and step.issuer is not None:
            order = IssuanceOrder(step.profile, step.facts, step.public, step.profile.lifetime)
            record = issue_prepared([order], [step.token], self.actor, ports=self.ports, issuer=step.issuer)[
                0
            ].record
        if record is None or record.der is None:
            raise DraftChanged(f"{step.name} has no issuer.", field=step.name)
        self.records[step.name] = record
        certificate = Certificate.parse(record.der)
        keep_certificate(self.scene.home, step.name, certificate)
        self.tell(f"{step.name}: {step.profile.name}, certified by {step.issuer_name}")
        return certificate

    def _settle(self, ca: PlannedCa, signing: Signing) -> None:
        write_atomically(self.scene.home.public / f"{ca.name}.pem", to_pem(signing.certificate.der))
        if ca.issues:
            for name, (profile, title) in zip(responder_names(ca.name), RESPONDERS, strict=True):
                self._certify(name, profile, title, ca.name, signing)
            self.tell(f"{ca.name}: OCSP responders, ECDSA P-256 and ML-DSA-65")

    def _certify(self, name: str, profile: Profile, title: str, by: str, signer: Signing) -> None:
        facts = SubjectFacts(common_name=title, organization=self.scene.settings.organization)
        where = urls(self.scene.settings, by, responder=True)
        issuer = Issuer(signer.certificate, signer.key, where, by)
        made = certify(name, profile, facts, issuer, actor=self.actor, ports=self.ports, writer=self.writer)
        keep_certificate(self.scene.home, name, made.certificate)

    def _publish_lists(self, made: dict[str, Signing]) -> None:
        for ca in self.draft.plan.cas:
            signer = list_signer(ca.name, made[ca.name], self.scene.settings, issues=ca.issues)
            if not ca.issues:
                signer = signer.living(ROOT_LIST_LIVES)
            # Parts and deltas follow when the service starts: before that nobody is served.
            Publisher(self.scene.home, self.ports).publish(signer, [WHOLE], self.actor)
        self.tell("first revocation lists")
