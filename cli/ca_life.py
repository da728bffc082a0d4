"""`medtrust ca detach-root, refresh-root, retire, distrust`: a CA after its ceremony."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from cli.asking import (
    Json,
    PassphraseFd,
    PassphraseFile,
    SharesFile,
    Yes,
    confirm,
    passphrase_of,
    registry,
)
from cli.ca_ceremony import Medium, room_with
from cli.output import note, print_fields
from registry.ports import Ports
from service import ca_life
from service.authorities import ROOT, read_register
from service.ceremony import Room
from service.process_lock import changing_cas

Which = Annotated[str, typer.Argument(metavar="CA", help="Its short name: medtrust ca list.")]


@contextmanager
def room_in(
    ctx: typer.Context,
    medium: Path | None,
    file: Path | None,
    descriptor: int | None,
    shares: Sequence[Path] | None,
) -> Iterator[tuple[Room, Ports]]:
    """An opened registry with its keys' passphrase, and who stands in front of it; nobody else meanwhile."""
    with registry(ctx) as runtime, changing_cas(runtime.home):
        passphrase = passphrase_of(runtime, file, descriptor, shares)
        yield room_with(runtime.home, runtime.settings, passphrase, medium), runtime.ports


def detach_root(
    ctx: typer.Context,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="On the medium; made where missing.")],
    name: Annotated[str, typer.Option("--ca", help="Whose key.")] = ROOT,
    yes: Yes = False,
    shares_file: SharesFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Carry a root's sealed key to a medium; the home forgets it once the copy was opened.

    What needs it later takes --root DIR: ceremonies, rollovers, refresh-root, distrust.
    """
    confirm(f"Move the key of {name} to {directory}? Backups of the home still hold it.", yes=yes)
    with room_in(ctx, None, passphrase_file, passphrase_fd, shares_file) as (room, ports):
        files = ca_life.detach(room, name, directory.expanduser().absolute(), ports=ports)
    document = {"ca": name, "key": "away", "files": [str(path) for path in files]}
    print_fields(document, as_json=as_json)
    note("Make a second copy of the medium, and keep both apart from this machine.")


def refresh_root(
    ctx: typer.Context,
    medium: Medium = None,
    shares_file: SharesFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Sign new lists of the CAs that certify CAs, and the next trust bundle: once a year at least."""
    with room_in(ctx, medium, passphrase_file, passphrase_fd, shares_file) as (room, ports):
        lists, bundle = ca_life.refresh(room, ports=ports)
    document: dict[str, object] = {
        f"{each.issuer}_list": f"number {each.crl_number}, good until {each.next_update:%Y-%m-%d}"
        for each in lists
    }
    print_fields({**document, "bundle_version": bundle.version}, as_json=as_json)


def retire(ctx: typer.Context, name: Which, yes: Yes = False, as_json: Json = False) -> None:
    """Let a CA issue nothing any more; its lists and OCSP answers go on."""
    confirm(f"Retire {name}?", yes=yes)
    with registry(ctx) as runtime, changing_cas(runtime.home):
        room = room_with(runtime.home, runtime.settings, b"")
        ca_life.retire(room, name, ports=runtime.ports)
        state = read_register(runtime.home).get(name).state
    print_fields({"ca": name, "state": state}, as_json=as_json)
    note("Restart medtrust up, where it runs.")


def distrust(
    ctx: typer.Context,
    name: Which,
    medium: Medium = None,
    yes: Yes = False,
    shares_file: SharesFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Withdraw a CA: its certificates are revoked, and the next trust bundle is without it.

    Everything that it issued is worth nothing from then on. Roll over first, and reissue.
    """
    confirm(f"Distrust {name}, and with it every certificate that it issued?", yes=yes)
    with room_in(ctx, medium, passphrase_file, passphrase_fd, shares_file) as (room, ports):
        bundle = ca_life.distrust(room, name, ports=ports)
        state = read_register(room.home).get(name).state
    print_fields({"ca": name, "state": state, "bundle_version": bundle.version}, as_json=as_json)
    note("Restart medtrust up, where it runs, and give out the new bundle.")
