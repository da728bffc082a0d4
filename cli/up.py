"""`medtrust up`: the process in the foreground, until it is told to end."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.asking import PassphraseFd, PassphraseFile, SharesFile, home_of, single
from cli.output import note
from cli.words import examples
from service.activation import Activation, activate
from service.daemon import run
from service.runtime import PassphraseSource, open_runtime

app = single()
OlderStore = Annotated[
    bool,
    typer.Option(
        "--accept-older-store",
        help="Go on with a restored older copy; revocations are taken over from the published list.",
    ),
]
Quorum = Annotated[bool, typer.Option("--quorum", help="Ask for the quorum's shares, one by one.")]


@app.command(
    epilog=examples(
        "medtrust up", "medtrust up --passphrase-file /etc/medtrust/ca.pass", "medtrust up --quorum"
    )
)
def up(
    ctx: typer.Context,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    shares_file: SharesFile = None,
    quorum: Quorum = False,
    accept_older_store: OlderStore = False,
) -> None:
    """Start the broker, the enrolment bridge, OCSP, lists and the jobs; ends on Ctrl-C or SIGTERM."""
    home = home_of(ctx)
    source = PassphraseSource(passphrase_file, passphrase_fd)
    asked = Activation(source, tuple(shares_file or ()), quorum, purpose="up")
    with open_runtime(home) as runtime:
        passphrase = activate(asked, runtime, note, accept_older_store=accept_older_store)
    raise typer.Exit(run(home, passphrase, _tell, accept_older_store=accept_older_store))


def _tell(text: str) -> None:
    for line in text.splitlines():
        note(line)
