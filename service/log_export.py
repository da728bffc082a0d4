"""The audit log out of the store: its verifier keys, and an export folder that anybody can verify."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audit.checkpoint import parse_checkpoint
from audit.errors import Malformed
from audit.keys import VerifierKey, parse_vkey
from audit.note import parse_note
from audit.tiles import export_files
from registry.model.errors import Conflict, NotFound
from service.errors import BadSetting, NotInitialised
from service.home import Home, write_atomically
from service.pem import read_file
from service.runtime import Runtime


def verifier_keys(home: Home) -> list[VerifierKey]:
    """The keys that sign the log's checkpoints, from the home's public folder."""
    path = home.public / "log.vkeys"
    try:
        found = [parse_vkey(line) for line in read_file(path, "log keys").decode("ascii", "replace").split()]
    except (Malformed, BadSetting) as bad:
        raise NotInitialised(
            f"The log's keys in {path} cannot be used: {bad.problem}",
            next_step="Restore it from the backup of the home folder.",
            field="log keys",
        ) from bad
    if not found:
        raise NotInitialised(f"{path} is empty.", next_step="Restore it from a backup.", field="log keys")
    return found


@dataclass(frozen=True, slots=True)
class Exported:
    """How much was written."""

    entries: int
    files: int


def export_log(folder: Path, runtime: Runtime) -> Exported:
    """Tiles, entries and the last checkpoint (C2SP tlog-tiles); NotFound before one was signed.

    Files never change once full; the checkpoint goes last, so a reader never sees more than is there.
    Conflict refuses a folder that holds something else.
    """
    _refuse_foreign(folder)
    with runtime.store.read() as uow:
        note = uow.log.last_checkpoint()
        if note is None:
            raise NotFound(
                "No checkpoint was signed yet, so there is nothing to vouch for an export.",
                next_step="A job signs one each minute while `medtrust up` runs.",
                field="checkpoint",
            )
        size = parse_checkpoint(parse_note(note).text).size
        count = 0
        for name, content in export_files(
            size, checkpoint=note, read_node=uow.log.read_node, read_entries=uow.log.read_entries
        ):
            path = folder / name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_atomically(path, content)
            except OSError as bad:
                raise BadSetting(
                    f"{path} cannot be written: {bad.strerror}.",
                    next_step="Choose another folder.",
                    field="DIR",
                ) from bad
            count += 1
    return Exported(size, count)


def _refuse_foreign(folder: Path) -> None:
    # `audit export /etc` must not strew its files among others'; an export that was cut short has only tiles.
    if not folder.is_dir():
        return
    names = {path.name for path in folder.iterdir()}
    if names - {"checkpoint", "tile"}:
        raise Conflict(
            f"{folder} holds other files than an export's.",
            next_step="Choose a new folder, or the one of an earlier export.",
            field="DIR",
        )
