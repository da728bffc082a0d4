"""`medtrust udi`: a label taken apart, three answers apart: well formed, check, parts."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.asking import Json, noun
from cli.errors import EXIT_CODES
from cli.finding_view import finding_rows
from cli.output import print_fields, print_findings, print_json
from registry.identity.udi import parse_udi
from registry.model.udi import PartialDate, Udi
from service import clock

app = noun("UDI labels.", "medtrust udi parse '(01)09506000134352(17)271231(10)A1(21)SN1234'")


@app.command()
def parse(
    text: Annotated[
        str,
        typer.Argument(metavar="TEXT", help="As scanned or typed: GS1 (also a Digital Link), HIBCC, ICCBBA."),
    ],
    as_json: Json = False,
) -> None:
    """Parse a UDI label; exit code 2 where it is not well formed. Needs no home."""
    udi = parse_udi(text, today=clock.now().date())
    document, findings = _document(udi), finding_rows(udi.findings)
    if as_json:
        print_json({**document, "findings": findings})
    else:
        print_fields(
            {name: value for name, value in document.items() if value not in (None, {})}, as_json=False
        )
        print_findings(findings)
    if not udi.well_formed:
        raise typer.Exit(EXIT_CODES["usage"])


def _document(udi: Udi) -> dict[str, object]:
    return {
        "well_formed": udi.well_formed,
        "check": {None: "none there, or not reached", True: "holds", False: "fails"}[udi.check_ok],
        "agency": udi.agency,
        "udi_di": udi.udi_di,
        "serial_number": udi.serial_number,
        "lot_number": udi.lot_number,
        "manufactured_date": _date(udi.manufactured_date),
        "expiration_date": _date(udi.expiration_date),
        "expiration_hour": udi.expiration_hour,
        "software_version": udi.software_version,
        "donation_id": udi.donation_id,
        "basic_udi_di": udi.basic_udi_di,
        "other": [f"{name} {value}" for name, value in udi.other] or None,
    }


def _date(found: PartialDate | None) -> str | None:
    return None if found is None else str(found)
