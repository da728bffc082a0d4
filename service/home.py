"""The home folder: where everything of one registry lives, and how it is kept from others."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from service.errors import BadSetting, NotInitialised, TooOpen

_SECRET_BITS = 0o077


@dataclass(frozen=True, slots=True)
class Home:
    """Paths below one folder (0700)."""

    root: Path

    @property
    def settings_file(self) -> Path:
        """medtrust.toml."""
        return self.root / "medtrust.toml"

    @property
    def catalogue_file(self) -> Path:
        """The hospital's own products, by UDI-DI; may be absent."""
        return self.root / "catalogue.toml"

    @property
    def profiles(self) -> Path:
        """The hospital's own certificate profiles, NAME.toml; may be absent."""
        return self.root / "profiles"

    @property
    def keys(self) -> Path:
        """Sealed private keys."""
        return self.root / "keys"

    @property
    def certificates(self) -> Path:
        """Our own certificates, PEM."""
        return self.root / "certs"

    @property
    def public(self) -> Path:
        """What anybody may have: anchors, lists, the trust bundle."""
        return self.root / "public"

    @property
    def broker(self) -> Path:
        """The managed broker's configuration, keys and queues."""
        return self.root / "broker"

    @property
    def run(self) -> Path:
        """Sockets and locks of the running process."""
        return self.root / "run"

    @property
    def marker(self) -> Path:
        """Written last by the ceremony: with it the CA is whole."""
        return self.root / "ca.json"

    @property
    def control_socket(self) -> Path:
        """Where the running process can be woken."""
        return self.run / "control.sock"

    def require_initialised(self) -> None:
        """NotInitialised where no ceremony has been finished here."""
        if not self.marker.exists():
            raise NotInitialised(
                f"There is no CA in {self.root}.",
                next_step="Create one: medtrust init. Another home: --home or MEDTRUST_HOME.",
                field="home",
            )
        refuse_open(self.root)


def find_home(given: Path | None) -> Home:
    """--home, else MEDTRUST_HOME, else ~/.medtrust."""
    chosen = given or Path(os.environ.get("MEDTRUST_HOME") or Path.home() / ".medtrust")
    return Home(chosen.expanduser().absolute())


def make_private(folder: Path) -> Path:
    """The folder, 0700, made where it is missing; TooOpen where it is looser or a symlink."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as bad:
        raise BadSetting(f"The folder {folder} cannot be made: {bad.strerror}.", field="home") from bad
    refuse_open(folder)
    return folder


def refuse_open(path: Path) -> None:
    """TooOpen where others could read or replace it: group or world bits, another owner, a symlink."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode):
        raise TooOpen(f"{path} is a symbolic link.", next_step="Put the file itself there.", field=str(path))
    if found.st_mode & _SECRET_BITS:
        mode = stat.S_IMODE(found.st_mode)
        wanted = 0o700 if path.is_dir() else 0o600
        raise TooOpen(
            f"{path} has mode {mode:04o}: others on this machine can read it.",
            next_step=f"chmod {wanted:o} {path}",
            field=str(path),
        )
    if found.st_uid not in (os.geteuid(), 0):
        raise TooOpen(f"{path} belongs to another user.", next_step="Give it to yourself.", field=str(path))


def read_secret(path: Path, *, what: str) -> bytes:
    """A 0600 file's bytes."""
    if not path.exists():
        raise BadSetting(f"The {what} {path} is not there.", next_step="Check the path.", field=what)
    if not path.is_symlink() and not path.is_file():
        # A folder, where refuse_open would advise a chmod; a pipe, which might never be written to.
        raise BadSetting(f"The {what} {path} is no regular file.", next_step="Give a file.", field=what)
    refuse_open(path)
    return path.read_bytes()


def write_private(path: Path, data: bytes) -> None:
    """Atomically, 0600, on disk before this returns."""
    write_atomically(path, data, mode=0o600)


_DEVICES: Final = Path("/dev")


def write_atomically(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """A reader sees the old file or the new one, also after a power cut. Devices, pipes and folders are not
    replaced: BadSetting."""
    if path.parent == _DEVICES or (path.exists() and not path.is_file()):
        raise BadSetting(
            f"{path} is not a regular file; it would be replaced by one.",
            next_step="Give the name of a file.",
            field="file",
        )
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
