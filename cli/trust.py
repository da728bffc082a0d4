"""`medtrust trust`: what we judge each device to be, why, and what we compare it with."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.asking import Json, noun, registry
from cli.output import note, print_fields, print_json, print_rows, say
from registry.model.appraisal_json import appraisal_from_dict, appraisal_to_dict
from registry.model.device import DeviceId, device_id
from registry.reappraisal import view
from registry.references import Reference, add_reference
from service import clock
from service.runtime import current_operator

app = noun(
    "Trust tiers, their reasons, and reference values.",
    "medtrust trust explain mtd-abcdefghijklmnop",
    "medtrust trust reference add --udi-di 09506000134352 --sha256 HEX --name pump-os --version 4.2",
)
reference = noun("Firmware that a product may run.")
app.add_typer(reference, name="reference")


@app.command()
def explain(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="The device's id.")],
    ctx: typer.Context,
    as_json: Json = False,
) -> None:
    """Explain a device's tier: every judgement with its evidence, what would raise it, and what follows."""
    with registry(ctx) as runtime:
        found = view(device_id(device), ports=runtime.ports)
    sections = {section.title: list(section.lines) for section in found.explanation.sections}
    if as_json:
        print_json(
            {
                "device_id": found.device.device_id,
                "tier": found.tier,
                "criticality": found.device.criticality,
                "messages": found.messages,
                "appraisal": appraisal_to_dict(found.appraisal),
                "explanation": {"headline": found.explanation.headline, **sections},
            }
        )
        return
    say(found.explanation.headline)
    if found.tier is not found.appraisal.tier:
        say(f"Its last appraisal is too old to rely on: take it as {found.tier}.")
    for title, lines in sections.items():
        say(f"{title}:")
        for line in lines:
            say(f"  {line}")


@app.command("list")
def list_trust(ctx: typer.Context, as_json: Json = False) -> None:
    """List every device that was ever heard, with its tier as it stands now."""
    now = clock.now()
    rows: list[dict[str, object]] = []
    with registry(ctx) as runtime, runtime.store.read() as uow:
        devices = {device.device_id: device for device in uow.devices.all()}
        for record in uow.trust.all():
            appraisal = appraisal_from_dict(record.appraisal)
            rows.append(
                {
                    "device_id": record.device_id,
                    "tier": appraisal.tier_at(now),
                    "criticality": devices[DeviceId(record.device_id)].criticality,
                    "messages": record.messages,
                    "appraised_at": record.appraised_at,
                    "reasons": [f.rule for f in appraisal.findings if f.refuses],
                }
            )
    print_rows(rows, as_json=as_json, empty="Nothing was heard yet.")


@reference.command()
def add(
    udi_di: Annotated[str, typer.Option(help="The product.")],
    sha256: Annotated[str, typer.Option(metavar="HEX", help="Of the firmware image.")],
    name: Annotated[str, typer.Option(help="The firmware's name.")],
    version: Annotated[str, typer.Option(help="Its release.")],
    ctx: typer.Context,
    as_json: Json = False,
) -> None:
    """List a firmware release as one that devices of a product may run."""
    listed = Reference(udi_di=udi_di, sha256=sha256.strip().lower(), name=name, version=version)
    with registry(ctx) as runtime:
        add_reference(listed, current_operator(), ports=runtime.ports)
    document = {"udi_di": udi_di, "name": name, "version": version, "sha256": listed.sha256}
    print_fields(document, as_json=as_json)
    note("Devices are judged by it from their next telemetry on.")


@reference.command("list")
def list_references(
    udi_di: Annotated[str, typer.Argument(metavar="UDI-DI", help="The product.")],
    ctx: typer.Context,
    as_json: Json = False,
) -> None:
    """List the firmware releases known for a product."""
    with registry(ctx) as runtime, runtime.store.read() as uow:
        found = uow.trust.references(udi_di)
    rows = [{"name": name, "version": version, "sha256": sha256} for name, version, sha256 in found]
    print_rows(rows, as_json=as_json, empty="No reference values: its firmware cannot be judged.")
