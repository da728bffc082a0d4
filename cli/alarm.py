"""`medtrust alarm`: what a person must see."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli.asking import Json, noun, registry
from cli.output import print_rows
from registry.lookup import get_device
from registry.model.device import device_id

app = noun("Open alarms.", "medtrust alarm list --device mtd-abcdefghijklmnop")


@app.command("list")
def list_alarms(
    ctx: typer.Context,
    device: Annotated[str | None, typer.Option(metavar="ID", help="Only this device's.")] = None,
    as_json: Json = False,
) -> None:
    """List open alarms, newest first."""
    with registry(ctx) as runtime, runtime.store.read() as uow:
        wanted = get_device(device_id(device), uow).device_id if device else None
        rows = [asdict(alarm) for alarm in uow.alarms.open(wanted)]
    columns = ("raised_at", "severity", "device_id", "rule", "message")
    print_rows(rows, as_json=as_json, columns=columns, empty="No open alarms.")
