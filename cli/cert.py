"""`medtrust cert`: certificates issued, shown, judged and taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.asking import Json, Yes, confirm, noun, registry
from cli.cert_answer import answer
from cli.cert_export import export
from cli.cert_issue import challenge, issue_one
from cli.cert_request import app as requests
from cli.cert_source import named
from cli.cert_view import certificate_details
from cli.device_view import certificate_row
from cli.effects import tell_effects
from cli.errors import EXIT_CODES
from cli.output import print_fields, print_rows
from cli.verdict_view import print_verdict, unpublished
from pki.path import verify
from registry import revocation
from registry.lookup import get_certificate, get_device
from registry.model.certificate import CertificateRecord, CertificateState, certificate_serial
from registry.model.device import device_id
from service import clock
from service.authorities import read_authorities
from service.authority import read_bundle
from service.lists import read_list
from service.runtime import current_operator

app = noun(
    "Issue, show, verify, revoke and export certificates.",
    "medtrust cert request --cn mtd-abcdefghijklmnop --out pump",
    "medtrust cert issue --csr pump.csr --device mtd-abcdefghijklmnop --out pump.pem",
    "medtrust cert issue --csr www.csr --profile server --dns pki.hospital.example",
    "medtrust cert revoke 4A:07:...:1C --reason keyCompromise",
)
Serial = Annotated[
    str, typer.Argument(metavar="SERIAL", help="Serial number: decimal, 0x hex, hex or colon hex.")
]
Which = Annotated[str, typer.Argument(metavar="SERIAL|FILE", help="A serial number, or a PEM or DER file.")]


app.add_typer(requests, name="request")
app.command("issue")(issue_one)
app.command()(challenge)
app.command()(answer)


@app.command()
def show(which: Which, ctx: typer.Context, as_json: Json = False) -> None:
    """Show a certificate: what stands in it, and what the registry knows of it."""
    with registry(ctx) as runtime, runtime.store.read() as uow:
        found = named(which, uow)
        document = certificate_details(found.certificate, found.record)
    print_fields(document, as_json=as_json)


@app.command("list")
def list_certificates(
    ctx: typer.Context,
    state: Annotated[CertificateState | None, typer.Option(help="Only those in this state.")] = None,
    device: Annotated[str | None, typer.Option(metavar="ID", help="Only this device's.")] = None,
    as_json: Json = False,
) -> None:
    """List certificates, oldest first."""
    with registry(ctx) as runtime, runtime.store.read() as uow:
        wanted = get_device(device_id(device), uow).device_id if device else None
        rows = [certificate_row(c) for c in uow.certificates.all(state) if wanted in (None, c.device_id)]
    columns = ("certificate_serial", "state", "profile", "subject", "not_after")
    print_rows(rows, as_json=as_json, columns=columns, empty="No certificates.")


@app.command("verify")
def verify_one(
    which: Which,
    ctx: typer.Context,
    crl: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE", help="A list of a CA whose key is not ours, as above an imported one; repeat."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a certificate against our own trust bundle and the newest lists; exit code 3 where invalid."""
    theirs = [read_list(path) for path in crl or ()]
    with registry(ctx) as runtime, runtime.store.read() as uow:
        found = named(which, uow)
        lists = (uow.lists.latest(ca.name) for ca in read_authorities(runtime.home))
        verdict = verify(
            found.certificate,
            bundle=read_bundle(runtime.home),
            now=clock.now(),
            crls=[*(stored.der for stored in lists if stored is not None), *theirs],
        )
    if found.record is not None and found.record.state.is_revoked:
        verdict = unpublished(verdict, found.record)
    print_verdict(verdict, as_json=as_json)
    if not verdict.is_valid:
        raise typer.Exit(EXIT_CODES["refused"])


@app.command()
def revoke(
    serial: Serial,
    ctx: typer.Context,
    reason: Annotated[str, typer.Option(metavar="REASON", help=f"One of: {', '.join(revocation.REASONS)}.")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Revoke a certificate for good; where it was the device's last, its session is cut."""
    with registry(ctx) as runtime:
        with runtime.store.read() as uow:
            known = get_certificate(certificate_serial(serial), uow)
        confirm(f"Revoke {known.certificate_serial} ({known.subject}) for good?", yes=yes)
        ended = revocation.revoke_certificate(
            known.certificate_serial, reason, current_operator(), ports=runtime.ports
        )
        _decided(ended, tell_effects(runtime, cut=ended.device_id), as_json=as_json)


@app.command()
def hold(serial: Serial, ctx: typer.Context, as_json: Json = False) -> None:
    """Suspend a certificate, and with it its device; `release` brings both back."""
    with registry(ctx) as runtime:
        held = revocation.hold_certificate(
            certificate_serial(serial), current_operator(), ports=runtime.ports
        )
        _decided(held, tell_effects(runtime, cut=held.device_id), as_json=as_json)


@app.command()
def release(serial: Serial, ctx: typer.Context, as_json: Json = False) -> None:
    """Bring a certificate back from hold, and its device."""
    with registry(ctx) as runtime:
        released = revocation.release_certificate(
            certificate_serial(serial), current_operator(), ports=runtime.ports
        )
        _decided(released, tell_effects(runtime), as_json=as_json)


app.command()(export)


def _decided(record: CertificateRecord, effects: object, *, as_json: bool) -> None:
    row = certificate_row(record)
    print_fields({**row, "effects": effects} if as_json else row, as_json=as_json)
