"""Where a ceremony happens: the home and its CAs, and the shelf on which a prepared one waits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import msgspec

from pki.issuer import Issuer
from pki.tbs import Certificate
from service.authorities import CaEntry, Register
from service.authority import Signing, certificate_file, urls
from service.ca_keys import Keyring, remove_folder
from service.errors import NotInitialised
from service.home import Home, write_private
from service.pem import read_certificate
from service.settings import Settings

FOLDER: Final = "ceremony"
_FILE: Final = "prepared.json"


class Prepared(msgspec.Struct, forbid_unknown_fields=True):
    """What is pinned; times in UTC, entropy in base64, digests in hex."""

    plan_sha256: str
    prepared_at: datetime
    entropy: dict[str, bytes]
    digests: dict[str, str]
    plan: str


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a ceremony happens."""

    home: Home
    settings: Settings
    register: Register
    """Empty where the home has no CA yet."""
    ring: Keyring

    def entry(self, name: str) -> CaEntry:
        """A CA that the home has already."""
        return self.register.get(name)

    def present(self, name: str) -> Signing:
        """Its certificate and key."""
        return self.ring.signing(self.entry(name))

    def certificate(self, name: str) -> Certificate:
        """Its certificate alone."""
        return read_certificate(certificate_file(self.home, self.entry(name).name))

    def issuer(self, name: str, signing: Signing, above: Iterable[Certificate]) -> Issuer:
        """A CA that certifies other CAs, below what stands above it."""
        where = urls(self.settings, name, responder=False)
        return Issuer(signing.certificate, signing.key, where, name, above)


class Shelf:
    """The draft on disk: home/ceremony."""

    def __init__(self, home: Home) -> None:
        self.path = home.root / FOLDER
        self.keys = self.path / "keys"

    def exists(self) -> bool:
        """Whether a whole draft lies there."""
        return (self.path / _FILE).exists()

    def remove(self) -> None:
        """Keys and all."""
        remove_folder(self.path)

    def read(self) -> Prepared:
        """The pinned part; NotInitialised where it is missing or damaged."""
        try:
            return msgspec.json.decode((self.path / _FILE).read_bytes(), type=Prepared)
        except (OSError, msgspec.MsgspecError) as bad:
            raise NotInitialised(
                f"There is no prepared ceremony in {self.path}, or it is damaged.",
                next_step="Prepare it: medtrust ca ceremony FILE --restart --dry-run.",
                field="ceremony",
            ) from bad

    def pin(self, prepared: Prepared) -> None:
        """Written last: with it the draft is whole."""
        write_private(self.path / _FILE, msgspec.json.encode(prepared) + b"\n")
