"""Who answers OCSP for which of our CAs: delegates' keys and CAs' certificates, never a CA's key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pki.ocsp import Responder
from pki.tbs import Certificate
from service.authorities import CaEntry, Register, read_register
from service.authority import Signing, certificate_file, responder_names
from service.development import refuse_development
from service.home import Home
from service.keystore import KeyReader
from service.pem import read_certificate
from service.settings import Settings


class Answering(Protocol):
    """A CA that OCSP is answered for."""

    @property
    def entry(self) -> CaEntry:
        """What the home says of it."""

    @property
    def certificate(self) -> Certificate:
        """The CA's own."""

    @property
    def ocsp_ecdsa(self) -> Signing:
        """Its classical delegate."""

    @property
    def ocsp_ml_dsa(self) -> Signing:
        """Its post-quantum delegate."""


class StatusKeys(Protocol):
    """All of them, and the home's register. An Authority is one; so is what `unlock_responders` opens."""

    @property
    def cas(self) -> Sequence[Answering]:
        """The default CA first."""

    @property
    def register(self) -> Register:
        """All CAs of the home, also those that nobody answers for."""


@dataclass(frozen=True, slots=True)
class CaResponders:
    """A CA's delegates, opened without the CA's key."""

    entry: CaEntry
    certificate: Certificate
    ocsp_ecdsa: Signing
    ocsp_ml_dsa: Signing


@dataclass(frozen=True, slots=True)
class Responders:
    """What a status server of its own signs with."""

    cas: tuple[CaResponders, ...]
    register: Register


def unlock_responders(home: Home, settings: Settings, passphrase: bytes) -> Responders:
    """Opens the delegates' keys and no others; WrongPassphrase, NotInitialised where one is
    missing, or ResponderUnusable where a key is not its certificate's.

    DevelopmentOnly where the root is a development CA's and this is not development.
    """
    home.require_initialised()
    register = read_register(home)
    refuse_development(read_certificate(certificate_file(home, register.roots[0].name)))
    keys = KeyReader(home.keys, passphrase, settings.key_use)
    answering = [entry for entry in register.entries if entry.answers]
    answering.sort(key=lambda entry: entry.name != register.default)
    return Responders(tuple(_open(home, keys, entry) for entry in answering), register)


def _open(home: Home, keys: KeyReader, entry: CaEntry) -> CaResponders:
    ecdsa, ml_dsa = (
        Signing(read_certificate(certificate_file(home, name)), keys.read(name))
        for name in responder_names(entry.name)
    )
    for each in (ecdsa, ml_dsa):
        # Between a new key's file and its certificate's they do not match: the next look finds them whole.
        Responder(each.certificate, each.key.classical)
    return CaResponders(entry, read_certificate(certificate_file(home, entry.name)), ecdsa, ml_dsa)
