"""`medtrust crl`: revocation lists, published by hand and read."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.asking import Json, PassphraseFd, PassphraseFile, SharesFile, noun, passphrase_of, registry
from cli.errors import Missing
from cli.output import print_fields, print_json, print_rows
from pki import names
from pki.crl_list import CertificateList
from registry.model.certificate import of_int
from registry.publication import publish
from service.authority import ISSUING, ROOT
from service.home import write_atomically
from service.lists import read_list, signer_of
from service.runtime import current_operator

app = noun("Revocation lists.", "medtrust crl publish", "medtrust crl show issuing --json")


class ListIssuer(StrEnum):
    """Whose list."""

    ISSUING = ISSUING
    ROOT = ROOT


@app.command("publish")
def publish_now(
    ctx: typer.Context,
    issuer: Annotated[ListIssuer, typer.Option(help="Whose list.")] = ListIssuer.ISSUING,
    shares_file: SharesFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Sign and publish a new list of everything revoked, now."""
    with registry(ctx) as runtime:
        passphrase = passphrase_of(runtime, passphrase_file, passphrase_fd, shares_file)
        signer = signer_of(runtime.home, issuer, passphrase)
        stored = publish(signer, current_operator(), ports=runtime.ports)
        path = runtime.home.public / f"{issuer}.crl"
        write_atomically(path, stored.der)
    document = {"crl_number": stored.crl_number, "next_update": stored.next_update, "file": str(path)}
    print_fields(document, as_json=as_json)


@app.command()
def show(
    which: Annotated[
        str, typer.Argument(metavar="FILE|issuing|root", help="A list's file, or whose newest list.")
    ],
    ctx: typer.Context,
    as_json: Json = False,
) -> None:
    """Show a list's number, times and entries."""
    found = CertificateList.parse(_der(which, ctx))
    entries: list[dict[str, object]] = []
    for serial in sorted(found.serials):
        entry = found.revoked(serial)
        if entry is not None:
            reason = entry.reason.name.lower()
            entries.append(
                {"certificate_serial": of_int(serial), "revoked_at": entry.revoked_at, "reason": reason}
            )
    document: dict[str, object] = {
        "issuer": names.show(found.issuer),
        "crl_number": found.crl_number,
        "this_update": found.this_update,
        "next_update": found.next_update,
        "delta": found.is_delta,
        "entries": len(entries),
    }
    if as_json:
        print_json({**document, "entries": entries})
        return
    print_fields(document, as_json=False)
    print_rows(entries, as_json=False, empty="It lists no certificate.")


def _der(which: str, ctx: typer.Context) -> bytes:
    if which not in (ISSUING, ROOT):
        return read_list(Path(which))
    with registry(ctx) as runtime, runtime.store.read() as uow:
        stored = uow.lists.latest(which)
    if stored is None:
        raise Missing(
            f"No list of {which} was published yet.",
            next_step="Publish one: medtrust crl publish.",
            field="issuer",
        )
    return stored.der
