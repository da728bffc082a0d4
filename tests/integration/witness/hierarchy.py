"""A whole hierarchy of one form by the production issuer, as files: what independent tools are to judge."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final

from pki import csr, profiles
from pki.algorithms import KeyAlgorithm
from pki.anchor import self_signed
from pki.crl import CrlReason, RevokedEntry, build_crl
from pki.issuer import Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import Profile, StatusUrls, SubjectFacts
from pki.tbs import Certificate

HOUR: Final = timedelta(hours=1)
URLS: Final = StatusUrls(
    ocsp="http://pki.hospital.example/ocsp",
    ca_issuers="http://pki.hospital.example/issuing.der",
    crl="http://pki.hospital.example/issuing.crl",
)
FORMS: Final = {
    "catalyst": ("root", "issuing-ca", "device"),
    "classical": ("root-classical", "issuing-ca-classical", "device-classical"),
    "pure": ("root-pure", "issuing-ca-pure", "device-pure"),
    "composite": ("root-composite", "issuing-ca-composite", "device-composite"),
}
"""Profiles of root, issuing CA and device, by the form's name."""


@dataclass(frozen=True)
class Authority:
    """A CA with its key."""

    certificate: Certificate
    key: HybridPrivateKey
    issuer: Issuer


@dataclass(frozen=True)
class Hierarchy:
    """Root, issuing CA, a good device and a revoked one, with both lists."""

    form: str
    now: datetime
    root: Authority
    issuing: Authority
    device: Certificate
    device_key: HybridPrivateKey
    revoked: Certificate
    revoked_key: HybridPrivateKey
    root_crl: bytes
    issuing_crl: bytes

    def write(self, folder: Path, leaf: bytes) -> Path:
        """PEM files root, issuing, leaf, both lists and the leaf's key; DER beside them."""
        key = self.revoked_key if leaf == self.revoked.der else self.device_key
        certificates = {
            "root": self.root.certificate.der,
            "issuing": self.issuing.certificate.der,
            "leaf": leaf,
        }
        for name, der in certificates.items():
            (folder / f"{name}.pem").write_bytes(csr.to_pem(der, "CERTIFICATE"))
            (folder / f"{name}.der").write_bytes(der)
        lists = {"root": self.root_crl, "issuing": self.issuing_crl}
        for name, der in lists.items():
            (folder / f"{name}.crl.pem").write_bytes(csr.to_pem(der, "X509 CRL"))
            (folder / f"{name}.crl").write_bytes(der)
        (folder / "leaf.key").write_bytes(csr.to_pem(key.classical.pkcs8(), "PRIVATE KEY"))
        return folder

    @property
    def tampered(self) -> bytes:
        """The good device's certificate with another serial number, under the old signatures."""
        der = bytearray(self.device.der)
        serial = self.device.serial.to_bytes(16, "big")
        der[der.index(serial) + 8] ^= 1
        return bytes(der)


@lru_cache(maxsize=8)
def hierarchy(form: str) -> Hierarchy:
    """One a form and process, valid now: certtool takes no other time than the machine's."""
    now = datetime.now(UTC)
    of_root, of_issuing, of_device = (profiles.by_name(name) for name in FORMS[form])
    root_key = _key(of_root)
    anchor = self_signed(of_root, _facts("Root CA", form), root_key, now=now, entropy=os.urandom)
    root = _authority(anchor.der, root_key)
    issuing = _below(root, of_issuing, _facts("Issuing CA", form), now)
    good, bad = (_device(issuing, of_device, name, now) for name in ("mtd-good-0001", "mtd-revoked-0001"))
    entry = RevokedEntry(bad[0].serial, now - HOUR, CrlReason.KEY_COMPROMISE)
    lists = (_list(root, (), now), _list(issuing, (entry,), now))
    return Hierarchy(form, now, root, issuing, *good, *bad, *lists)


def _facts(title: str, form: str) -> SubjectFacts:
    return SubjectFacts(common_name=f"General Hospital {title} {form}", organization="General Hospital")


def _key(profile: Profile) -> HybridPrivateKey:
    kinds = sorted(profile.classical, key=list(KeyAlgorithm).index)
    return HybridPrivateKey.generate(kinds[0], profile.alternative)


def _authority(der: bytes, key: HybridPrivateKey) -> Authority:
    certificate = Certificate.parse(der)
    return Authority(certificate, key, Issuer(certificate, key, URLS))


def _below(above: Authority, profile: Profile, facts: SubjectFacts, now: datetime) -> Authority:
    key = _key(profile)
    token = above.issuer.prepare(profile, facts, key.public, now=now, entropy=os.urandom)
    return _authority(above.issuer.issue(token).der, key)


def _device(
    above: Authority, profile: Profile, name: str, now: datetime
) -> tuple[Certificate, HybridPrivateKey]:
    key = _key(profile)
    facts = SubjectFacts(
        common_name=name,
        organization="General Hospital",
        hardware_serial=b"SN-1234",
        udi=("GS1", "09506000134352"),
    )
    request = csr.Request.parse(csr.build(key, common_name=name, organization="General Hospital"))
    token = above.issuer.prepare(profile, facts, request, now=now, entropy=os.urandom)
    return Certificate.parse(above.issuer.issue(token).der), key


def _list(authority: Authority, entries: tuple[RevokedEntry, ...], now: datetime) -> bytes:
    return build_crl(
        issuer_name=authority.certificate.subject,
        authority_key_identifier=authority.key.classical.public.key_identifier,
        key=authority.key,
        entries=entries,
        crl_number=1,
        this_update=now - HOUR / 60,
        next_update=now + 24 * HOUR,
    )
