"""Small real chains for the verifier's tests: built from parts, so that each part can be wrong on purpose."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache

from pki import asn1, extensions, names, oids, tbs
from pki.algorithms import KeyAlgorithm
from pki.bundle import TrustAnchor, TrustBundle
from pki.extensions import Extension, KeyUsage
from pki.keys import HybridPrivateKey
from pki.tbs import Certificate

NOW = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
DAY = timedelta(days=1)
Rewrite = Callable[[list[Extension]], list[Extension]]


@cache
def keys(label: str, alternative: KeyAlgorithm | None = KeyAlgorithm.ML_DSA_44) -> HybridPrivateKey:
    """One key pair a label and process; the smallest parameter set unless a test asks for another."""
    return HybridPrivateKey.generate(KeyAlgorithm.EC_P256, alternative)


@dataclass(frozen=True)
class Recipe:
    """A certificate to be: who, by whom, and what is odd about it."""

    name: str
    issuer: str
    key: HybridPrivateKey
    issuer_key: HybridPrivateKey
    ca: bool = False
    path_length: int | None = None
    not_before: datetime = NOW - 30 * DAY
    not_after: datetime = NOW + 300 * DAY
    usages: tuple[KeyUsage, ...] | None = None
    purposes: tuple[str, ...] = ()
    akid: bytes | None = None
    extra: tuple[Extension, ...] = ()
    without: frozenset[str] = frozenset()
    rewrite: Rewrite = field(default=lambda listed: listed)

    def listed(self) -> list[Extension]:
        """The extensions before altSignatureValue."""
        usages = self.usages or (
            (KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN) if self.ca else (KeyUsage.DIGITAL_SIGNATURE,)
        )
        found = [
            extensions.basic_constraints(ca=self.ca, path_length=self.path_length),
            extensions.key_usage(*usages),
            extensions.subject_key_identifier(self.key.classical.public.key_identifier),
            extensions.authority_key_identifier(self.akid or self.issuer_key.classical.public.key_identifier),
            *self.extra,
        ]
        if self.purposes:
            found.append(extensions.extended_key_usage(*self.purposes))
        if self.key.alternative:
            found.append(tbs.subject_alt_public_key_info(self.key.alternative.public.spki))
        if self.issuer_key.alternative:
            found.append(tbs.alt_signature_algorithm(self.issuer_key.alternative.signs_with))
        return self.rewrite([e for e in found if e.oid not in self.without])

    def unsigned(self) -> tbs.Unsigned:
        """The pieces to sign."""
        serial = int.from_bytes(hashlib.sha256(self.name.encode()).digest()[:15], "big") | 1 << 119
        body = (
            name(self.issuer),
            asn1.sequence(asn1.time(self.not_before), asn1.time(self.not_after)),
            name(self.name),
            self.key.classical.public.spki,
        )
        head = asn1.explicit(0, asn1.integer(2)) + asn1.integer(serial)
        return tbs.Unsigned(head, b"".join(body), tuple(e.encode() for e in self.listed()), 3)

    def make(self) -> Certificate:
        """Signed as the issuer's keys can."""
        return Certificate.parse(tbs.sign(self.unsigned(), self.issuer_key))


@lru_cache(maxsize=64)
def name(common_name: str) -> bytes:
    """CN only."""
    return names.encode(common_name=common_name)


def root_recipe(**changes: object) -> Recipe:
    """The self-signed hybrid root."""
    recipe = Recipe("Root", "Root", keys("root"), keys("root"), ca=True)
    return replace(recipe, **changes)  # type: ignore[arg-type]


def issuing_recipe(**changes: object) -> Recipe:
    """The issuing CA under the root."""
    recipe = Recipe("Issuing CA", "Root", keys("issuing"), keys("root"), ca=True, path_length=0)
    return replace(recipe, **changes)  # type: ignore[arg-type]


def device_recipe(**changes: object) -> Recipe:
    """The device under the issuing CA."""
    recipe = Recipe(
        "pump-0001", "Issuing CA", keys("device"), keys("issuing"), purposes=(oids.EKU_CLIENT_AUTH,)
    )
    return replace(recipe, **changes)  # type: ignore[arg-type]


ROOT = root_recipe().make()
ISSUING = issuing_recipe().make()
DEVICE = device_recipe().make()
ANCHOR = TrustAnchor.of(ROOT)
BUNDLE = TrustBundle(1, NOW, (ANCHOR,), (ISSUING.der,))


def bundle_of(anchor: TrustAnchor, intermediates: Iterable[Certificate] = (ISSUING,)) -> TrustBundle:
    """A bundle with one anchor."""
    return TrustBundle(1, NOW, (anchor,), tuple(c.der for c in intermediates))


def resealed(certificate: Certificate, listed: Iterable[Extension], key: HybridPrivateKey) -> Certificate:
    """The certificate with other extensions as they stand, signed anew by the classical key alone."""
    fields = certificate.signed.fields
    unsigned = tbs.Unsigned(
        fields[0] + fields[1], b"".join(fields[3:7]), tuple(e.encode() for e in listed), 3
    )
    algorithm = key.classical.signs_with
    signed = unsigned.tbs(algorithm, None)
    return Certificate.parse(tbs.seal(signed, algorithm, key.classical.sign(signed)))
