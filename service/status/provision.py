"""A home for a status server elsewhere: certificates, what is public, the OCSP delegates' keys. No CA's key.

Run again it renews such a home; a status server that runs on it takes new delegates over by itself. The keys
are exchanged whole, certificates follow: a server that looks in between keeps what it has and looks again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pki.errors import WrongPassphrase
from service.authorities import FILE, read_register
from service.authority import responder_names
from service.errors import ServiceError
from service.home import Home, make_private, write_atomically, write_private
from service.keystore import KeyReader, copy_sealed
from service.runtime import Runtime
from service.settings import decode, read_settings
from service.settings_file import as_toml
from service.status.keys import unlock_responders

MARKER: Final = "provisioned-for-status"
_PASSWORD: Final = re.compile(r"^(postgresql://[^:/@]*):.*(@[^@]*)$")


class NotAResponderHome(ServiceError):
    """The folder is a registry's home, or holds something else."""

    kind = "conflict"


class OtherPassphrase(ServiceError):
    """The home is sealed under another one: a server that runs on it could open nothing any more."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class Provisioned:
    """What the new home holds."""

    folder: Path
    cas: tuple[str, ...]
    until: datetime
    """When the first of its delegates is over; run again long before."""
    store_is_here: bool
    """Whether its store is a file of this machine."""


def provision(runtime: Runtime, passphrase: bytes, folder: Path, new_passphrase: bytes) -> Provisioned:
    """Makes or renews the home; NotAResponderHome, and nothing is touched, where the folder is another's."""
    source, target = runtime.home, Home(folder)
    _refuse_other(source, target)
    keys = unlock_responders(source, runtime.settings, passphrase)
    _refuse_other_passphrase(target, new_passphrase)
    make_private(target.root)
    write_private(target.root / MARKER, b"Made by: medtrust status provision\n")
    now = runtime.ports.clock()
    copy_sealed(source.keys, target.keys, _key_files(runtime), old=passphrase, new=new_passphrase, now=now)
    if not target.settings_file.exists():  # people edit it: another store, another address
        write_private(target.settings_file, _settings(runtime))
    _copy_folder(source.certificates, target.certificates)
    _copy_folder(source.public, target.public)
    for file in (source.root / FILE, source.marker):  # the marker last: with it the home is whole
        if file.exists():
            write_private(target.root / file.name, file.read_bytes())
    signers = [signing for ca in keys.cas for signing in (ca.ocsp_ecdsa, ca.ocsp_ml_dsa)]
    return Provisioned(
        target.root,
        tuple(ca.entry.name for ca in keys.cas),
        min(signing.certificate.not_after for signing in signers),
        runtime.settings.store_url.startswith("sqlite"),
    )


def _refuse_other(source: Home, target: Home) -> None:
    ours = (target.root / MARKER).exists()
    held = target.root.exists() and any(target.root.iterdir())
    if target.root == source.root or (held and not ours):
        raise NotAResponderHome(
            f"{target.root} holds something else.",
            next_step="Give an empty folder, or one that medtrust status provision made.",
            field="DIR",
        )


def _refuse_other_passphrase(target: Home, passphrase: bytes) -> None:
    held = sorted(target.keys.glob("*.json")) if target.keys.exists() else []
    try:
        for path in held[:1]:
            KeyReader(target.keys, passphrase).read_secret(path.stem)
    except WrongPassphrase as bad:
        raise OtherPassphrase(
            f"The keys in {target.root} are sealed under another passphrase.",
            next_step="Give the one they have, or provision an empty folder.",
            field="--new-passphrase-file",
        ) from bad


def _settings(runtime: Runtime) -> bytes:
    """The registry's, with the store's whole address, and without what only a CA needs."""
    file = runtime.home.settings_file
    raw = decode(file.read_bytes() if file.exists() else b"", str(file))
    url = read_settings(runtime.home).store_url.replace("postgresql+psycopg://", "postgresql://")
    # The registry's own password writes; the server gets a role that reads, or a ~/.pgpass.
    raw.store.url = _PASSWORD.sub(r"\1\2", url)
    raw.ca.passphrase_file = ""
    raw.ca.pkcs11 = type(raw.ca.pkcs11)()
    return as_toml(raw).encode()


def _key_files(runtime: Runtime) -> list[str]:
    names = [
        name
        for entry in read_register(runtime.home).entries
        if entry.answers
        for name in responder_names(entry.name)
    ]
    files = (path for name in names for path in sorted(runtime.home.keys.glob(f"{name}.*.json")))
    return [path.stem for path in files]


def _copy_folder(source: Path, target: Path) -> None:
    """Each file whole; what is gone at the source goes."""
    target.mkdir(mode=0o755, parents=True, exist_ok=True)
    kept = set()
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(mode=0o755, exist_ok=True)
        elif path.is_file() and not path.name.startswith("."):
            write_atomically(place, path.read_bytes())
            kept.add(place)
    for path in sorted(target.rglob("*")):
        if path.is_file() and path not in kept:
            path.unlink()
