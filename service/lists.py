"""Revocation lists for commands: who signs one, unlocked for that alone; and lists in files."""

from __future__ import annotations

from pathlib import Path

from pki.crl import read_pem
from registry.publication import ListSigner
from service.authority import ROOT, ROOT_LIST_LIVES, Signing, certificate_file, list_signer
from service.home import Home
from service.keystore import KeyReader
from service.pem import read_certificate, read_file
from service.settings import read_settings


def signer_of(home: Home, issuer: str, passphrase: bytes) -> ListSigner:
    """The signer of `issuing` or `root`; only that CA's key is opened. WrongPassphrase as unlock."""
    home.require_initialised()
    certificate = read_certificate(certificate_file(home, issuer))
    keys = KeyReader(home.keys, passphrase, read_settings(home).key_use)
    signer = list_signer(issuer, Signing(certificate, keys.read(issuer)))
    return signer.living(ROOT_LIST_LIVES) if issuer == ROOT else signer


def read_list(path: Path) -> bytes:
    """A list's DER from a PEM or DER file; nothing is parsed yet."""
    data = read_file(path, "list")
    return data if data[:1] == b"\x30" else read_pem(data.decode("ascii", "replace"))
