"""`medtrust cert`: certificates issued, shown, judged and taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.asking import Json, PassphraseFd, PassphraseFile, SharesFile, Yes, confirm, noun, registry, unlocked
from cli.cert_source import named, signed
from cli.cert_view import certificate_details, print_verdict, unpublished
from cli.device_view import certificate_row
from cli.effects import tell_effects
from cli.errors import EXIT_CODES
from cli.output import note, print_fields, print_json, print_rows, raw
from pki.path import verify
from registry import revocation
from registry.issuance import issue
from registry.lookup import get_certificate, get_device
from registry.model.certificate import CertificateRecord, CertificateState, certificate_serial
from registry.model.device import device_id
from registry.ordering import Asked, OrderProfile, order_of
from service import clock
from service.authority import read_bundle
from service.home import write_atomically
from service.pem import read_file, to_pem
from service.runtime import current_operator

app = noun(
    "Issue, show, verify, revoke and export certificates.",
    "medtrust cert issue --csr pump.csr --device mtd-abcdefghijklmnop --out pump.pem",
    "medtrust cert issue --csr www.csr --profile server --dns pki.hospital.example",
    "medtrust cert revoke 4A:07:...:1C --reason keyCompromise",
)
Serial = Annotated[
    str, typer.Argument(metavar="SERIAL", help="Serial number: decimal, 0x hex, hex or colon hex.")
]
Which = Annotated[str, typer.Argument(metavar="SERIAL|FILE", help="A serial number, or a PEM or DER file.")]


@app.command("issue")
def issue_one(
    csr: Annotated[Path, typer.Option(metavar="FILE", help="The PKCS#10 request, PEM or DER.")],
    ctx: typer.Context,
    profile: Annotated[OrderProfile, typer.Option(help="What the certificate is for.")] = OrderProfile.DEVICE,
    device: Annotated[str | None, typer.Option(metavar="ID", help="The approved device.")] = None,
    dns: Annotated[list[str] | None, typer.Option(help="A server's host name; repeat for each.")] = None,
    ip: Annotated[list[str] | None, typer.Option(help="A server's address; repeat for each.")] = None,
    days: Annotated[int | None, typer.Option(help="Lifetime; at most the profile's.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="For the chain; else stdout.")] = None,
    shares_file: SharesFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Issue a certificate for a request; names come from the registry or the options, never from it."""
    asked = Asked(
        request=read_file(csr, "request"),
        profile=profile,
        device=device,
        dns_names=tuple(dns or ()),
        ip_addresses=tuple(ip or ()),
        days=days,
    )
    with registry(ctx) as runtime:
        authority = unlocked(runtime, passphrase_file, passphrase_fd, shares_file)
        order = order_of(asked, authority.parts, runtime.ports)
        done = issue(order, current_operator(), ports=runtime.ports, issuer=authority.issuer)
    chain = to_pem(signed(done.record), *authority.parts.chain)
    if out is not None:
        write_atomically(out, chain)
    if as_json:
        print_json({**certificate_row(done.record), "log_index": done.log_index, "chain": chain.decode()})
        return
    if out is None:
        raw(chain.decode())
    where = f"; its chain is in {out}" if out else ""
    note(f"Issued {done.record.certificate_serial}, good until {done.record.not_after:%Y-%m-%d}{where}.")


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
def verify_one(which: Which, ctx: typer.Context, as_json: Json = False) -> None:
    """Verify a certificate against our own trust bundle and the newest lists; exit code 3 where invalid."""
    with registry(ctx) as runtime, runtime.store.read() as uow:
        found = named(which, uow)
        lists = (uow.lists.latest(issuer) for issuer in ("issuing", "root"))
        verdict = verify(
            found.certificate,
            bundle=read_bundle(runtime.home),
            now=clock.now(),
            crls=[stored.der for stored in lists if stored is not None],
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


@app.command()
def export(
    serial: Serial,
    ctx: typer.Context,
    chain: Annotated[bool, typer.Option("--chain", help="The issuing CA's certificate behind it.")] = False,
) -> None:
    """Print a certificate as PEM."""
    with registry(ctx) as runtime:
        with runtime.store.read() as uow:
            record = get_certificate(certificate_serial(serial), uow)
        issuing = read_bundle(runtime.home).intermediates if chain and record.issuer == "issuing" else ()
    raw(to_pem(signed(record), *issuing).decode())


def _decided(record: CertificateRecord, effects: object, *, as_json: bool) -> None:
    row = certificate_row(record)
    print_fields({**row, "effects": effects} if as_json else row, as_json=as_json)
