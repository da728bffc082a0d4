"""Keys of people and devices beside a request: new ones written, sealed or plainly named; old ones read.

They are not the CA's: no passphrase of the home or of its environment is ever tried on them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from pki.algorithms import PrivateKey
from pki.csr import der_from_pem_or_der, to_pem
from pki.envelope import Opener, Sealer
from pki.errors import PkiError
from service import clock
from service.errors import BadSetting, Kind, ServiceError
from service.home import read_secret, write_private
from service.passphrase import first_line, first_line_from, typed

_LABEL: Final = "PRIVATE KEY"
_LOCKED: Final = (b"-----BEGIN ENCRYPTED", b"-----BEGIN EC PRIVATE", b"-----BEGIN RSA PRIVATE")


class AlreadyThere(ServiceError):
    """A key or request would be overwritten."""

    kind: ClassVar[Kind] = "conflict"


@dataclass(frozen=True, slots=True)
class Passphrase:
    """Where the passphrase of a requester's keys comes from."""

    file: Path | None = None
    descriptor: int | None = None

    def read(self, question: str, *, confirm: bool = False) -> bytes:
        """From the file (0600), the descriptor, or a prompt; twice where a key is made."""
        if self.descriptor is not None:
            return first_line_from(self.descriptor)
        if self.file is not None:
            return first_line(self.file)
        advice = "Give --passphrase-file FILE (mode 0600), or --unencrypted."
        return typed(question, confirm=confirm, next_step=advice)


def refuse_overwriting(*paths: Path) -> None:
    """AlreadyThere names the first that exists: a key that is gone cannot be made again."""
    for path in paths:
        if os.path.lexists(path):
            raise AlreadyThere(
                f"{path} is already there.",
                next_step="Choose another name: --out NAME.",
                field="--out",
            )


def write_keys(keys: Mapping[Path, PrivateKey], passphrase: bytes | None) -> None:
    """One file a key, 0600: an envelope under the passphrase, or PKCS#8 in PEM where there is none."""
    sealer = Sealer(passphrase, salt=clock.entropy(16)) if passphrase is not None else None
    now = clock.now()
    for path, key in keys.items():
        if sealer is None:
            write_private(path, to_pem(key.pkcs8(), _LABEL))
        else:
            write_private(path, sealer.seal(key.pkcs8(), path.name[:128], now, clock.entropy))


def read_key(path: Path, passphrase: Passphrase) -> PrivateKey:
    """A key that write_keys wrote, or PKCS#8 without encryption (PEM or DER, 0600)."""
    data = read_secret(path, what="key file")
    if data.lstrip()[:1] == b"{":
        return PrivateKey.load(Opener(passphrase.read(f"Passphrase of {path.name}: ")).open(data))
    if data.lstrip().startswith(_LOCKED):
        raise BadSetting(
            f"The key {path} is encrypted by another tool, or in a form of its own.",
            next_step="Convert it: openssl pkcs8 -topk8 -nocrypt -in OLD -out NEW, and chmod 600 NEW.",
            field="key",
        )
    try:
        return PrivateKey.load(der_from_pem_or_der(data, _LABEL))
    except PkiError as bad:
        raise BadSetting(
            f"The key {path} cannot be read: {bad.problem}",
            next_step="Give the key file that `medtrust cert request` wrote, or PKCS#8.",
            field="key",
        ) from bad
