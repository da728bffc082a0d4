"""The unlocked CAs: keys in memory, ready to sign. Whoever holds one of these holds the hospital's trust."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from audit.keys import Signer, ed25519_signer, ml_dsa_44_cosigner
from pki.bundle import TrustBundle, open_bundle
from pki.errors import PkiError
from pki.issuer import Issuer, key_identifier_of
from pki.keys import HybridPrivateKey
from pki.profiles import Profile, StatusUrls
from pki.tbs import Certificate
from registry.pending import IssuingParts
from registry.publication import ListSigner
from service import authorities
from service.authorities import CaEntry, CaState, Register, read_register
from service.ca_choice import choose
from service.development import refuse_development
from service.errors import NotInitialised
from service.home import Home
from service.keystore import KeyReader
from service.pem import read_certificate
from service.profiles import own_profiles
from service.settings import Settings

ROOT, ISSUING, REGISTRY = authorities.ROOT, authorities.ISSUING, "registry"
OCSP_ECDSA, OCSP_ML_DSA = "ocsp-ecdsa", "ocsp-ml-dsa"
LOG_ED25519, LOG_ML_DSA = "log.ed25519", "log.ml-dsa-44"
BUNDLE_FILE: Final = "trust-bundle.json"
_LONGEST_CHAIN: Final = 3
"""What a message to a device has room for behind its own certificate."""
ROOT_LIST_LIVES: Final = timedelta(days=365)
"""Lists of CAs that certify CAs only: signed where their key is brought to, not every day."""


@dataclass(frozen=True, slots=True)
class Signing:
    """A certificate and its private key."""

    certificate: Certificate
    key: HybridPrivateKey


@dataclass(frozen=True, slots=True)
class OpenCa:
    """One of our CAs with its key in memory, and who answers OCSP for it."""

    entry: CaEntry
    signing: Signing
    issuer: Issuer
    ocsp_ecdsa: Signing
    ocsp_ml_dsa: Signing
    list_signer: ListSigner
    """Who signs its lists."""
    chain: tuple[bytes, ...]
    """What follows a certificate of its own on the way to every root of ours; DER."""

    @property
    def name(self) -> str:
        """The CA's short name."""
        return self.entry.name

    @property
    def certificate(self) -> Certificate:
        """The CA's own."""
        return self.signing.certificate


@dataclass(frozen=True, slots=True)
class Authority:
    """What the running process signs with. No root's key is among it, but one that issues itself."""

    root: Certificate
    """The first root: the audit log is named after it."""
    cas: tuple[OpenCa, ...]
    """All that issue or did; the default one first."""
    registry: Signing
    log_signers: tuple[Signer, ...]
    organization: str
    anchors: tuple[Certificate, ...]
    """The roots in force, the first one first; distrusted ones are left out."""
    register: Register
    """All CAs of the home, also those whose keys are elsewhere."""
    own_profiles: Mapping[str, Profile]
    """The hospital's own, by name."""

    @property
    def default(self) -> OpenCa:
        """Issues where nobody says otherwise."""
        return self.cas[0]

    @property
    def issuing(self) -> Signing:
        """The default CA's certificate and key."""
        return self.default.signing

    @property
    def issuer(self) -> Issuer:
        """The default CA."""
        return self.default.issuer

    @property
    def parts(self) -> IssuingParts:
        """The default CA as the enrolment walk needs it."""
        return self.parts_of(self.default)

    def parts_of(self, ca: OpenCa) -> IssuingParts:
        """A CA as the walk and an operator's order need it."""
        return IssuingParts(ca.issuer, ca.chain, self.organization, self.own_profiles)

    def issuer_for(self, profile: Profile, name: str = "") -> OpenCa:
        """The CA for a certificate of that profile: the one that is named, else by the profile's form.

        UnknownAuthority, or CaRefused where the CA is not active or may not sign that form.
        """
        by_name = {ca.name: ca for ca in self.cas}
        chosen = choose(profile, [(ca.entry, ca.signing.certificate) for ca in self.cas], name)
        return by_name[chosen.name]


def list_signer(name: str, signing: Signing, settings: Settings, *, issues: bool) -> ListSigner:
    """A ListSigner over a CA's certificate and key; lists of CAs that certify CAs only are never cut."""
    return ListSigner(
        name,
        signing.certificate,
        signing.key,
        key_identifier_of(signing.certificate),
        url=urls(settings, name).crl,
        shards=settings.crl_shards if issues else 1,
        deltas=issues and settings.crl_deltas,
    )


