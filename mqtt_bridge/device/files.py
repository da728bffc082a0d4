"""Files that survive a power cut: written whole or not at all, readable by their owner only."""

from __future__ import annotations

import base64
import os
import ssl
import textwrap
from pathlib import Path

from mqtt_bridge.device.errors import StateUnusable, WrongInput
from pki.algorithms import PrivateKey
from pki.errors import PkiError

_MAX_FILE_BYTES = 1_000_000
_PRIVATE = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----")
_CERTIFICATE_END = "-----END CERTIFICATE-----"


def private_directory(path: Path) -> Path:
    """Makes `path` with mode 0700, or refuses one that others may enter."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = path.stat().st_mode
    except OSError as bad:
        raise StateUnusable(
            f"The state directory {path} cannot be made: {bad.strerror}.", field="state"
        ) from bad
    if mode & 0o077:
        raise StateUnusable(
            f"Others may enter the state directory {path}.", next_step=f"Run: chmod 700 {path}", field="state"
        )
    return path


def write(path: Path, content: bytes) -> None:
    """Replaces `path` by rename; after return it is on the disk, a crash before leaves the old one."""
    fresh = path.with_name(f".{path.name}.new")
    try:
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(fd, "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(path)
        _sync_directory(path.parent)
    except OSError as bad:
        raise StateUnusable(f"{path} cannot be written: {bad.strerror}.", field="state") from bad


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def read(path: Path, field: str) -> bytes:
    """The content of a small file. Raises WrongInput naming `field`."""
    try:
        with path.open("rb") as source:
            content = source.read(_MAX_FILE_BYTES + 1)
    except OSError as bad:
        raise WrongInput(f"{path} cannot be read: {bad.strerror}.", field=field) from bad
    if len(content) > _MAX_FILE_BYTES:
        raise WrongInput(f"{path} is larger than {_MAX_FILE_BYTES} bytes.", field=field)
    return content


def write_key(path: Path, key: PrivateKey) -> None:
    """PKCS#8 PEM, mode 0600: nobody is there to type a passphrase when a device starts."""
    body = "\n".join(textwrap.wrap(base64.b64encode(key.pkcs8()).decode("ascii"), 64))
    write(path, f"{_PRIVATE[0]}\n{body}\n{_PRIVATE[1]}\n".encode("ascii"))


def read_key(path: Path) -> PrivateKey:
    """The key of `write_key`."""
    text = read(path, "key").decode("ascii", "replace").strip()
    try:
        if not (text.startswith(_PRIVATE[0]) and text.endswith(_PRIVATE[1])):
            raise ValueError("not a PKCS#8 PEM block")
        return PrivateKey.load(base64.b64decode(text[len(_PRIVATE[0]) : -len(_PRIVATE[1])]))
    except (ValueError, PkiError) as bad:
        raise StateUnusable(
            f"{path} is not a private key.", next_step="Enroll again into a new state directory.", field="key"
        ) from bad


def certificates_pem(chain: list[bytes]) -> bytes:
    """DER certificates as PEM blocks."""
    return "".join(map(ssl.DER_cert_to_PEM_cert, chain)).encode("ascii")


def certificates_from_pem(pem: bytes, field: str) -> list[bytes]:
    """The DER of each certificate in `pem`. Raises WrongInput naming `field`."""
    blocks = pem.decode("ascii", "replace").split(_CERTIFICATE_END)
    try:
        found = [ssl.PEM_cert_to_DER_cert(block.strip() + f"\n{_CERTIFICATE_END}\n") for block in blocks[:-1]]
    except ValueError as bad:
        raise WrongInput(f"The {field} file is not made of PEM certificates.", field=field) from bad
    if not found or blocks[-1].strip():
        raise WrongInput(f"The {field} file holds no PEM certificate, or more than that.", field=field)
    return found
