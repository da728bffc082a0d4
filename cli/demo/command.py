"""`medtrust demo`: the whole path on this machine, with nothing to answer and nothing left running."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console

from cli.asking import single
from cli.demo.story import play
from cli.errors import EXIT_CODES, CliError
from cli.words import examples
from service.settings import BrokerKind

app = single()
_BROKERS = ("auto", "mosquitto", "embedded")


@app.command(epilog=examples("medtrust demo", "medtrust demo --out /tmp/demo-out --broker embedded"))
def demo(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to leave what it made.")] = Path("demo-out"),
    broker: Annotated[str, typer.Option(help=f"One of: {', '.join(_BROKERS)}.")] = "auto",
) -> None:
    """Play the whole path: labels, certificates, trust, revocation, theft; in a throw-away home.

    Exit code 0 only where every step holds; DIR/demo.json says what was checked, and by whom.
    """
    if broker not in _BROKERS:
        raise CliError(
            f"{broker!r} is no broker.", next_step=f"One of: {', '.join(_BROKERS)}.", field="--broker"
        )
    if not play(out, cast("BrokerKind", broker), Console(highlight=False)):
        raise typer.Exit(EXIT_CODES["failed"])
