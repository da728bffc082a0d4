"""`medtrust catalog`: what the catalogue says of products and types; the hospital's own over the built-in."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from cli.asking import Json, home_of, noun
from cli.errors import Missing
from cli.output import print_fields, print_rows
from registry.identity.catalogue import SeedCatalogue
from registry.identity.criticality import judge_criticality
from registry.model.product import Product
from service.catalogue import read_catalogue

app = noun(
    "The catalogue of device types.", "medtrust catalog search 'infusion pump'", "medtrust catalog show FRN"
)


@app.command()
def search(
    ctx: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="Words that must all be there, in any case.")],
    as_json: Json = False,
) -> None:
    """Search products and types."""
    rows = [
        {**asdict(product), "criticality": judge_criticality(product).criticality}
        for product in read_catalogue(home_of(ctx)).search(text)
    ]
    columns = ("product_code", "device_name", "device_class", "criticality", "udi_di")
    print_rows(rows, as_json=as_json, columns=columns, empty="Nothing in the catalogue holds these words.")


@app.command()
def show(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(metavar="DI|CODE", help="A UDI-DI, or an FDA product code.")],
    as_json: Json = False,
) -> None:
    """Show a product's facts, and how critical it is judged to be and why."""
    product = _found(which, read_catalogue(home_of(ctx)))
    judged = judge_criticality(product)
    document = {
        **asdict(product),
        "criticality": judged.criticality,
        "criticality_reasons": list(judged.reasons),
    }
    print_fields(document, as_json=as_json)


def _found(which: str, catalogue: SeedCatalogue) -> Product:
    known = (catalogue.product, catalogue.product_by_code, catalogue.hospital_type)
    product = next((found for look in known if (found := look(which)) is not None), None)
    if product is None:
        raise Missing(
            f"The catalogue knows no {which[:64]}.",
            next_step="Look for it by words: medtrust catalog search TEXT.",
            field="DI|CODE",
        )
    return product
