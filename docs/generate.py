"""What is generated from the code, committed and diffed: CLI help, lifecycle diagrams, message schemas.

`python -m docs.generate` writes; with --check it only says what is stale, and ends with 1.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import typer

from cli.main import app
from cli.schemas import all_schemas
from pki import profile_toml
from registry.model.certificate import CERTIFICATE_LIFECYCLE
from registry.model.device import DEVICE_LIFECYCLE

ROOT: Final = Path(__file__).parent.parent
_BY: Final = "<!-- Written by docs/generate.py: `make generated`. Do not edit. -->\n"
_WIDTH: Final = 100


def files() -> dict[str, str]:
    """Every generated file by its path in the repository, with its content."""
    documents = {**all_schemas(), "Profile": profile_toml.schema()}
    schemas = {f"docs/schemas/{name}.json": _json(schema) for name, schema in documents.items()}
    pages = {
        "docs/cli.md": cli_reference(),
        "cli/help.txt": first_help(),
        "docs/lifecycles.md": lifecycles(),
    }
    return {**pages, **schemas}


def first_help() -> str:
    """What `medtrust --help` says: kept as a page, so that saying it costs no import."""
    root = typer.main.get_command(app)
    context = root.make_context("medtrust", [], resilient_parsing=True, terminal_width=78)
    return "\n".join(line.rstrip() for line in root.get_help(context).splitlines()) + "\n"


def cli_reference() -> str:
    """All --help in the order of the table, verbs below their noun."""
    root = typer.main.get_command(app)
    context = root.make_context("medtrust", [], resilient_parsing=True, terminal_width=_WIDTH)
    parts = [_BY, "# The command line\n", "What `--help` says, for every command.\n"]
    parts += [
        f"{'#' * level} `{path}`\n\n```text\n{text}\n```\n" for level, path, text in _helps(root, context)
    ]
    return "\n".join(parts)


def _helps(command: Any, context: Any) -> Iterator[tuple[int, str, str]]:  # noqa: ANN401 - typer's are private
    path: str = context.command_path
    lines = (line.rstrip() for line in command.get_help(context).splitlines())
    yield min(2 + path.count(" "), 4), path, "\n".join(lines)
    names = command.list_commands(context) if hasattr(command, "list_commands") else ()
    for name in names:
        below = command.get_command(context, name)
        yield from _helps(below, below.make_context(name, [], parent=context, resilient_parsing=True))


def lifecycles() -> str:
    """Both STATE x EVENT tables as diagrams; what has no arrow is refused as a conflict."""
    return "\n".join(
        [
            _BY,
            "# Lifecycles\n",
            "Drawn from the tables in registry/model. A move without an arrow is refused.\n",
            "## A device\n",
            diagram(DEVICE_LIFECYCLE, "registered"),
            "## A certificate\n",
            diagram(CERTIFICATE_LIFECYCLE, "intended"),
        ]
    )


def diagram(table: Mapping[tuple[Any, Any], StrEnum], first: str) -> str:
    """A mermaid state diagram; events between the same two states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for (state, event), after in table.items():
        arrows.setdefault((str(state), str(after)), []).append(str(event))
    lines = [f"    {a} --> {b}: {', '.join(events)}" for (a, b), events in arrows.items()]
    leaving = {a for a, _ in arrows}
    ends = dict.fromkeys(b for _, b in arrows if b not in leaving)
    body = [f"    [*] --> {first}", *lines, *(f"    {end} --> [*]" for end in ends)]
    return "\n".join(["```mermaid", "stateDiagram-v2", *body, "```\n"])


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def stale(folder: Path = ROOT) -> list[str]:
    """Paths that differ from what would be written, are missing, or are no longer generated."""
    wanted = files()
    present = {path.relative_to(folder).as_posix() for path in (folder / "docs" / "schemas").glob("*.json")}
    differing = [name for name, text in wanted.items() if _read(folder / name) != text]
    return sorted([*differing, *(present - wanted.keys())])


def write(folder: Path = ROOT) -> None:
    """Writes all, and removes schemas of messages that are gone."""
    wanted = files()
    for name in wanted:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    for name in stale(folder):
        if name in wanted:
            (folder / name).write_text(wanted[name], encoding="utf-8")
        else:
            (folder / name).unlink()


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def main(arguments: Sequence[str]) -> int:
    """Write, or --check; the exit code."""
    found = stale()
    if "--check" in arguments:
        sys.stdout.writelines(f"stale: {name}\n" for name in found)
        return 1 if found else 0
    write()
    sys.stdout.writelines(f"written: {name}\n" for name in found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
