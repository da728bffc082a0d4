"""A desk where an operator orders certificates of every form for one device."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pki import csr, profiles
from pki.algorithms import PrivateKey
from pki.csr_build import Holder, build_for_kem
from pki.findings import Finding, error
from pki.keys import HybridPrivateKey
from pki.profiles import Profile
from pki.providers.interface import KeyAlgorithm
from pki.tbs import Certificate
from registry.issuance import issue
from registry.kem_challenge import challenge_key
from registry.model.certificate import CertificateRecord, of_int
from registry.model.device import Device
from registry.model.kem_challenge import KemAnswer, KemChallenge
from registry.ordering import Asked, order_of
from registry.request_evidence import Judge
from registry.revocation import revoke_certificate
from tests.unit.registry.hospital import ENGINEER, PUMP, Hospital

KEM = PrivateKey.generate(KeyAlgorithm.ML_KEM_768)


def content(_certificate: Certificate) -> tuple[Finding, ...]:
    """A judge that has nothing against any path."""
    return ()


def strict(_certificate: Certificate) -> tuple[Finding, ...]:
    return (error("path.issuer_revoked", "The issuing CA was revoked.", "issuing"),)


@dataclass
class Desk:
    """A device with a classical certificate, and an operator who orders more for it."""

    hospital: Hospital
    device: Device
    key: HybridPrivateKey

    def order(
        self, der: bytes, profile: Profile, judge: Judge = content, **more: object
    ) -> CertificateRecord:
        plain = Asked(request=der, profile=profile, device=self.device.device_id)
        asked = replace(plain, **more)  # type: ignore[arg-type]
        order = order_of(asked, self.hospital.parts, self.hospital.ports, judge)
        return issue(order, ENGINEER, ports=self.hospital.ports, issuer=self.hospital.parts.issuer).record

    def classical(self) -> Holder:
        """The first certificate of the device."""
        der = csr.build(self.key, common_name=self.device.device_id)
        record = self.order(der, profiles.DEVICE_CLASSICAL)
        return Holder(Certificate.parse(record.der or b""), self.key.classical)

    def bound(self, holder: Holder) -> bytes:
        """A request for an ML-DSA certificate beside the holder's."""
        new = HybridPrivateKey.generate(KeyAlgorithm.ML_DSA_65, None)
        return csr.build(new, common_name=self.device.device_id, bound_to=(holder, self.hospital.now))

    def kem(self, holder: Holder | None = None) -> bytes:
        return build_for_kem(KEM.public, common_name=self.device.device_id, stated_by=holder)

    def challenged(self, der: bytes) -> KemAnswer:
        """The right answer, by the way that files take."""
        given = challenge_key(csr.Request.parse(der), ports=self.hospital.ports)
        read = KemChallenge.from_json(given.to_json())
        assert read == given
        made = KemAnswer(read.challenge_id, read.answer(KEM.decapsulate(read.ciphertext)))
        return KemAnswer.from_json(made.to_json())

    def revoke(self, holder: Holder) -> None:
        """Take the holder's certificate back; another one keeps the device going."""
        self.classical()
        serial = of_int(holder.certificate.serial)
        revoke_certificate(serial, "superseded", ENGINEER, ports=self.hospital.ports)


def desk_of(hospital: Hospital) -> Desk:
    """A desk for an approved pump."""
    return Desk(hospital, hospital.admit(PUMP), HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None))
