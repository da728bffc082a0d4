"""Exported status on disk: names, files replaced whole, and those that no run writes any more."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from pathlib import Path

from pki import asn1
from service.exports.folder import README_FILE, open_folder
from service.status.forms import AnswerForm


def file_name(form: AnswerForm, serial: bytes) -> str:
    """The file that a GET finds (RFC 6960 A.1): base64 of the request, whose slashes are folders.

    What ends in a slash has no name of its own there: it is called `_`, which base64 has not.
    """
    cert_id = asn1.sequence(form.id_head, asn1.tlv(asn1.INTEGER, serial))
    request = asn1.sequence(asn1.sequence(asn1.sequence(asn1.sequence(cert_id))))
    name = base64.b64encode(request).decode()
    return f"{name}_" if name.endswith("/") else name


def replace(path: Path, data: bytes) -> None:
    """Atomically for readers; brought to the disk with all others at the end."""
    temporary = path.with_name(".new")
    try:
        temporary.write_bytes(data)
    except FileNotFoundError:
        open_folder(path.parent)
        temporary.write_bytes(data)
    temporary.chmod(0o644)
    temporary.replace(path)


def a_moment_before(folder: Path) -> int:
    """By the file system's own clock, in nanoseconds: what is older was written by an earlier run."""
    return (folder / README_FILE).stat().st_mtime_ns


def remove_older(folder: Path, began: int) -> int:
    """Files below that an earlier run wrote and this one did not; how many."""
    removed = 0
    for path in _files(folder):
        if path.stat().st_mtime_ns < began:
            path.unlink()
            removed += 1
    return removed


def _files(folder: Path) -> Iterator[Path]:
    for below, _, names in os.walk(folder):
        yield from (Path(below) / name for name in names)
