"""`medtrust schema`: the JSON Schemas of what devices and the registry say to each other."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.asking import single
from cli.errors import Missing
from cli.output import print_json
from cli.words import examples
from mqtt_bridge.messages import json_schemas
from registry.trust.claims import claims_schema

app = single()


def all_schemas() -> dict[str, dict[str, Any]]:
    """JSON Schema 2020-12 by name: every message, and the telemetry that trust is judged by."""
    return {**json_schemas(), "Telemetry": claims_schema()}


@app.command(epilog=examples("medtrust schema", "medtrust schema Hello > hello.schema.json"))
def schema(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="One message; else all of them.")
    ] = None,
) -> None:
    """Print the JSON Schema (2020-12) of the MQTT messages and of telemetry. Needs no home."""
    found = all_schemas()
    if name is None:
        print_json(found)
        return
    if name not in found:
        raise Missing(
            f"There is no message {name[:64]!r}.", next_step=f"One of: {', '.join(found)}.", field="NAME"
        )
    print_json(found[name])
