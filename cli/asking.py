"""What every command asks in the same way: the home, the passphrase, a yes; and what it opens with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.errors import NotConfirmed
from cli.output import note
from cli.words import clean, examples
from service.home import Home, find_home
from service.runtime import PassphraseSource, Runtime, open_runtime

if TYPE_CHECKING:
    from service.authority import Authority

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The passphrase's file (0600); else MEDTRUST_PASSPHRASE_FILE."),
]
PassphraseFd = Annotated[
    int | None, typer.Option(metavar="N", help="An open file descriptor to read the passphrase from.")
]
SharesFile = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE", help="A share of the quorum (0600); repeat for each. Else MEDTRUST_SHARES_FILES."
    ),
]


def noun(help_text: str, *lines: str) -> typer.Typer:
    """A group of verbs, its help and its examples."""
    return typer.Typer(
        help=help_text,
        epilog=examples(*lines) if lines else None,
        rich_markup_mode=None,
        add_completion=False,
        no_args_is_help=True,
        # Also a noun with one verb is a group.
        callback=lambda: None,
    )


def single() -> typer.Typer:
    """A command without verbs."""
    return typer.Typer(rich_markup_mode=None, add_completion=False)


def home_of(ctx: typer.Context) -> Home:
    """--home, MEDTRUST_HOME or the default."""
    return find_home(ctx.find_root().obj)


@contextmanager
def registry(ctx: typer.Context) -> Iterator[Runtime]:
    """The registry of an initialised home, open for one command."""
    with open_runtime(home_of(ctx)) as runtime:
        yield runtime


def unlocked(
    runtime: Runtime, file: Path | None, descriptor: int | None, shares: Sequence[Path] | None = None
) -> Authority:
    """The CA with its keys; asks for the passphrase or the shares where nothing gives them."""
    # Half a second of imports that only commands which sign must pay.
    from service.authority import unlock

    return unlock(runtime.home, runtime.settings, passphrase_of(runtime, file, descriptor, shares))


def passphrase_of(
    runtime: Runtime, file: Path | None, descriptor: int | None, shares: Sequence[Path] | None = None
) -> bytes:
    """The passphrase from a file, a descriptor or a prompt, or from a quorum's shares."""
    from service.activation import Activation, activate

    asked = Activation(PassphraseSource(file, descriptor), tuple(shares or ()))
    return activate(asked, runtime, note)


def confirm(question: str, *, yes: bool) -> None:
    """A person's yes, from a terminal or by --yes; NotConfirmed otherwise."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise NotConfirmed(
            "There is no terminal to ask at.", next_step="Say it on the command line: --yes.", field="--yes"
        )
    sys.stderr.write(f"{clean(question)} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise NotConfirmed("Not confirmed; nothing was done.", field="--yes")
