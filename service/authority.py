"""The unlocked CA: keys in memory, ready to sign. Whoever holds one of these holds the hospital's trust."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from audit.keys import Signer, ed25519_signer, ml_dsa_44_cosigner
from pki.bundle import TrustBundle, open_bundle
from pki.errors import PkiError
from pki.issuer import Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import StatusUrls
from pki.tbs import Certificate
from registry.enrollment import IssuingParts
from registry.publication import ListSigner
from service.development import refuse_development
from service.errors import NotInitialised
from service.home import Home
from service.keystore import KeyReader
from service.pem import read_certificate
from service.settings import Settings

ROOT, ISSUING, REGISTRY = "root", "issuing", "registry"
OCSP_ECDSA, OCSP_ML_DSA = "ocsp-ecdsa", "ocsp-ml-dsa"
LOG_ED25519, LOG_ML_DSA = "log.ed25519", "log.ml-dsa-44"
BUNDLE_FILE: Final = "trust-bundle.json"


@dataclass(frozen=True, slots=True)
class Signing:
    """A certificate and its private key."""

    certificate: Certificate
    key: HybridPrivateKey


@dataclass(frozen=True, slots=True)
class Authority:
    """What the running process signs with. The root's key is not among it."""

    root: Certificate
    issuing: Signing
    registry: Signing
    ocsp_ecdsa: Signing
    ocsp_ml_dsa: Signing
    issuer: Issuer
    log_signers: tuple[Signer, ...]
    organization: str

    @property
    def parts(self) -> IssuingParts:
        """The CA as the enrolment walk needs it."""
        return IssuingParts(self.issuer, (self.issuing.certificate.der,), self.organization)

    @property
    def list_signer(self) -> ListSigner:
        """Who signs the issuing CA's lists."""
        return list_signer(ISSUING, self.issuing)


def list_signer(name: str, signing: Signing) -> ListSigner:
    """A ListSigner over a CA's certificate and key."""
    identifier = signing.key.classical.public.key_identifier
    return ListSigner(name, signing.certificate, signing.key, identifier)


def urls(settings: Settings, issuer: str) -> StatusUrls:
    """What certificates of an issuer say about status; the root has no OCSP responder."""
    base = settings.status_url
    ocsp = f"{base}/ocsp" if issuer == ISSUING else ""
    return StatusUrls(ocsp=ocsp, ca_issuers=f"{base}/ca/{issuer}.der", crl=f"{base}/crl/{issuer}.crl")


def unlock(home: Home, settings: Settings, passphrase: bytes) -> Authority:
    """Opens every key but the root's; WrongPassphrase, or NotInitialised where something is missing.

    DevelopmentOnly where the root is a development CA's and this is not development.
    """
    home.require_initialised()
    root = read_certificate(certificate_file(home, ROOT))
    refuse_development(root)
    keys = KeyReader(home.keys, passphrase)

    def signing(name: str) -> Signing:
        return Signing(read_certificate(certificate_file(home, name)), keys.read(name))

    issuing = signing(ISSUING)
    origin = log_origin(root)
    return Authority(
        root=root,
        issuing=issuing,
        registry=signing(REGISTRY),
        ocsp_ecdsa=signing(OCSP_ECDSA),
        ocsp_ml_dsa=signing(OCSP_ML_DSA),
        issuer=Issuer(issuing.certificate, issuing.key, urls(settings, ISSUING)),
        log_signers=(
            ed25519_signer(origin, keys.read_secret(LOG_ED25519)),
            ml_dsa_44_cosigner(origin, keys.read_secret(LOG_ML_DSA)),
        ),
        organization=settings.organization,
    )


def log_origin(root: Certificate) -> str:
    """The audit log's name: unique to this CA."""
    return f"medtrust/{root.fingerprint.hex()[:32]}"


def certificate_file(home: Home, name: str) -> Path:
    """Where one of our own certificates lies."""
    return home.certificates / f"{name}.pem"


def read_bundle(home: Home) -> TrustBundle:
    """Our own trust bundle, checked against our own root."""
    path = home.public / BUNDLE_FILE
    try:
        root = read_certificate(certificate_file(home, ROOT))
        return open_bundle(path.read_bytes(), pinned_fingerprint=root.fingerprint)
    except (OSError, PkiError) as bad:
        raise NotInitialised(
            f"The trust bundle {path} cannot be used: {bad}",
            next_step="Restore it from the backup of the home folder.",
            field="trust bundle",
        ) from bad
