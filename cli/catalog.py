"""`medtrust catalog`: what the built-in catalogue says of products and types. Needs no home."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli.asking import Json, noun
from cli.errors import Missing
from cli.output import print_fields, print_rows
from registry.identity.catalogue import SEED
from registry.identity.criticality import judge_criticality
from registry.model.product import Product

app = noun(
    "The catalogue of device types.", "medtrust catalog search 'infusion pump'", "medtrust catalog show FRN"
)


@app.command()
def search(
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Words that must all be there, in any case.")],
    as_json: Json = False,
) -> None:
    """Search products and types."""
    rows = [
        {**asdict(product), "criticality": judge_criticality(product).criticality}
        for product in SEED.search(text)
    ]
    columns = ("product_code", "device_name", "device_class", "criticality", "udi_di")
    print_rows(rows, as_json=as_json, columns=columns, empty="Nothing in the catalogue holds these words.")


@app.command()
def show(
    which: Annotated[str, typer.Argument(metavar="DI|CODE", help="A UDI-DI, or an FDA product code.")],
    as_json: Json = False,
) -> None:
    """Show a product's facts, and how critical it is judged to be and why."""
    product = _found(which)
    judged = judge_criticality(product)
    document = {
        **asdict(product),
        "criticality": judged.criticality,
        "criticality_reasons": list(judged.reasons),
    }
    print_fields(document, as_json=as_json)


def _found(which: str) -> Product:
    product = SEED.product(which) or SEED.product_by_code(which) or SEED.hospital_type(which)
    if product is None:
        raise Missing(
            f"The catalogue knows no {which[:64]}.",
            next_step="Look for it by words: medtrust catalog search TEXT.",
            field="DI|CODE",
        )
    return product
