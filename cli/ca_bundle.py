"""`medtrust ca bundle`: our trust bundle, or a folder that a consumer can use as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.asking import Json, home_of, registry
from cli.errors import CliError
from cli.output import note, print_fields, raw, say
from service import clock
from service.authority import BUNDLE_FILE, read_bundle
from service.exports.consumers import Consumer
from service.exports.folder import write_folder
from service.exports.gathered import trusted


def bundle(
    ctx: typer.Context,
    path: Annotated[bool, typer.Option("--path", help="Only where the trust bundle lies.")] = False,
    consumer: Annotated[
        Consumer | None, typer.Option("--for", help="Write what this consumer wants into a folder.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="That folder; renewed if ours.")] = None,
    as_json: Json = False,
) -> None:
    """Print the signed trust bundle that relying parties pin, or write a consumer's folder: --for and --out.

    A consumer's folder holds the CAs' certificates, their newest lists and a configuration to include.
    """
    if consumer is None:
        if out is not None:
            raise CliError("--out needs --for.", next_step="Say whom the folder is for.", field="--out")
        _print_trust_bundle(ctx, path=path)
        return
    if out is None:
        raise CliError("--for needs a folder.", next_step="Give --out DIR.", field="--out")
    _write(ctx, consumer, out.expanduser().absolute(), as_json=as_json)


def _print_trust_bundle(ctx: typer.Context, *, path: bool) -> None:
    home = home_of(ctx)
    home.require_initialised()
    read_bundle(home)
    file = home.public / BUNDLE_FILE
    if path:
        say(str(file))
    else:
        raw(file.read_text(encoding="ascii"))


def _write(ctx: typer.Context, consumer: Consumer, out: Path, *, as_json: bool) -> None:
    with registry(ctx) as runtime:
        with runtime.store.read() as uow:
            found = trusted(runtime.home, uow)
        now = clock.now()
        written = write_folder(consumer, found, out, now)
    for name in found.lapsed(now):
        note(
            f"The list of {name} is over, and {consumer} will refuse everybody: "
            f"medtrust crl publish --issuer {name}."
        )
    document = {
        "consumer": consumer.value,
        "folder": str(out),
        "files": list(written.files),
        "left_out": list(written.left_out),
        "lists_until": written.until,
    }
    print_fields(document, as_json=as_json)
