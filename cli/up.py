"""`medtrust up`: the process in the foreground, until it is told to end."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.asking import PassphraseFd, PassphraseFile, home_of, single
from cli.output import note
from cli.words import examples
from service.daemon import run
from service.runtime import PassphraseSource, read_passphrase
from service.settings import read_settings

app = single()
OlderStore = Annotated[
    bool,
    typer.Option(
        "--accept-older-store",
        help="Go on with a restored older copy; revocations are taken over from the published list.",
    ),
]


@app.command(epilog=examples("medtrust up", "medtrust up --passphrase-file /etc/medtrust/ca.pass"))
def up(
    ctx: typer.Context,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    accept_older_store: OlderStore = False,
) -> None:
    """Start the broker, the enrolment bridge, OCSP, lists and the jobs; ends on Ctrl-C or SIGTERM."""
    home = home_of(ctx)
    home.require_initialised()
    source = PassphraseSource(passphrase_file, passphrase_fd)
    passphrase = read_passphrase(source, read_settings(home))
    raise typer.Exit(run(home, passphrase, _tell, accept_older_store=accept_older_store))


def _tell(text: str) -> None:
    for line in text.splitlines():
        note(line)
