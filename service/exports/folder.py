"""A consumer's folder on disk: each file replaced at once, nothing of others touched, no old list left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from service.errors import BadSetting, ServiceError
from service.exports.consumers import Consumer, files_for
from service.exports.gathered import Trusted
from service.exports.words import README, USE
from service.home import write_atomically

README_FILE: Final = "README.txt"
"""Begins with a line that says whose folder it is."""


class NothingToTrust(ServiceError):
    """No CA of ours can be read by that consumer."""

    kind = "refused"


class ForeignFolder(ServiceError):
    """The folder holds something else."""

    kind = "conflict"


@dataclass(frozen=True, slots=True)
class Written:
    """What a folder holds now."""

    files: tuple[str, ...]
    left_out: tuple[str, ...]
    until: datetime
    """When the first list is over."""


def write_folder(consumer: Consumer, trusted: Trusted, folder: Path, now: datetime) -> Written:
    """Writes or renews a consumer's folder; ForeignFolder, or NothingToTrust where no CA is readable.

    A crash leaves each file old or new. The README goes first, so that the next run knows its own folder.
    """
    marker = f"Written by: medtrust ca bundle --for {consumer}"
    kept = trusted.readable(post_quantum=consumer.reads_post_quantum)
    if not kept.roots:
        raise NothingToTrust(
            f"{consumer} can read no root of ours: {', '.join(kept.left_out)}.",
            next_step="Serve it from a CA with a classical main key (catalyst or classical form).",
            field="--for",
        )
    refuse_foreign(folder, marker, "--out")
    until = min(ca.crl_until for ca in kept.cas)
    files = files_for(consumer, trusted, folder)
    page = README.format(
        marker=marker,
        now=f"{now:%Y-%m-%d %H:%M}Z",
        until=f"{until:%Y-%m-%d %H:%M}Z",
        command=f"medtrust ca bundle --for {consumer} --out {folder}",
        use=USE[consumer],
        left_out=_left_out(kept.left_out),
    )
    for name, content in {README_FILE: page.encode(), **files}.items():
        path = folder / name
        if not path.parent.exists():
            open_folder(path.parent)
        write_atomically(path, content)
    _remove_older(folder, files)
    return Written(tuple(sorted({README_FILE, *files})), kept.left_out, until)


def open_folder(folder: Path) -> None:
    """Readable by the consumer's own user, whatever our umask is: nothing in it is secret."""
    made = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True)
    for each in made:
        each.chmod(0o755)


def _left_out(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f"\nLeft out, because it cannot read them: {listed}.\n" if listed else ""


def refuse_foreign(folder: Path, marker: str, field: str) -> None:
    """The folder is there, and empty or ours; ForeignFolder, or BadSetting where it cannot be used."""
    try:
        if not folder.exists():
            open_folder(folder)
        held = sorted(path.name for path in folder.iterdir())
        page = folder / README_FILE
        ours = page.is_file() and page.read_text("utf-8", "replace").startswith(marker + "\n")
    except OSError as bad:
        raise BadSetting(f"{folder} cannot be used: {bad.strerror}.", field=field) from bad
    if held and not ours:
        raise ForeignFolder(
            f"{folder} holds something else: {held[0]}.",
            next_step="Give an empty folder, or the one written before for the same consumer.",
            field=field,
        )


def _remove_older(folder: Path, files: Iterable[str]) -> None:
    """Certificates and lists of CAs that are trusted no more."""
    for name in ("ca", "crl"):
        below = folder / name
        for path in below.iterdir() if below.is_dir() else ():
            if f"{name}/{path.name}" not in files:
                path.unlink()
