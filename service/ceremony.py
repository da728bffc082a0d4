"""`medtrust init`: keys, certificates, first lists and the trust bundle of a new CA, in one sitting.

The marker file is written last. A ceremony that was killed before leaves none, and the next one begins
again: what it left was never used by anybody.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from audit.keys import Signer, ed25519_signer, ml_dsa_44_cosigner
from audit.leaf import Leaf
from pki import profiles
from pki.algorithms import KeyAlgorithm
from pki.anchor import self_signed
from pki.bundle import TrustAnchor, TrustBundle, sign_bundle
from pki.issuer import IssuedCertificate, Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import Profile, SubjectFacts
from pki.tbs import Certificate
from registry.issuance import IssuanceOrder, issue
from registry.model.actor import Actor
from registry.model.certificate import CertificateRecord, CertificateState, of_int
from registry.ports import Ports
from registry.publication import publish
from registry.store.unit_of_work import Store
from service import authority as names
from service import clock
from service.authority import Signing, certificate_file, list_signer, log_origin, urls
from service.errors import AlreadyInitialised
from service.home import Home, make_private, write_atomically, write_private
from service.keystore import KeyWriter
from service.pem import to_pem
from service.settings import Settings

ROOT_LIST_LIVES: Final = timedelta(days=365)
Told = Callable[[str], None]
"""Hears each step as it is done."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """What came out."""

    root: Certificate
    issuing: Certificate
    log_keys: tuple[str, ...]
    """The audit log's verifier keys, in C2SP's text form."""


def init(home: Home, settings: Settings, passphrase: bytes, *, actor: Actor, tell: Told) -> Ceremony:
    """Everything a new registry needs; AlreadyInitialised where the home holds a CA."""
    if home.marker.exists():
        raise AlreadyInitialised(
            f"{home.root} holds a CA already.",
            next_step="Choose another home: --home. A CA is never overwritten.",
            field="home",
        )
    make_private(home.root)
    _clear(home, settings)
    for folder in (home.certificates, home.public, home.run):
        make_private(folder)
    now = clock.now()
    writer = KeyWriter(home.keys, passphrase, now)
    ports = Ports(Store.open(settings.store_url), clock.now, clock.entropy)
    try:
        return _Rite(home, settings, ports, actor, writer, tell).perform(now)
    finally:
        ports.store.close()


def _clear(home: Home, settings: Settings) -> None:
    for folder in (home.keys, home.certificates, home.public, home.broker, home.run):
        shutil.rmtree(folder, ignore_errors=True)
    if settings.store_url == f"sqlite:///{home.root / 'registry.db'}":
        for suffix in ("", "-wal", "-shm"):
            (home.root / f"registry.db{suffix}").unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Rite:
    home: Home
    settings: Settings
    ports: Ports
    actor: Actor
    writer: KeyWriter
    tell: Told

    def perform(self, now: datetime) -> Ceremony:
        root = self._root(now)
        self.tell("root CA: P-384 with ML-DSA-87")
        above = Issuer(root.certificate, root.key, urls(self.settings, names.ROOT))
        issuing = self._certify(
            names.ISSUING, profiles.ISSUING_CA, "Issuing CA", issuer=above, issuer_name=names.ROOT
        )
        self.tell("issuing CA: P-256 with ML-DSA-65")
        issuer = Issuer(issuing.certificate, issuing.key, urls(self.settings, names.ISSUING))
        self._certify(names.OCSP_ECDSA, profiles.OCSP_ECDSA, "OCSP responder", issuer=issuer)
        self._certify(names.OCSP_ML_DSA, profiles.OCSP_ML_DSA, "OCSP responder PQ", issuer=issuer)
        self.tell("OCSP responders: ECDSA P-256, and ML-DSA-65")
        self._certify(names.REGISTRY, profiles.REGISTRY, "Registry", issuer=issuer)
        self._lists(root, issuing)
        self.tell("first revocation lists")
        log = self._log_keys(log_origin(root.certificate))
        self._publish(root, issuing, log, now)
        self.tell("signed trust bundle")
        return Ceremony(root.certificate, issuing.certificate, tuple(str(s.key) for s in log))

    def _root(self, now: datetime) -> Signing:
        key = HybridPrivateKey.generate(KeyAlgorithm.EC_P384, KeyAlgorithm.ML_DSA_87)
        issued = self_signed(profiles.ROOT, self._facts("Root CA"), key, now=now, entropy=clock.entropy)
        self.writer.write(names.ROOT, key)
        self._keep(names.ROOT, issued.der)
        self._record_root(issued, now)
        return Signing(Certificate.parse(issued.der), key)

    def _record_root(self, issued: IssuedCertificate, now: datetime) -> None:
        record = CertificateRecord(
            certificate_serial=of_int(issued.certificate_serial),
            issuer=names.ROOT,
            profile=issued.profile,
            subject=self._facts("Root CA").common_name,
            state=CertificateState.ACTIVE,
            not_before=issued.not_before,
            not_after=issued.not_after,
            tbs_digest=b"",
            intended_at=now,
            der=issued.der,
            fingerprint=issued.fingerprint.hex(),
            issued_at=now,
            confirmed_at=now,
        )
        leaf = Leaf(
            kind="ceremony.root_created",
            at=now,
            actor=str(self.actor),
            subject=record.certificate_serial,
            detail={"certificate_sha256": record.fingerprint or ""},
        )
        with self.ports.store.write() as uow:
            uow.certificates.add([record])
            uow.log.append(leaf)

    def _certify(
        self, name: str, profile: Profile, title: str, *, issuer: Issuer, issuer_name: str = names.ISSUING
    ) -> Signing:
        key = HybridPrivateKey.generate(next(iter(profile.classical)), profile.alternative)
        order = IssuanceOrder(
            profile, self._facts(title), key.public, profile.lifetime, issuer_name=issuer_name
        )
        record = issue(order, self.actor, ports=self.ports, issuer=issuer).record
        self.writer.write(name, key)
        self._keep(name, record.der or b"")
        return Signing(Certificate.parse(record.der or b""), key)

    def _facts(self, title: str) -> SubjectFacts:
        organization = self.settings.organization
        return SubjectFacts(common_name=f"medtrust {title}", organization=organization)

    def _keep(self, name: str, der: bytes) -> None:
        write_atomically(certificate_file(self.home, name), to_pem(der))

    def _lists(self, root: Signing, issuing: Signing) -> None:
        for name, signing in ((names.ROOT, root), (names.ISSUING, issuing)):
            signer = list_signer(name, signing)
            if name == names.ROOT:
                signer = signer.living(ROOT_LIST_LIVES)
            stored = publish(signer, self.actor, ports=self.ports)
            write_atomically(self.home.public / f"{name}.crl", stored.der)

    def _log_keys(self, origin: str) -> tuple[Signer, ...]:
        seeds = {names.LOG_ED25519: clock.entropy(32), names.LOG_ML_DSA: clock.entropy(32)}
        for name, seed in seeds.items():
            self.writer.write_secret(name, seed)
        return (
            ed25519_signer(origin, seeds[names.LOG_ED25519]),
            ml_dsa_44_cosigner(origin, seeds[names.LOG_ML_DSA]),
        )

    def _publish(self, root: Signing, issuing: Signing, log: tuple[Signer, ...], now: datetime) -> None:
        anchors = (TrustAnchor.of(root.certificate),)
        bundle = TrustBundle(1, now.replace(microsecond=0), anchors, (issuing.certificate.der,))
        public = self.home.public
        write_atomically(public / names.BUNDLE_FILE, sign_bundle(bundle, root.key))
        for name, signing in ((names.ROOT, root), (names.ISSUING, issuing)):
            write_atomically(public / f"{name}.pem", to_pem(signing.certificate.der))
        keys = [str(signer.key) for signer in log]
        write_atomically(public / "log.vkeys", "\n".join(keys).encode() + b"\n")
        marker = {"root_sha256": root.certificate.fingerprint.hex(), "created": now.isoformat()}
        # The last step: from here on the CA is whole.
        write_private(self.home.marker, json.dumps(marker).encode() + b"\n")
