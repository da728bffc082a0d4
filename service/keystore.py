"""Sealed private keys on disk: one envelope a key, 0600 in a 0700 folder, one passphrase and salt a home."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from pki.algorithms import PrivateKey
from pki.envelope import Opener, Sealer, read_header
from pki.keys import HybridPrivateKey
from service import clock
from service.errors import BadSetting, NotInitialised
from service.home import make_private, read_secret, refuse_open, write_private

_CLASSICAL, _ALTERNATIVE = "classical", "alternative"


class KeyWriter:
    """Seals new keys during a ceremony."""

    def __init__(self, folder: Path, passphrase: bytes, created: datetime) -> None:
        self._folder = make_private(folder)
        self._sealer = Sealer(passphrase, salt=clock.entropy(16))
        self._created = created

    def write(self, name: str, key: HybridPrivateKey) -> None:
        """Both halves of a key."""
        self.write_secret(f"{name}.{_CLASSICAL}", key.classical.pkcs8())
        if key.alternative is not None:
            self.write_secret(f"{name}.{_ALTERNATIVE}", key.alternative.pkcs8())

    def write_secret(self, name: str, secret: bytes) -> None:
        """Any octets under a name."""
        sealed = self._sealer.seal(secret, name, self._created, clock.entropy)
        write_private(self._folder / f"{name}.json", sealed)


class KeyReader:
    """Opens what a ceremony sealed; one scrypt for all keys of a home."""

    def __init__(self, folder: Path, passphrase: bytes) -> None:
        if folder.exists():
            refuse_open(folder)
        self._folder = folder
        self._opener = Opener(passphrase)

    def read(self, name: str) -> HybridPrivateKey:
        """Both halves; a key without an alternative envelope is a plain one."""
        alternative = self._folder / f"{name}.{_ALTERNATIVE}.json"
        return HybridPrivateKey(
            PrivateKey.load(self.read_secret(f"{name}.{_CLASSICAL}")),
            PrivateKey.load(self.read_secret(alternative.stem)) if alternative.exists() else None,
        )

    def read_secret(self, name: str) -> bytes:
        """The octets under a name."""
        path = self._folder / f"{name}.json"
        if not path.exists():
            raise NotInitialised(
                f"The key {name} is not in {self._folder}.",
                next_step="Bring it back from where it is kept, or from the backup of the home.",
                field=name,
            )
        envelope = read_secret(path, what="key file")
        secret = self._opener.open(envelope)
        # The opened header is authentic: a key under another's name was put there by hand.
        if read_header(envelope).key_id != name:
            raise BadSetting(
                f"{path} holds the key {read_header(envelope).key_id}, not {name}.",
                next_step="Restore the home folder from its backup.",
                field=name,
            )
        return secret
