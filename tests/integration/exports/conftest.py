"""A hospital with a server and two clients, one of them revoked, and a folder for each consumer."""

from __future__ import annotations

import contextlib
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from cli.main import run
from pki import csr
from pki.algorithms import KeyAlgorithm
from pki.keys import HybridPrivateKey


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody's key and certificate with its chain, PEM files, and the serial number."""

    certificate: Path
    key: Path
    serial: str


@dataclass(frozen=True, slots=True)
class Hospital:
    """Its home, and who has certificates of it."""

    folder: Path
    server: Party
    good: Party
    revoked: Party

    def medtrust(self, *arguments: object) -> Any:  # noqa: ANN401 - whatever the document is
        return medtrust(self.folder / "home", *arguments)

    def exported(self, consumer: str) -> Path:
        """A fresh folder for a consumer."""
        out = self.folder / f"for-{consumer}"
        self.medtrust("ca", "bundle", "--for", consumer, "--out", out)
        return out

    def joined(self, name: str) -> Party:
        """One more client, good until it is revoked."""
        return _client(self.folder, name)

    def revoke(self, party: Party) -> None:
        """From now on it is on the newest list."""
        self.medtrust("cert", "revoke", party.serial, "--reason", "keyCompromise", "--yes")
        self.medtrust("crl", "publish", "--passphrase-file", self.folder / "passphrase")


def medtrust(home: Path, *arguments: object) -> Any:  # noqa: ANN401 - as above
    """A command that must succeed, its document."""
    out, err = io.StringIO(), io.StringIO()
    before = os.umask(0o022)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(["--home", str(home), *map(str, arguments), "--json"])
    finally:
        os.umask(before)
    assert code == 0, err.getvalue()
    return json.loads(out.getvalue())


def _party(folder: Path, name: str, common_name: str, *options: object) -> Party:
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
    request, chain, secret = (folder / f"{name}.{kind}" for kind in ("csr", "pem", "key"))
    request.write_bytes(csr.to_pem(csr.build(key, common_name=common_name)))
    private = load_der_private_key(key.classical.pkcs8(), None)
    secret.touch(mode=0o600)
    secret.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    made = medtrust(
        folder / "home", "cert", "issue", "--csr", request, "--out", chain,
        "--passphrase-file", folder / "passphrase", *options,
    )  # fmt: skip
    return Party(chain, secret, made["certificate_serial"])


def _client(folder: Path, name: str) -> Party:
    home = folder / "home"
    device = medtrust(home, "device", "register", "--udi", f"(01)09521000000018(21)SN-{name}")["device_id"]
    medtrust(home, "device", "approve", device)
    return _party(folder, name, device, "--device", device)


@pytest.fixture(scope="session")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> Hospital:
    folder = tmp_path_factory.mktemp("exports")
    folder.chmod(0o755)  # freeradius and nginx read their folders as other users
    passphrase = folder / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_bytes(b"correct horse battery staple\n")
    home = folder / "home"
    medtrust(home, "init", "--organization", "General Hospital", "--passphrase-file", passphrase)
    server = _party(
        folder, "server", "localhost", "--profile", "server", "--dns", "localhost", "--ip", "127.0.0.1"
    )
    made = Hospital(folder, server, _client(folder, "client-1"), _client(folder, "client-2"))
    made.revoke(made.revoked)
    return made
