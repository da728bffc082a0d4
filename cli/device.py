"""`medtrust device`: who the devices are and what a person decides about them."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.asking import Json, Yes, confirm, noun, registry
from cli.device_view import certificate_row, device_details, device_row
from cli.effects import tell_effects
from cli.finding_view import finding_rows
from cli.output import note, print_fields, print_findings, print_json, print_rows
from registry import registration, revocation
from registry.identity.mac import mac_findings, parse_mac
from registry.lookup import get_device
from registry.model.criticality import Criticality
from registry.model.device import Device, DeviceState, device_id
from registry.registration import Approval, RegistrationRequest
from service.catalogue import read_catalogue
from service.runtime import current_operator

app = noun(
    "Register, approve, hold, revoke and retire devices.",
    "medtrust device register --udi '(01)09506000134352(21)SN1234' --mac 00:1b:44:11:3a:b7 --ward ICU-2",
    "medtrust device approve mtd-abcdefghijklmnop",
    "medtrust device list --state active --json",
)
DeviceArgument = Annotated[str, typer.Argument(metavar="DEVICE", help="The device's id.")]
Shown = Annotated[bool, typer.Option("--show-identifiers", help="Serial and lot numbers in clear.")]


@app.command()
def register(
    udi: Annotated[str, typer.Option(metavar="TEXT", help="The label as scanned or typed.")],
    ctx: typer.Context,
    mac: Annotated[list[str] | None, typer.Option(help="An interface's address; repeat for each.")] = None,
    ward: Annotated[str, typer.Option(help="Where it stands.")] = "",
    serial_number: Annotated[
        str | None, typer.Option(help="From the type plate, where the label carries none.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Register a device by its UDI label: says what it is, how critical, and why.

    The same UDI and serial number again is the same device.
    """
    macs = tuple(parse_mac(given) for given in mac or ())
    request = RegistrationRequest(udi, macs, ward, serial_number)
    with registry(ctx) as runtime:
        catalogue = read_catalogue(runtime.home)
        done = registration.register(request, current_operator(), ports=runtime.ports, catalogue=catalogue)
    findings = finding_rows((*done.findings, *(found for each in macs for found in mac_findings(each))))
    document = {
        "created": done.created,
        **device_row(done.device),
        "criticality_reasons": done.device.criticality_reasons,
    }
    if as_json:
        print_json({**document, "findings": findings})
        return
    print_fields(document, as_json=False)
    print_findings(findings)
    if done.device.state is DeviceState.REGISTERED:
        note(f"next: medtrust device approve {done.device.device_id}")


@app.command("list")
def list_devices(
    ctx: typer.Context,
    state: Annotated[DeviceState | None, typer.Option(help="Only devices in this state.")] = None,
    as_json: Json = False,
) -> None:
    """List devices, oldest first."""
    with registry(ctx) as runtime, runtime.store.read() as uow:
        tiers = {record.device_id: record.tier for record in uow.trust.all()}
        rows = [
            {**device_row(device), "tier": tiers.get(device.device_id)} for device in uow.devices.all(state)
        ]
    columns = ("device_id", "state", "criticality", "tier", "product", "ward")
    print_rows(
        rows, as_json=as_json, columns=columns, empty="No devices. Register one: medtrust device register."
    )


@app.command()
def show(
    device: DeviceArgument, ctx: typer.Context, show_identifiers: Shown = False, as_json: Json = False
) -> None:
    """Show a device with its certificates, trust, alarms and conflicts; identifiers are masked."""
    with registry(ctx) as runtime, runtime.store.read() as uow:
        known = get_device(device_id(device), uow)
        document = device_details(known, uow, in_clear=show_identifiers)
        certificates = [certificate_row(c) for c in uow.certificates.of_device(known.device_id)]
    if as_json:
        print_json({**document, "certificates": certificates})
        return
    print_fields(document, as_json=False)
    columns = ("certificate_serial", "state", "profile", "not_after", "reason")
    print_rows(certificates, as_json=False, columns=columns, empty="No certificates.")


@app.command()
def approve(
    device: DeviceArgument,
    ctx: typer.Context,
    criticality: Annotated[
        Criticality | None, typer.Option(help="Overrules the judgement; needed for an unknown product.")
    ] = None,
    resolve_conflicts: Annotated[
        bool, typer.Option(help="I looked: the contradictions are settled.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; recorded with the decision.")] = "",
    as_json: Json = False,
) -> None:
    """Approve a device, so that it may enrol."""
    approval = Approval(device_id(device), criticality, resolve_conflicts, reason)
    with registry(ctx) as runtime:
        approved = registration.approve(approval, current_operator(), ports=runtime.ports)
    _decided(approved, as_json=as_json)
    note(f"next: medtrust token create {approved.device_id}")


@app.command()
def hold(
    device: DeviceArgument,
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; stays out of the audit log.")],
    as_json: Json = False,
) -> None:
    """Suspend a device: its certificates go on hold and its session is cut; `release` brings it back."""
    with registry(ctx) as runtime:
        held = revocation.hold_device(device_id(device), reason, current_operator(), ports=runtime.ports)
        effects = tell_effects(runtime, cut=held.device_id)
    _decided(held, as_json=as_json, effects=effects)


@app.command()
def release(device: DeviceArgument, ctx: typer.Context, as_json: Json = False) -> None:
    """Bring a held or contained device back."""
    with registry(ctx) as runtime:
        released = revocation.release_device(device_id(device), current_operator(), ports=runtime.ports)
        effects = tell_effects(runtime)
    _decided(released, as_json=as_json, effects=effects)


@app.command()
def retire(device: DeviceArgument, ctx: typer.Context, yes: Yes = False, as_json: Json = False) -> None:
    """Retire a device for good: its certificates end with cessationOfOperation."""
    with registry(ctx) as runtime:
        with runtime.store.read() as uow:
            known = get_device(device_id(device), uow)
        confirm(f"Retire {known.device_id} ({known.criticality}) for good?", yes=yes)
        retired = registration.retire(known.device_id, current_operator(), ports=runtime.ports)
        effects = tell_effects(runtime, cut=retired.device_id)
    _decided(retired, as_json=as_json, effects=effects)


@app.command()
def revoke(
    device: DeviceArgument,
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(metavar="REASON", help="keyCompromise, privilegeWithdrawn, ...")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Revoke a device and every live certificate of it; its session is cut."""
    with registry(ctx) as runtime:
        with runtime.store.read() as uow:
            known = get_device(device_id(device), uow)
        confirm(f"Revoke {known.device_id} ({known.criticality}) and cut its session?", yes=yes)
        revoked = revocation.revoke_device(known.device_id, reason, current_operator(), ports=runtime.ports)
        effects = tell_effects(runtime, cut=revoked.device_id)
    _decided(revoked, as_json=as_json, effects=effects)


def _decided(device: Device, *, as_json: bool, effects: object = None) -> None:
    document: dict[str, object] = {
        "device_id": device.device_id,
        "state": device.state,
        "criticality": device.criticality,
    }
    if as_json:
        print_json({**document, "effects": effects})
    else:
        print_fields(document, as_json=False)
