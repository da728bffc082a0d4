"""`medtrust jobs`: when each scheduled job last ran, and how it ended."""

from __future__ import annotations

from dataclasses import asdict

import typer

from cli.asking import Json, noun, registry
from cli.output import print_rows

app = noun("Scheduled jobs and their heartbeats.", "medtrust jobs list --json")


@app.command("list")
def list_jobs(ctx: typer.Context, as_json: Json = False) -> None:
    """List every job that ever ran, with its last run and its last success."""
    with registry(ctx) as runtime, runtime.store.read() as uow:
        rows = [asdict(beat) for beat in uow.operations.heartbeats()]
    columns = ("job", "outcome", "ran_at", "succeeded_at", "every_seconds", "detail")
    print_rows(rows, as_json=as_json, columns=columns, empty="No job ever ran: medtrust up.")
