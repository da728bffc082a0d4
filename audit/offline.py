"""`python -m audit.offline DIR --vkey KEY`: verify an export folder with nothing but its files and keys.

The only file of this package that reads files. Exit codes are those of `medtrust`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from audit.errors import AuditError, Kind, NotInLog
from audit.keys import parse_vkey
from audit.verify import ExportVerdict, FileReader, verify_export

_EXIT: dict[Kind, int] = {
    "failed": 1,
    "usage": 2,
    "refused": 3,
    "not_found": 4,
    "conflict": 5,
    "dependency": 6,
}


def main(arguments: Sequence[str] | None = None, out: TextIO = sys.stdout, err: TextIO = sys.stderr) -> int:
    """Verify, tell, and return the exit code: 0 all right, 1 something is wrong with the log."""
    asked = _parser().parse_args(arguments)
    try:
        keys = [parse_vkey(each) for each in asked.vkey]
        verdict = verify_export(
            folder_reader(asked.folder),
            origin=asked.origin or keys[0].name,
            keys=keys,
            remembered=[_read(path).decode("utf-8", "replace") for path in asked.remembered],
        )
    except AuditError as problem:
        err.write(f"{problem}\n")
        return _EXIT[problem.kind]
    out.write(_as_json(verdict) if asked.json else _as_text(verdict))
    return 1 if verdict.problems else 0


def folder_reader(folder: Path) -> FileReader:
    """Reads the files of an export folder."""
    return lambda path: _read(folder / path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise NotInLog(
            f"{path} cannot be read: {problem.strerror}.", next_step="Export the log again.", field=str(path)
        ) from problem


def _as_text(verdict: ExportVerdict) -> str:
    signed = verdict.signed.checkpoint
    lines = [f"{signed.origin}: {signed.size} entries, root {signed.root.hex()}"]
    lines += [f"{each.rule}: {each.message}" for each in verdict.problems]
    if not verdict.problems:
        lines.append("Every entry, tile and signature agrees.")
    return "\n".join(lines) + "\n"


def _as_json(verdict: ExportVerdict) -> str:
    signed = verdict.signed
    body = {
        "origin": signed.checkpoint.origin,
        "size": signed.checkpoint.size,
        "root": signed.checkpoint.root.hex(),
        "cosigned_at": signed.cosigned_at.isoformat() if signed.cosigned_at else None,
        "problems": [
            {"rule": each.rule, "message": each.message, "index": each.index} for each in verdict.problems
        ],
    }
    return json.dumps(body, sort_keys=True) + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="audit.offline", description="Verify an exported audit log.")
    parser.add_argument("folder", type=Path, metavar="DIR", help="the export folder")
    parser.add_argument(
        "--vkey", action="append", required=True, help="a key that must have signed; repeat for each"
    )
    parser.add_argument("--origin", help="the log's origin; the first key's name where it is not given")
    parser.add_argument(
        "--remembered",
        action="append",
        default=[],
        type=Path,
        metavar="FILE",
        help="a checkpoint that was kept from before; the export must contain its history",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document")
    return parser


if __name__ == "__main__":
    sys.exit(main())
