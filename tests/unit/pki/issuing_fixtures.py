"""A root, an issuing CA and a device's key, made once a process by the production issuer itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from itertools import count

from pki import csr
from pki.anchor import self_signed
from pki.issuer import IssuedCertificate, Issuer
from pki.keys import HybridPrivateKey
from pki.lint_context import LintContext
from pki.profiles import DEVICE, ISSUING_CA, ROOT, Profile, StatusUrls, SubjectFacts
from pki.providers.interface import KeyAlgorithm
from pki.tbs import Certificate

NOW = datetime(2026, 11, 22, 7, 0, 0, 123456, tzinfo=UTC)
URLS = StatusUrls(
    ocsp="http://pki.hospital.example/ocsp",
    ca_issuers="http://pki.hospital.example/issuing.der",
    crl="http://pki.hospital.example/issuing.crl",
)
DEVICE_FACTS = SubjectFacts(
    common_name="device-0001",
    organization="Hospital",
    serial_number="SN-77",
    hardware_serial=b"HW-0001",
    udi=("GS1", "00844588003288"),
)
_numbers = count(1)


def entropy(size: int) -> bytes:
    """Counted, so that serials differ and tests repeat."""
    return next(_numbers).to_bytes(size, "big")


@dataclass(frozen=True)
class House:
    """Everything that a test of issuance needs."""

    root: IssuedCertificate
    root_issuer: Issuer
    root_key: HybridPrivateKey
    issuing: IssuedCertificate
    issuer: Issuer
    issuing_key: HybridPrivateKey
    device_key: HybridPrivateKey
    request: csr.Request


@lru_cache(maxsize=2)
def house(now: datetime = NOW) -> House:
    """One hierarchy a moment: keys are dear."""
    root_key = HybridPrivateKey.generate(KeyAlgorithm.EC_P384, KeyAlgorithm.ML_DSA_87)
    root = self_signed(ROOT, _ca("Root"), root_key, now=now, entropy=entropy)
    root_issuer = Issuer(Certificate.parse(root.der), root_key, URLS)
    issuing_key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
    token = root_issuer.prepare(ISSUING_CA, _ca("Issuing"), issuing_key.public, now=now, entropy=entropy)
    issuing = root_issuer.issue(token)
    device_key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
    request = csr.Request.parse(csr.build(device_key, common_name=DEVICE_FACTS.common_name))
    issuer = Issuer(Certificate.parse(issuing.der), issuing_key, URLS)
    return House(root, root_issuer, root_key, issuing, issuer, issuing_key, device_key, request)


def _ca(kind: str) -> SubjectFacts:
    return SubjectFacts(common_name=f"Hospital {kind} CA", organization="Hospital")


def issue(
    profile: Profile = DEVICE,
    facts: SubjectFacts = DEVICE_FACTS,
    key: HybridPrivateKey | None = None,
    *,
    now: datetime = NOW,
) -> IssuedCertificate:
    """A certificate by the issuing CA for a key of the ceremony's own making."""
    home = house() if now is NOW else house(now)
    public = (key or home.device_key).public
    return home.issuer.issue(home.issuer.prepare(profile, facts, public, now=now, entropy=entropy))


def device_context() -> LintContext:
    """What the issuing CA means when it signs the device's certificate."""
    home = house()
    return LintContext(
        issuer=home.issuer.identity,
        algorithm=home.issuing_key.classical.signs_with,
        issuer_not_before=home.issuing.not_before,
        issuer_not_after=home.issuing.not_after,
        facts=DEVICE_FACTS,
        public=home.device_key.public,
        urls=URLS,
        now=NOW,
    )
