"""Certificates in files: PEM in and out."""

from __future__ import annotations

import base64
import binascii
import re
from pathlib import Path

from pki.errors import MalformedInput
from pki.pem import to_pem as pem_block
from pki.tbs import Certificate
from service.errors import BadSetting

_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----\s*([A-Za-z0-9+/=\s]+?)\s*-----END CERTIFICATE-----")
_MIB = 1024 * 1024
_LARGEST = 4 * _MIB


def to_pem(*certificates: bytes) -> bytes:
    """DER certificates as PEM, in order."""
    return b"".join(pem_block(der, "CERTIFICATE") for der in certificates)


def from_pem_or_der(data: bytes, what: str = "certificate") -> list[bytes]:
    """Every certificate of a PEM file, or the one of a DER file; MalformedInput where there is none."""
    if data[:1] == b"\x30":
        return [data]
    try:
        found = [base64.b64decode(b"".join(block.split()), validate=True) for block in _BLOCK.findall(data)]
    except binascii.Error as bad:
        raise MalformedInput(
            f"The {what} file holds base64 that is broken.", next_step="Copy it again.", field=what
        ) from bad
    if not found:
        raise MalformedInput(
            f"The {what} file holds no certificate.", next_step="Give PEM or DER.", field=what
        )
    return found


def read_file(path: Path, what: str, *, at_most: int = _LARGEST) -> bytes:
    """A file's bytes, 4 MiB unless told, also of a pipe or a device; BadSetting where it cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(at_most + 1)
    except (OSError, ValueError) as bad:
        reason = bad.strerror if isinstance(bad, OSError) else bad
        raise BadSetting(
            f"The {what} {path} cannot be read: {reason}.", next_step="Check the path.", field=what
        ) from bad
    if len(data) > at_most:
        problem = f"The {what} {path} is larger than {at_most // _MIB} MiB."
        raise BadSetting(problem, next_step="Check that it is the right file.", field=what)
    return data


def read_certificate(path: Path) -> Certificate:
    """The first certificate of a file."""
    return Certificate.parse(from_pem_or_der(read_file(path, "certificate"))[0])
