"""`medtrust drill`: what would happen if, played without touching anything."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.asking import Json, noun
from cli.drill_view import duration, summary, svg, text_curve
from cli.output import note, print_json, print_rows, raw, say
from pki.algorithms import KeyAlgorithm
from pki.profiles import Form
from registry.drill import DAY, Rules
from service.drill import Asked, Played, drill
from service.home import write_atomically

app = noun(
    "Play an emergency on a simulated fleet; no home is opened and nothing of yours is touched.",
    "medtrust drill reissue --from ec-p256",
    "medtrust drill reissue --from ml-dsa-65 --devices 5000 --rate 50 --out curve.svg",
)


@app.command()
def reissue(
    fallen: Annotated[
        KeyAlgorithm, typer.Option("--from", metavar="KIND", help="The key algorithm that has fallen.")
    ],
    to: Annotated[
        Form | None, typer.Option(help="The form of the new certificates; else one that still stands.")
    ] = None,
    devices: Annotated[int, typer.Option(metavar="N", help="How large the fleet is.")] = 1000,
    seed: Annotated[int, typer.Option(metavar="N", help="The same number plays the same story.")] = 1,
    rate: Annotated[
        float,
        typer.Option(metavar="N", min=0.0, help="At most N certificates a second; 0: as fast as it goes."),
    ] = 0.0,
    days: Annotated[int, typer.Option(metavar="N", min=1, max=365, help="How long the story goes on.")] = 30,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the curve there, as SVG.")] = None,
    as_json: Json = False,
) -> None:
    """Re-issue a whole fleet, the gravest harm first: how long until all are safe, and who is left, and why.

    Certificates are really issued, in a store that is thrown away, so their rate is measured; when devices
    can be reached is simulated, by assumptions that docs/keys.md lists.
    """
    rules = Rules(rate=rate, horizon=days * DAY)
    played = drill(Asked(fallen, to, devices, seed, rules))
    if out is not None:
        write_atomically(out, svg(played.outcome, f"{played.before} has fallen: {devices} devices").encode())
        note(f"The curve is in {out}.")
    if as_json:
        print_json(_document(played))
    else:
        _tell(played)


def _document(played: Played) -> dict[str, object]:
    outcome = played.outcome
    return {
        "from": played.before,
        "to": played.after,
        "devices": len(outcome.fleet),
        "issued": len(outcome.safe_at),
        "issued_per_second": round(outcome.issued_per_second, 1),
        "still_on_the_fallen_key": played.still_fallen,
        "seconds": summary(outcome),
        "remaining": [
            {"criticality": kind.value, "why": why.value, "devices": count}
            for kind, why, count in outcome.remaining()
        ],
    }


def _tell(played: Played) -> None:
    outcome = played.outcome
    say(f"{played.before} has fallen. {len(outcome.fleet)} devices get {played.after}.")
    say("")
    raw(text_curve(outcome))
    say("")
    times = ("to_50", "to_90", "to_99")
    rows = [
        {
            **row,
            **{name: duration(value if isinstance(value := row[name], float) else None) for name in times},
        }
        for row in summary(outcome)
    ]
    print_rows(rows, as_json=False, empty="")
    say("")
    say(
        f"Issued {len(outcome.safe_at)} in {outcome.issuing:.1f} s of work: "
        f"{outcome.issued_per_second:.0f}/s, measured. The rest of the time was waiting for devices."
    )
    for kind, why, count in outcome.remaining():
        say(f"  left: {count:>5} {kind.value}: {why.value}")
    if outcome.remaining():
        say("Nobody was cut off. Those are to be contained on the network, updated or replaced, by people.")
