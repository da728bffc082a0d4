"""A CA of a few lines for broker tests: P-256, one root, a server certificate, device certificates, CRLs."""

from __future__ import annotations

import datetime as dt
import ipaddress
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mqtt_bridge.client_settings import TlsFiles

_DAY = dt.timedelta(days=1)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


@dataclass
class TinyCa:
    """Writes PEM files under `room`."""

    room: Path
    revoked: list[int] = field(default_factory=list)
    serials: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.now = dt.datetime.now(dt.UTC).replace(microsecond=0)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name("Tiny CA")
        certificate = (
            self._builder(self.name, self.key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(self.key, hashes.SHA256())
        )
        self.ca = self._write("ca.pem", certificate.public_bytes(serialization.Encoding.PEM))
        server = self.issue("server", san=True)
        self.server_certificate, self.server_key = server.certificate, server.key
        self.crl = self._write("crl.pem", self.crl_pem())

    def issue(self, common_name: str, *, san: bool = False) -> TlsFiles:
        """A certificate of ours; `san` makes it one for 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._builder(_name(common_name), key)
        if san:
            names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        self.serials[common_name] = certificate.serial_number
        stem = f"{len(self.serials)}"
        return TlsFiles(
            self.ca,
            self._write(f"{stem}.pem", certificate.public_bytes(serialization.Encoding.PEM)),
            self._write(
                f"{stem}.key",
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                ),
            ),
        )

    def revoke(self, common_name: str) -> bytes:
        """The CRL with this one on it, as PEM."""
        self.revoked.append(self.serials[common_name])
        return self.crl_pem()

    def crl_pem(self) -> bytes:
        """All CRLs of one test carry the same this_update: a broker must not tell them apart by time."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(self.now - _DAY)
            .next_update(self.now + _DAY)
        )
        for serial in self.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(self.now).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.now - _DAY)
            .not_valid_after(self.now + _DAY)
        )

    def _write(self, name: str, content: bytes) -> Path:
        path = self.room / name
        path.write_bytes(content)
        return path
