"""Revocation lists for commands: who signs one, unlocked for that alone; and lists in files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pki.crl import read_pem
from pki.crl_list import MAX_BYTES
from registry.publication import ListSigner
from service.authorities import read_register
from service.authority import ROOT_LIST_LIVES, Signing, certificate_file, list_signer
from service.home import Home
from service.keystore import KeyReader
from service.pem import read_certificate, read_file
from service.settings import read_settings

LARGEST: Final = MAX_BYTES * 3 // 2
"""Octets of a list's file: as much as is parsed, in PEM."""


def signer_of(home: Home, issuer: str, passphrase: bytes) -> ListSigner:
    """The signer of a CA; only that CA's key is opened. WrongPassphrase as unlock."""
    home.require_initialised()
    certificate = read_certificate(certificate_file(home, issuer))
    settings = read_settings(home)
    keys = KeyReader(home.keys, passphrase, settings.key_use, settings.pkcs11)
    issues = read_register(home).get(issuer).issues
    signing = Signing(certificate, keys.read(issuer))
    signer = list_signer(issuer, signing, settings, issues=issues)
    return signer if issues else signer.living(ROOT_LIST_LIVES)


def read_list(path: Path) -> bytes:
    """A list's DER from a PEM or DER file; nothing is parsed yet."""
    data = read_file(path, "list", at_most=LARGEST)
    return data if data[:1] == b"\x30" else read_pem(data.decode("ascii", "replace"))
