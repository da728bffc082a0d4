"""`medtrust doctor`: prints what was looked at; the exit code says how bad the worst of it is."""

from __future__ import annotations

from dataclasses import asdict

import typer

from cli.asking import Json, registry, single
from cli.output import print_json, print_rows, say
from service.doctor import examine

app = single()


@app.command()
def doctor(ctx: typer.Context, as_json: Json = False) -> None:
    """Examine the home, store, lists, jobs and machine. Exit: 0 healthy, 2 notes, 3 warnings, 4 critical."""
    with registry(ctx) as runtime:
        report = examine(runtime)
    checks = [{**asdict(check), "level": check.level.name.lower()} for check in report.checks]
    beats = [asdict(beat) for beat in report.heartbeats]
    if as_json:
        print_json({"level": report.level.name.lower(), "checks": checks, "heartbeats": beats})
    else:
        print_rows(checks, as_json=False, columns=("level", "name", "message", "next_step"), empty="")
        say("")
        columns = ("job", "outcome", "ran_at", "succeeded_at", "detail")
        print_rows(beats, as_json=False, columns=columns, empty="No job ever ran: medtrust up.")
    raise typer.Exit(int(report.level))