def urls(settings: Settings, issuer: str, *, responder: bool | None = None) -> StatusUrls:
    """What certificates of an issuer say about status; CAs that certify CAs only have no OCSP responder."""
    base = settings.status_url
    answers = issuer == ISSUING if responder is None else responder
    ocsp = f"{base}/ocsp" if answers else ""
    return StatusUrls(
        ocsp=ocsp,
        ca_issuers=f"{base}/ca/{issuer}.der",
        crl=f"{base}/crl/{issuer}.crl",
        crl_shards=settings.crl_shards if answers else 1,
    )


def unlock(home: Home, settings: Settings, passphrase: bytes) -> Authority:
    """Opens the keys of what issues; WrongPassphrase, or NotInitialised where something is missing.

    DevelopmentOnly where the root is a development CA's and this is not development.
    """
    home.require_initialised()
    register = read_register(home)
    anchors = tuple(
        read_certificate(certificate_file(home, entry.name))
        for entry in register.roots
        if entry.state is not CaState.DISTRUSTED
    )
    root = read_certificate(certificate_file(home, register.roots[0].name))
    refuse_development(root)
    keys = KeyReader(home.keys, passphrase, settings.key_use, settings.pkcs11)
    default = register.get(register.default)
    others = [entry for entry in register.entries if entry.answers and entry.name != default.name]
    origin = log_origin(root)
    return Authority(
        root=root,
        cas=tuple(open_ca(home, settings, keys, entry, register) for entry in (default, *others)),
        registry=_signing(home, keys, REGISTRY),
        log_signers=(
            ed25519_signer(origin, keys.read_secret(LOG_ED25519)),
            ml_dsa_44_cosigner(origin, keys.read_secret(LOG_ML_DSA)),
        ),
        organization=settings.organization,
        anchors=anchors,
        register=register,
        own_profiles={profile.name: profile for profile in own_profiles(home)},
    )


def open_ca(home: Home, settings: Settings, keys: KeyReader, entry: CaEntry, register: Register) -> OpenCa:
    """One CA and its responders, with their keys."""
    name = entry.name
    signing = _signing(home, keys, name)
    ecdsa, ml_dsa = responder_names(name)
    above = tuple(read_certificate(certificate_file(home, by.name)) for by in register.above(name)[1:])
    return OpenCa(
        entry,
        signing,
        Issuer(signing.certificate, signing.key, urls(settings, name, responder=True), name, above),
        _signing(home, keys, ecdsa),
        _signing(home, keys, ml_dsa),
        list_signer(name, signing, settings, issues=True),
        chain_of(home, register, name),
    )


def responder_names(name: str) -> tuple[str, str]:
    """Under which names a CA's two OCSP responders are kept; the first CA's had theirs before there were
    others."""
    return (OCSP_ECDSA, OCSP_ML_DSA) if name == ISSUING else (f"{name}-{OCSP_ECDSA}", f"{name}-{OCSP_ML_DSA}")


def chain_of(home: Home, register: Register, name: str) -> tuple[bytes, ...]:
    """A CA's certificate and those above it, DER, without the root; of a root its own.

    Behind them the root's certificates by other roots of ours: who pins one of those finds the way too.
    """
    above = register.above(name)
    wanted = [entry.name for entry in above if not entry.is_root] or [name]
    trusted = {root.name for root in register.roots if root.state is not CaState.DISTRUSTED}
    wanted += [c.name for c in register.cross if c.subject == above[-1].name and c.issuer in trusted]
    return tuple(read_certificate(certificate_file(home, each)).der for each in wanted[:_LONGEST_CHAIN])


def _signing(home: Home, keys: KeyReader, name: str) -> Signing:
    return Signing(read_certificate(certificate_file(home, name)), keys.read(name))


def log_origin(root: Certificate) -> str:
    """The audit log's name: unique to this registry, whose first root it is; later roots do not change it."""
    return f"medtrust/{root.fingerprint.hex()[:32]}"


def certificate_file(home: Home, name: str) -> Path:
    """Where one of our own certificates lies."""
    return home.certificates / f"{name}.pem"


def read_bundle(home: Home) -> TrustBundle:
    """Our own trust bundle, checked against a root of ours that is in force."""
    path = home.public / BUNDLE_FILE
    roots = [entry for entry in read_register(home).roots if entry.state is not CaState.DISTRUSTED]
    problem: Exception | None = None
    # The newest first: after a rollover the older root may no longer stand in the bundle.
    for entry in reversed(roots):
        try:
            root = read_certificate(certificate_file(home, entry.name))
            return open_bundle(path.read_bytes(), pinned_fingerprint=root.fingerprint)
        except (OSError, PkiError) as bad:
            problem = bad
    raise NotInitialised(
        f"The trust bundle {path} cannot be used: {problem}",
        next_step="Restore it from the backup of the home folder.",
        field="trust bundle",
    )
