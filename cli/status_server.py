"""`medtrust status-server`: status alone, in the foreground, until it is told to end."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.asking import PassphraseFd, PassphraseFile, home_of, single
from cli.output import say
from cli.words import examples

app = single()
Workers = Annotated[int | None, typer.Option(metavar="N", help="Processes that answer; else status.workers.")]
Listen = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where to listen; else status.listen.")]


@app.command(
    epilog=examples(
        "medtrust status-server",
        "medtrust status-server --workers 2 --listen 127.0.0.1:8081",
        "medtrust --home /srv/responder status-server --passphrase-file /etc/medtrust/responder.pass",
    )
)
def status_server(
    ctx: typer.Context,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    workers: Workers = None,
    listen: Listen = None,
) -> None:
    """Answer OCSP and hand out lists with the store open for reading; no CA's key is opened.

    Works on the home of a running `medtrust up`, or on one made by `medtrust status provision`. Ends on
    Ctrl-C or SIGTERM.
    """
    from service.runtime import PassphraseSource, read_passphrase
    from service.settings import read_settings, with_status
    from service.status.standalone import run

    home = home_of(ctx)
    home.require_initialised()
    settings = with_status(read_settings(home), listen=listen, workers=workers)
    passphrase = read_passphrase(PassphraseSource(passphrase_file, passphrase_fd), settings)
    raise typer.Exit(run(home, settings, passphrase, _tell))


def _tell(text: str) -> None:
    import sys

    say(text)
    sys.stdout.flush()
