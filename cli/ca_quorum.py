"""`medtrust ca quorum`: several people who open the CA together."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.asking import Json, PassphraseFd, PassphraseFile, SharesFile, noun, passphrase_of, registry
from cli.errors import CliError
from cli.output import note, print_fields
from service.activation import gather_shares, new_passphrase, old_passphrase
from service.authorities import KeyPlace, read_register
from service.ca_keys import key_files
from service.errors import BadSetting
from service.home import Home, make_private, write_private
from service.keystore import reseal_here
from service.process_lock import alone
from service.quorum import Deliver, Slot, Split, end_quorum, note_use, require_slot, split_passphrase
from service.runtime import current_operator

app = noun(
    "Open the CA with M of N people instead of one passphrase.",
    "medtrust ca quorum split --shares 5 --threshold 3",
    "medtrust ca quorum split --shares 5 --threshold 3 --retire-passphrase --out /media/stick/shares",
    "medtrust up --quorum",
)


@app.command()
def split(
    ctx: typer.Context,
    shares: Annotated[int, typer.Option(metavar="N", help="How many people get a share (2 to 16).")],
    threshold: Annotated[int, typer.Option(metavar="M", help="How many of them open the CA.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write share-N.txt there; else one by one on screen.")
    ] = None,
    retire_passphrase: Annotated[
        bool, typer.Option("--retire-passphrase", help="The passphrase opens nothing afterwards.")
    ] = False,
    shares_file: SharesFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Deal shares of words (SLIP-39); shares of an earlier split open nothing afterwards."""
    with registry(ctx) as runtime, alone(runtime.home):
        deliver = _to_files(make_private(out), threshold, shares) if out else _to_screen(shares, threshold)
        passphrase = passphrase_of(runtime, passphrase_file, passphrase_fd, shares_file)
        slot = split_passphrase(
            runtime.home.keys,
            passphrase,
            Split(shares, threshold, retire_passphrase),
            deliver,
            actor=current_operator(),
            ports=runtime.ports,
        )
    print_fields(_described(slot), as_json=as_json)
    if slot.only:
        note("Old backups of the home still open with the old passphrase: destroy them, and make a new one.")
        _remind_of_media(runtime.home)


@app.command()
def show(ctx: typer.Context, as_json: Json = False) -> None:
    """Show which split is in force, and how many shares open the CA."""
    with registry(ctx) as runtime:
        print_fields(_described(require_slot(runtime.home.keys)), as_json=as_json)


@app.command()
def check(ctx: typer.Context, shares_file: SharesFile = None, as_json: Json = False) -> None:
    """Try shares without doing anything: do they open the CA? Exit code 3 where too few or foreign."""
    with registry(ctx) as runtime:
        opened = gather_shares(runtime.home.keys, shares_file or (), note)
        note_use(opened, "check", actor=current_operator(), ports=runtime.ports)
    document = {"opens": True, "given": list(opened.members), **_described(opened.slot)}
    print_fields(document, as_json=as_json)


@app.command()
def end(
    ctx: typer.Context,
    new_passphrase_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The new passphrase's file (0600); else it is asked.")
    ] = None,
    shares_file: SharesFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
) -> None:
    """Go back to one passphrase, a new one; shares open nothing afterwards."""
    with registry(ctx) as runtime, alone(runtime.home):
        require_slot(runtime.home.keys)
        old = passphrase_of(runtime, passphrase_file, passphrase_fd, shares_file)
        new = new_passphrase(new_passphrase_file)
        end_quorum(runtime.home.keys, old, new, actor=current_operator(), ports=runtime.ports)
    note("The CA opens with the new passphrase only.")
    _remind_of_media(runtime.home)


@app.command()
def reseal(
    ctx: typer.Context,
    medium: Annotated[Path, typer.Option("--root", metavar="DIR", help="The folder with keys kept away.")],
    old_passphrase_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What opens them now (0600); else it is asked.")
    ] = None,
    shares_file: SharesFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Let keys that are kept away follow: from an earlier passphrase to what opens the home now.

    After a crash, or a stick that was pulled out, the same again does the rest.
    """
    with registry(ctx) as runtime:
        entries = [e for e in read_register(runtime.home).entries if e.key_place is KeyPlace.AWAY]
        names = [path.stem for entry in entries for path in key_files(medium, entry.name)]
        if not names:
            raise CliError(
                f"{medium} holds no key of a CA that is kept away.",
                next_step="Give the folder that `medtrust ca detach-root` wrote.",
                field="--root",
            )
        new = passphrase_of(runtime, passphrase_file, passphrase_fd, shares_file)
        old = old_passphrase(old_passphrase_file)
        changed = reseal_here(medium, names, old, new, runtime.ports.clock())
    print_fields({"keys": len(names), "sealed_anew": len(changed)}, as_json=as_json)


def _remind_of_media(home: Home) -> None:
    away = [e.name for e in read_register(home).entries if e.key_place is KeyPlace.AWAY]
    if away:
        note(
            f"Keys kept away ({', '.join(away)}) still open with the old passphrase only: "
            "medtrust ca quorum reseal --root DIR."
        )


def _described(slot: Slot) -> dict[str, object]:
    wanted = slot.shares
    return {
        "split": wanted.identifier,
        "threshold": wanted.threshold,
        "shares": wanted.count,
        "passphrase": "retired" if slot.only else "also opens the CA",
    }


def _to_files(folder: Path, threshold: int, count: int) -> Deliver:
    taken = sorted(folder.glob("share-*.txt"))
    if taken:
        raise BadSetting(
            f"{folder} holds shares already: {taken[0].name}.",
            next_step="Give a new folder; shares are never overwritten.",
            field="--out",
        )

    def deliver(number: int, words: str) -> None:
        head = f"# medtrust share {number} of {count}; {threshold} open the CA. For one person only.\n"
        write_private(folder / f"share-{number}.txt", f"{head}{words}\n".encode())

    return deliver


def _to_screen(count: int, threshold: int) -> Deliver:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise CliError(
            "There is no terminal to show the shares on.",
            next_step="Write them to files: --out DIR.",
            field="--out",
        )

    def deliver(number: int, words: str) -> None:
        numbered = "\n".join(f"  {place:2} {word}" for place, word in enumerate(words.split(), 1))
        sys.stderr.write(f"\nShare {number} of {count} ({threshold} open the CA), for one person:\n")
        sys.stderr.write(f"{numbered}\nWrite it down, then press Enter; it is wiped from the screen. ")
        sys.stderr.flush()
        if not sys.stdin.readline():
            raise CliError("Nobody confirmed; nothing was changed.", field="shares")
        sys.stderr.write("\x1b[3J\x1b[2J\x1b[H")  # also the terminal's scroll-back

    return deliver
