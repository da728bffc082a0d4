"""`medtrust audit`: the log of every act, listed, verified, exported, and proved leaf by leaf."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from audit.receipt import encode_receipt
from cli.asking import Json, home_of, noun, registry
from cli.errors import EXIT_CODES
from cli.output import note, print_fields, print_json, print_rows, raw, say
from cli.words import shown
from registry import audit_trail
from service.log_export import export_log, verifier_keys

app = noun(
    "The audit log: an append-only Merkle log of every act.",
    "medtrust audit verify",
    "medtrust audit list --limit 20",
    "medtrust audit export /media/usb/log",
)


@app.command()
def verify(ctx: typer.Context, as_json: Json = False) -> None:
    """Verify every entry, node and signed checkpoint; exit code 1 where anything is wrong."""
    with registry(ctx) as runtime:
        keys = verifier_keys(runtime.home)
        verdict = audit_trail.verify(keys, keys[0].name, ports=runtime.ports)
    problems = [asdict(problem) for problem in verdict.problems]
    document = {"entries": verdict.entries, "checkpoints": verdict.checkpoints, "verified": not problems}
    if as_json:
        print_json({**document, "problems": problems})
    else:
        print_fields(document, as_json=False)
        for problem in problems:
            say(f"{problem['rule']}: {problem['message']}")
    if not verdict.checkpoints:
        note("No checkpoint was signed yet: a job signs one while `medtrust up` runs.")
    if problems:
        raise typer.Exit(EXIT_CODES["failed"])


@app.command("list")
def list_entries(
    ctx: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="How many of the newest.")] = 50,
    as_json: Json = False,
) -> None:
    """List the newest entries, the newest last."""
    with registry(ctx) as runtime:
        found = audit_trail.entries(ports=runtime.ports, limit=limit)
    if as_json:
        print_json([{"index": index, **asdict(leaf)} for index, leaf in found])
        return
    rows = [
        {
            "index": index,
            "at": leaf.at,
            "actor": leaf.actor,
            "kind": leaf.kind,
            "subject": leaf.subject,
            "detail": [
                f"{name}={_short(value)}"
                for name, value in leaf.detail.items()
                if not name.endswith("sha256")
            ],
        }
        for index, leaf in found
    ]
    print_rows(rows, as_json=False, empty="The log is empty.")


def _short(value: object) -> str:
    return f"[{shown(value)}]" if isinstance(value, list) else shown(value)


@app.command()
def keys(ctx: typer.Context, as_json: Json = False) -> None:
    """Print the log's verifier keys, as `python -m audit.offline --vkey` takes them."""
    home = home_of(ctx)
    home.require_initialised()
    found = [str(key) for key in verifier_keys(home)]
    if as_json:
        print_json(found)
    else:
        raw("".join(f"{key}\n" for key in found))


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new or an earlier export's folder.")],
    ctx: typer.Context,
    as_json: Json = False,
) -> None:
    """Export the log as tiles with its last checkpoint, for anybody to verify offline."""
    with registry(ctx) as runtime:
        done = export_log(folder, runtime)
    print_fields({"folder": str(folder), "entries": done.entries, "files": done.files}, as_json=as_json)
    note(f"Verify it anywhere: python -m audit.offline {folder} --vkey KEY (medtrust audit keys).")


@app.command()
def receipt(
    index: Annotated[int, typer.Argument(metavar="INDEX", help="The entry's place in the log.")],
    ctx: typer.Context,
) -> None:
    """Print the receipt of an entry: its bytes, its inclusion proof and a signed checkpoint, as JSON."""
    with registry(ctx) as runtime:
        found = audit_trail.receipt(index, ports=runtime.ports)
    raw(encode_receipt(found) + "\n")
