"""A CA made by openssl in another house, with a history: what an import starts from."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

_CONFIG = """
[ca]
default_ca = house
[house]
database = index.txt
serial = serial
crlnumber = crlnumber
default_md = sha256
default_days = 300
default_crl_days = 30
policy = any
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
[any]
commonName = supplied
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[issuing]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[not_ca]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
[no_lists]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[lax]
basicConstraints = CA:TRUE
keyUsage = keyCertSign, cRLSign
subjectKeyIdentifier = hash
[crl]
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True, slots=True)
class ForeignCa:
    """Files in one folder: root.pem, ca.pem, ca.key, ca.crl (number 42, one entry)."""

    folder: Path

    def file(self, name: str) -> Path:
        """One of them."""
        return self.folder / name

    def openssl(self, *words: str) -> None:
        """In the folder; the test fails with what openssl says."""
        done = subprocess.run(
            ["openssl", *words], cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr

    def key(self, name: str, kind: str) -> None:
        """A new private key, 0600."""
        options = {
            "p256": ("EC", "ec_paramgen_curve:P-256"),
            "p384": ("EC", "ec_paramgen_curve:P-384"),
            "rsa3072": ("RSA", "rsa_keygen_bits:3072"),
            "rsa2048": ("RSA", "rsa_keygen_bits:2048"),
        }[kind]
        self.openssl("genpkey", "-algorithm", options[0], "-pkeyopt", options[1], "-out", name)
        self.file(name).chmod(0o600)

    def certify(self, extensions: str, *, days: int = 1000, serial: str = "0x77") -> None:
        """ca.pem for ca.key by the root."""
        subject = "/C=DE/O=Old Hospital/CN=Old Issuing"
        self.openssl("req", "-new", "-key", "ca.key", "-subj", subject, "-config", "ca.cnf", "-out", "ca.csr")
        by = ("-CA", "root.pem", "-CAkey", "root.key", "-set_serial", serial, "-days", str(days))
        to = ("-extfile", "ca.cnf", "-extensions", extensions, "-out", "ca.pem")
        self.openssl("x509", "-req", "-in", "ca.csr", *by, *to)


def foreign_ca(folder: Path, kind: str = "p256") -> ForeignCa:
    """An issuing CA below a root; it issued one certificate, and revoked it."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    house = ForeignCa(folder)
    folder.mkdir()
    (folder / "ca.cnf").write_text(_CONFIG)
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("1000\n")
    (folder / "crlnumber").write_text("2A\n")
    house.key("root.key", kind)
    house.key("ca.key", kind)
    root = ("-subj", "/C=DE/O=Old Hospital/CN=Old Root", "-days", "3000", "-extensions", "root")
    house.openssl("req", "-x509", "-new", "-key", "root.key", *root, "-config", "ca.cnf", "-out", "root.pem")
    house.certify("issuing")
    house.key("device.key", "p256")
    device = ("-new", "-key", "device.key", "-subj", "/CN=pump1", "-config", "ca.cnf")
    house.openssl("req", *device, "-out", "device.csr")
    ca = ("ca", "-batch", "-config", "ca.cnf")
    house.openssl(*ca, "-in", "device.csr", "-out", "device.pem", "-notext")
    house.openssl(*ca, "-revoke", "device.pem", "-crl_reason", "keyCompromise")
    house.openssl(*ca, "-gencrl", "-crlexts", "crl", "-out", "ca.crl")
    return house
