"""`medtrust ca import`: an existing CA becomes one of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.asking import Json, PassphraseFd, PassphraseFile, SharesFile, Yes, confirm
from cli.ca_ceremony import Medium
from cli.ca_life import room_in
from cli.finding_view import finding_rows
from cli.output import note, print_fields, print_findings
from service.ca_import import Imported, ImportOrder, import_authority
from service.ca_material import Files, read_material
from service.passphrase import first_line


def import_ca(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its short name here.")],
    certificate: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its certificate (PEM or DER), its chain behind.")
    ] = None,
    key: Annotated[Path | None, typer.Option(metavar="FILE", help="Its private key (0600).")] = None,
    alternative_key: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A catalyst CA's second key (0600).")
    ] = None,
    pkcs12: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Both in a PKCS#12 file (0600) instead.")
    ] = None,
    key_password_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What opens them, where they are encrypted (0600).")
    ] = None,
    chain: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The certificates above it, up to the root.")
    ] = None,
    crl: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its last full list: numbers and entries go on.")
    ] = None,
    issues: Annotated[
        bool, typer.Option("--issues/--no-issues", help="Whether it certifies devices and servers here.")
    ] = True,
    default: Annotated[bool, typer.Option("--default", help="Make it the default CA.")] = False,
    accept_findings: Annotated[
        bool, typer.Option("--accept-findings", help="Take it as it is, whatever was found.")
    ] = False,
    medium: Medium = None,
    yes: Yes = False,
    shares_file: SharesFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Take over an existing CA: certificate, key, chain and last list, judged before anything is changed.

    Its root becomes an anchor of our trust bundle. Stop the old service first: two CAs with one key would
    hand out lists with the same numbers.
    """
    password = first_line(key_password_file, "key password file") if key_password_file else None
    material = read_material(
        Files(
            certificate=certificate,
            key=key,
            alternative_key=alternative_key,
            pkcs12=pkcs12,
            password=password,
            chain=chain,
            last_list=crl,
        )
    )
    confirm(f"Make this CA one of ours, as {name}, and its root an anchor of our trust bundle?", yes=yes)
    order = ImportOrder(name=name, issues=issues, default=default, accept_findings=accept_findings)
    with room_in(ctx, medium, passphrase_file, passphrase_fd, shares_file) as (room, ports):
        done = import_authority(material, order, room, ports=ports)
    _print_done(done, as_json=as_json)


def _print_done(done: Imported, *, as_json: bool) -> None:
    findings = finding_rows(done.findings)
    document: dict[str, object] = {
        "ca": done.entry.name,
        "issuer": done.entry.issuer_name,
        "sha256": done.entry.sha256,
        "revocations_taken_over": done.revocations,
        "crl_number": done.crl_number,
    }
    if as_json:
        print_fields({**document, "findings": findings}, as_json=True)
        return
    print_fields(document, as_json=False)
    print_findings(findings)
    note("Restart medtrust up, where it runs. Destroy the other copies of the key.")
