"""A CA that cuts its lists, its certificates and lists as files, and programs that read them."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate

from pki.crl import to_pem
from pki.crl_shard import shard_of
from pki.issuer import Issuer
from pki.profiles import StatusUrls
from registry.list_scopes import ListSigner
from registry.model.actor import job
from registry.model.certificate import CertificateRecord
from registry.publication import publish_lists
from tests.tools import require_tool
from tests.unit.registry.faults import server_certificate
from tests.unit.registry.hospital import Hospital, authority

URL = "http://127.0.0.1/crl/issuing.crl"
SHARDS = 16


class Cut:
    """A hospital whose lists are cut into sixteen parts and have deltas."""

    def __init__(self, hospital: Hospital, folder: Path) -> None:
        self.hospital, self.folder = hospital, folder
        root, issuing, key = authority()
        urls = StatusUrls(ocsp="", ca_issuers="http://127.0.0.1/i.der", crl=URL, crl_shards=SHARDS)
        hospital.parts = replace(hospital.parts, issuer=Issuer(issuing, key, urls))
        self.signer: ListSigner = replace(hospital.signer, url=URL, shards=SHARDS, deltas=True)
        self.write_certificate("root", root.der)
        self.write_certificate("issuing", issuing.der)

    def certify(self, name: str) -> CertificateRecord:
        """A server's certificate, also as NAME.pem."""
        record = server_certificate(self.hospital, issuer="issuing")
        self.write_certificate(name, record.der or b"")
        return record

    def write_certificate(self, name: str, der: bytes) -> Path:
        """As PEM."""
        path = self.folder / f"{name}.pem"
        path.write_bytes(load_der_x509_certificate(der).public_bytes(Encoding.PEM))
        return path

    def publish(self, scope: str, name: str = "") -> Path:
        """A new list, as NAME.crl.pem."""
        self.hospital.wait(seconds=1)
        (stored,) = publish_lists(self.signer, [scope], job("publisher"), ports=self.hospital.ports)
        path = self.folder / f"{name or scope}.crl.pem"
        path.write_text(to_pem(stored.der))
        return path

    def part_of(self, record: CertificateRecord) -> str:
        """Which part a certificate names."""
        return str(shard_of(int(record.certificate_serial, 16), SHARDS))

    def openssl_verify(self, name: str, *lists: Path, options: tuple[str, ...] = ()) -> str:
        """What `openssl verify` says of NAME.pem by these lists, now."""
        found = [argument for path in lists for argument in ("-CRLfile", str(path))]
        now = str(int(self.hospital.now.timestamp()))
        command = [
            *(require_tool("openssl", "verifies by our lists"), "verify", "-crl_check", *options),
            *("-attime", now, "-CAfile", "root.pem", "-untrusted", "issuing.pem", *found, f"{name}.pem"),
        ]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=30, check=False
        )
        return done.stdout + done.stderr

    def certtool_verify(self, path: Path) -> str:
        """What GnuTLS says of a list's signature."""
        command = [
            *(require_tool("certtool", "verifies our lists"), "--verify-crl"),
            *("--load-ca-certificate", "issuing.pem", "--infile", str(path)),
        ]
        done = subprocess.run(
            command, cwd=self.folder, capture_output=True, text=True, timeout=30, check=False
        )
        return done.stdout + done.stderr
