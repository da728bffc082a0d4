"""`medtrust status provision`: a home for a status server elsewhere, without any CA's key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.asking import Json, PassphraseFd, PassphraseFile, SharesFile, home_of, passphrase_of
from cli.output import note, print_fields


def provision(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The new home; renewed if made here.")],
    new_passphrase_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The new home's passphrase (0600); else it is asked for."),
    ] = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    shares_file: SharesFile = None,
    as_json: Json = False,
) -> None:
    """Make a home for `medtrust status-server` on another machine or for another user: no CA's key.

    It holds certificates, what is public, and the OCSP delegates' keys under a passphrase of their own. Run
    it again when the delegates were made new; a status server that runs on it takes them over by itself.
    """
    from service.activation import new_passphrase
    from service.runtime import open_runtime
    from service.status.provision import provision as make

    with open_runtime(home_of(ctx)) as runtime:
        passphrase = passphrase_of(runtime, passphrase_file, passphrase_fd, shares_file)
        new = new_passphrase(new_passphrase_file)
        made = make(runtime, passphrase, folder.expanduser().absolute(), new)
    if made.store_is_here:
        note("Its store is a file of this machine: elsewhere set store.url to a PostgreSQL server.")
    document = {"folder": str(made.folder), "cas": list(made.cas), "signers_until": made.until}
    print_fields(document, as_json=as_json)
