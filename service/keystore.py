"""Sealed private keys on disk: one envelope a key, 0600 in a 0700 folder, one passphrase and salt a home.

`reseal` exchanges the whole folder: a crash leaves the old one or the new one, never some keys of each.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pki.algorithms import PrivateKey
from pki.envelope import Opener, Sealer, read_header
from pki.errors import WrongPassphrase
from pki.keys import HybridPrivateKey
from pki.second_opinion import KeyUse, ready_pair
from service import clock
from service.errors import BadSetting, NotInitialised
from service.home import make_private, read_secret, refuse_open, write_private
from service.pkcs11 import is_reference, key_at
from service.pkcs11_sessions import TokenPlace

_CLASSICAL, _ALTERNATIVE = "classical", "alternative"


class KeyWriter:
    """Seals new keys during a ceremony."""

    def __init__(self, folder: Path, passphrase: bytes, created: datetime) -> None:
        self._sealer = Sealer(passphrase, salt=clock.entropy(16))
        self._folder = make_private(folder)
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

    def __init__(
        self,
        folder: Path,
        passphrase: bytes,
        use: KeyUse | None = None,
        token: TokenPlace | None = None,
    ) -> None:
        """`token`: where classical keys are, of which the folder holds references only."""
        finish_exchange(folder)
        if folder.exists():
            refuse_open(folder)
        self._folder = folder
        self._opener = Opener(passphrase)
        self._use, self._token = use or KeyUse(), token

    def read(self, name: str) -> HybridPrivateKey:
        """Both halves, ready to sign; a key without an alternative envelope is a plain one.

        AlgorithmUnavailable where a second opinion is required and cannot be had.
        """
        alternative = self._folder / f"{name}.{_ALTERNATIVE}.json"
        pair = HybridPrivateKey(
            self._main(f"{name}.{_CLASSICAL}"),
            PrivateKey.load(self.read_secret(alternative.stem)) if alternative.exists() else None,
        )
        return ready_pair(pair, self._use)

    def _main(self, name: str) -> PrivateKey:
        secret = self.read_secret(name)
        return key_at(self._token, secret) if is_reference(secret) else PrivateKey.load(secret)

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


def reseal(folder: Path, old: bytes, new: bytes, *, besides: dict[str, bytes], now: datetime) -> None:
    """Every envelope under the passphrase `new`, with the files `besides`; `old` opens nothing afterwards.

    A crash before the exchange leaves the folder as it was; after it, `finish_exchange` tidies up.
    """
    keys, fresh = KeyReader(folder, old), _beside(folder, "next")
    shutil.rmtree(fresh, ignore_errors=True)
    writer = KeyWriter(fresh, new, now)
    for path in sorted(folder.iterdir()):
        if path.name in besides or path.name.startswith("quorum."):
            continue
        if path.suffix == ".json":
            writer.write_secret(path.stem, keys.read_secret(path.stem))
        else:
            write_private(fresh / path.name, read_secret(path, what="key file"))
    for name, content in besides.items():
        write_private(fresh / name, content)
    _exchange(folder)


def copy_sealed(
    source: Path, target: Path, names: Iterable[str], *, old: bytes, new: bytes, now: datetime
) -> None:
    """Some keys of a folder as another folder, sealed under another passphrase; exchanged as `reseal` does.

    `names` are files without their ending. The target holds these keys and no others afterwards.
    """
    keys, fresh = KeyReader(source, old), _beside(target, "next")
    shutil.rmtree(fresh, ignore_errors=True)
    writer = KeyWriter(fresh, new, now)
    for name in names:
        writer.write_secret(name, keys.read_secret(name))
    if target.exists():
        _exchange(target)
    else:
        fresh.rename(target)


def _exchange(folder: Path) -> None:
    folder.rename(_beside(folder, "old"))
    # From here on the new folder is the only whole one; whoever looks finishes the exchange.
    finish_exchange(folder)


def finish_exchange(folder: Path) -> None:
    """Ends an exchange that was cut off between its renames; does nothing where there was none.

    Also readers call this, perhaps while another process exchanges: both may do the same rename, and a new
    folder in the making is left alone.
    """
    fresh, old = _beside(folder, "next"), _beside(folder, "old")
    with suppress(OSError):  # the other one was quicker
        if not folder.exists() and old.exists():
            (fresh if fresh.exists() else old).rename(folder)
    if folder.exists() and old.exists() and not fresh.exists():
        shutil.rmtree(old, ignore_errors=True)


def _beside(folder: Path, what: str) -> Path:
    # Nobody else's name: what is found under it is removed.
    return folder.with_name(f".{folder.name}.medtrust-reseal-{what}")


def reseal_here(folder: Path, names: Iterable[str], old: bytes, new: bytes, now: datetime) -> tuple[str, ...]:
    """Keys on a medium, one file after the other, from `old` to `new`; those that were changed.

    A crash leaves some under each; the same again does the rest. WrongPassphrase where neither opens one.
    """
    before, after = KeyReader(folder, old), KeyReader(folder, new)
    writer, changed = KeyWriter(folder, new, now), []
    for name in names:
        try:
            after.read_secret(name)
        except WrongPassphrase:
            writer.write_secret(name, before.read_secret(name))
            changed.append(name)
    return tuple(changed)
