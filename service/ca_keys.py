"""Where CA keys are found: in the home, or on a medium that a person brings for one command."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import ClassVar

from service.authorities import CaEntry, KeyPlace
from service.authority import Signing, certificate_file
from service.errors import BadSetting, Kind, ServiceError
from service.home import Home, make_private, read_secret, write_private
from service.keystore import KeyReader
from service.pem import read_certificate
from service.settings import read_settings


class KeyAway(ServiceError):
    """The key is not on this machine, and nobody brought it."""

    kind: ClassVar[Kind] = "refused"


class Keyring:
    """Opens CA keys with one passphrase; `medium` is the folder given with --root, where there is one."""

    def __init__(self, home: Home, passphrase: bytes, medium: Path | None = None) -> None:
        if medium is not None and not medium.is_dir():
            raise BadSetting(
                f"{medium} is not a folder.", next_step="Give the folder that holds the key.", field="--root"
            )
        self._home, self._passphrase, self.medium = home, passphrase, medium
        self._readers: dict[Path, KeyReader] = {}

    def signing(self, entry: CaEntry) -> Signing:
        """A CA's certificate and key; KeyAway where it is elsewhere, BadSetting where it is another's."""
        certificate = read_certificate(certificate_file(self._home, entry.name))
        signing = Signing(certificate, self._reader(self._folder(entry)).read(entry.name))
        if certificate.spki != signing.key.classical.public.spki:
            raise BadSetting(
                f"The key {entry.name} is not the one in the CA's certificate.",
                next_step="Bring the medium that belongs to this home.",
                field=entry.name,
            )
        return signing

    def has(self, entry: CaEntry) -> bool:
        """Whether the key can be opened now."""
        try:
            self._folder(entry)
        except KeyAway:
            return False
        return True

    def _folder(self, entry: CaEntry) -> Path:
        if entry.key_place is KeyPlace.FOREIGN:
            raise KeyAway(
                f"The key of {entry.name} is with the house that it was imported from.",
                next_step="Ask there, or roll over to a CA of this home: medtrust ca rollover.",
                field="ca",
            )
        if entry.key_place is not KeyPlace.AWAY:
            return self._home.keys
        if self.medium is not None and key_files(self.medium, entry.name):
            return self.medium
        where = "is not in the folder given" if self.medium else "is kept away from this machine"
        raise KeyAway(
            f"The key of {entry.name} {where}.",
            next_step="Bring the medium with its key: --root DIR.",
            field="--root",
        )

    def _reader(self, folder: Path) -> KeyReader:
        if folder not in self._readers:
            how = read_settings(self._home)
            self._readers[folder] = KeyReader(folder, self._passphrase, how.key_use, how.pkcs11)
        return self._readers[folder]


def key_files(folder: Path, name: str) -> list[Path]:
    """The envelopes of a CA's key: one half or two."""
    return [p for half in ("classical", "alternative") if (p := folder / f"{name}.{half}.json").exists()]


def carry(source: Path, target: Path, name: str) -> None:
    """A key's envelopes, copied as they are, on disk before this returns; they stay where they were too."""
    make_private(target)
    for path in key_files(source, name):
        write_private(target / path.name, read_secret(path, what="key file"))


def forget(folder: Path, name: str) -> None:
    """Removes a key's envelopes: overwritten first, for what that is worth on a disk of today."""
    for path in key_files(folder, name):
        _overwrite(path)
        path.unlink()


def remove_folder(folder: Path) -> None:
    """A folder of sealed keys that was used up; nothing happens where there is none."""
    if folder.exists():
        for path in folder.rglob("*.json"):
            _overwrite(path)
        shutil.rmtree(folder)


def _overwrite(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.write(bytes(size))
        file.flush()
        os.fsync(file.fileno())
