"""`medtrust doctor`: prints what was looked at; the exit code says how bad the worst of it is."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli.asking import Json, registry, single
from cli.output import print_json, print_rows, say
from cli.words import examples
from service.doctor import Report, examine
from service.runtime import Runtime

app = single()


@app.command(
    epilog=examples(
        "medtrust doctor",
        "medtrust doctor --consumer file:///etc/mosquitto/crl.pem --consumer /etc/freeradius/certs/crl",
        "medtrust doctor --consumer http://proxy.example/crl/issuing.crl",
        "medtrust doctor --consumer ocsp+http://proxy.example/ocsp --json",
    )
)
def doctor(
    ctx: typer.Context,
    consumer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="URL",
            help="Look at what a consumer uses instead: its list's URL, file or folder, or ocsp+URL; repeat.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Examine the home, store, lists, jobs and machine; or, with --consumer, what others use of ours.

    Exit code 0 healthy, 2 notes, 3 warnings, 4 critical.
    """
    with registry(ctx) as runtime:
        report = _consumers(runtime, consumer) if consumer else examine(runtime)
    checks = [{**asdict(check), "level": check.level.name.lower()} for check in report.checks]
    beats = [asdict(beat) for beat in report.heartbeats]
    if as_json:
        print_json({"level": report.level.name.lower(), "checks": checks, "heartbeats": beats})
    else:
        print_rows(checks, as_json=False, columns=("level", "name", "message", "next_step"), empty="")
        if not consumer:
            say("")
            columns = ("job", "outcome", "ran_at", "succeeded_at", "detail")
            print_rows(beats, as_json=False, columns=columns, empty="No job ever ran: medtrust up.")
    raise typer.Exit(int(report.level))


def _consumers(runtime: Runtime, places: list[str]) -> Report:
    from service.consumer_check import examine_consumers

    return Report(examine_consumers(runtime, places), ())
