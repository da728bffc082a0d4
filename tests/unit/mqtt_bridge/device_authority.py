"""A real little CA for the device's tests: root, issuing CA, the registry's signer."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from pki import profiles, tbs, template
from pki.algorithms import KeyAlgorithm
from pki.keys import HybridPrivateKey, HybridPublicKey

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
DEVICE = "pump-0001"
TOKEN = "k7f3-join-token"
NONCE = bytes(range(32))


@dataclass(frozen=True)
class Authority:
    """A key and the certificate that goes with it."""

    key: HybridPrivateKey
    certificate: tbs.Certificate

    @property
    def identity(self) -> profiles.IssuerIdentity:
        alternative = self.key.alternative
        return profiles.IssuerIdentity(
            self.certificate.subject,
            self.certificate.public_key.key_identifier,
            alternative.signs_with if alternative else None,
        )

    def issue(
        self, profile: profiles.Profile, name: str, public: HybridPublicKey, *, serial: int, days: int = 3650
    ) -> bytes:
        unsigned = template.unsigned_certificate(
            profile,
            profiles.SubjectFacts(common_name=name),
            public,
            self.identity,
            serial=serial,
            not_before=NOW - timedelta(minutes=5),
            not_after=NOW + timedelta(days=days),
            urls=profiles.StatusUrls(),
        )
        return tbs.sign(unsigned, self.key)


def root(name: str) -> Authority:
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P384, KeyAlgorithm.ML_DSA_87)
    assert key.alternative is not None
    facts = profiles.SubjectFacts(common_name=name)
    issuer = profiles.IssuerIdentity(template.subject_name(facts), b"", key.alternative.signs_with)
    unsigned = template.unsigned_certificate(
        profiles.ROOT,
        facts,
        key.public,
        issuer,
        serial=1,
        not_before=NOW - timedelta(days=1),
        not_after=NOW + timedelta(days=7300),
        urls=profiles.StatusUrls(),
    )
    return Authority(key, tbs.Certificate.parse(tbs.sign(unsigned, key)))


def under(issuer: Authority, profile: profiles.Profile, name: str, serial: int) -> Authority:
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
    der = issuer.issue(profile, name, key.public, serial=serial)
    return Authority(key, tbs.Certificate.parse(der))


@dataclass(frozen=True)
class House:
    """root -> issuing -> registry's signer."""

    root: Authority
    issuing: Authority
    signer: Authority

    @property
    def root_pem(self) -> bytes:
        return ssl.DER_cert_to_PEM_cert(self.root.certificate.der).encode()


@lru_cache
def house(name: str = "Test") -> House:
    top = root(f"{name} Root")
    issuing = under(top, profiles.ISSUING_CA, f"{name} Issuing", 2)
    return House(top, issuing, under(issuing, profiles.REGISTRY, f"{name} Registry", 3))
