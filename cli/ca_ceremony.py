"""`medtrust ca ceremony` and `ca rollover`: a reviewed file, what it will sign, and the signatures."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli.asking import Json, PassphraseFd, PassphraseFile, SharesFile, Yes, confirm, home_of, passphrase_of
from cli.errors import CliError
from cli.output import note, print_fields, print_json, raw, say
from pki.issuer import IssuanceToken
from registry.model.certificate import of_int
from service.authorities import read_register
from service.authority import BUNDLE_FILE, certificate_file, read_bundle
from service.ceremony import Room, draft_of, perform, prepared_text
from service.ceremony_draft import Draft, ToBeSigned, rehearse
from service.ceremony_plan import read_plan
from service.ceremony_scene import Shelf
from service.home import Home, make_private
from service.pem import read_certificate, read_file
from service.process_lock import changing_cas
from service.rollover import Successor, rollover_text
from service.runtime import PassphraseSource, current_operator, open_runtime, read_passphrase
from service.settings import Settings, read_settings
from service.settings_file import write_settings

Medium = Annotated[
    Path | None,
    typer.Option("--root", metavar="DIR", help="The medium with the keys that are kept away."),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Make keys and serials, print what would be signed, sign nothing.")
]
Restart = Annotated[bool, typer.Option("--restart", help="Throw away what was prepared; make new keys.")]
Expect = Annotated[str, typer.Option(metavar="SHA256", help="Sign only where the dry run said this digest.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a ceremony is to go."""

    dry_run: bool
    yes: bool
    restart: bool
    expect: str
    as_json: bool


def ceremony(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The ceremony's TOML; docs/ca-life.md.")],
    dry_run: DryRun = False,
    expect: Expect = "",
    restart: Restart = False,
    medium: Medium = None,
    yes: Yes = False,
    shares_file: SharesFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Make CAs from one reviewed file: first --dry-run, which prints every octet to be signed; then sign.

    In a new home the file's first CAs are `root` and `issuing`. What was cut off is finished by the same
    command. Restart `medtrust up` afterwards: it opens its CAs at its start.
    """
    text = read_file(file, "ceremony").decode("utf-8", "replace")
    home, source = home_of(ctx), PassphraseSource(passphrase_file, passphrase_fd)
    wish = Wish(dry_run=dry_run, yes=yes, restart=restart, expect=expect, as_json=as_json)
    if home.marker.exists():
        _hold(_room(ctx, medium, source, shares_file), text, wish)
        return
    with _first_settings(home, text):
        _hold(_room(ctx, medium, source, shares_file), text, wish)


@contextmanager
def _first_settings(home: Home, text: str) -> Iterator[None]:
    """A new home's medtrust.toml, where the file's organization is the devices' too; gone where nothing came
    of it."""
    wanted = read_plan(text, organization="").organization
    edited_before = home.settings_file.exists()
    make_private(home.root)
    settings = write_settings(home) if edited_before else write_settings(home, organization=wanted)
    if wanted and settings.organization != wanted:
        note(f"Devices get O={settings.organization or 'nothing'}, as {home.settings_file} says.")
    if not edited_before:
        note(f"Certificates will send their readers to {settings.status_url}: status.url of medtrust.toml.")
    try:
        yield
    except BaseException:
        if not edited_before and not home.marker.exists() and not Shelf(home).exists():
            home.settings_file.unlink(missing_ok=True)
        raise


def rollover(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="CA", help="The CA that gets a successor.")],
    profile: Annotated[str, typer.Option(help="The new CA's profile; else the old one's.")] = "",
    new_name: Annotated[str, typer.Option("--name", help="Its short name; else the next free one.")] = "",
    common_name: Annotated[str, typer.Option("--cn", help="Its common name; else the old, numbered.")] = "",
    issuer: Annotated[str, typer.Option(metavar="CA", help="Who certifies it; else as before.")] = "",
    away: Annotated[bool, typer.Option("--away", help="Its key goes to the medium of --root only.")] = False,
    dry_run: DryRun = False,
    expect: Expect = "",
    restart: Restart = False,
    medium: Medium = None,
    yes: Yes = False,
    shares_file: SharesFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Give a CA a successor with new keys, of the same or of another form.

    A new root and the old one certify each other, and both sign the next trust bundle. A new issuing CA
    takes over; the old one is retired, and its lists and OCSP answers go on.
    """
    room = _room(ctx, medium, PassphraseSource(passphrase_file, passphrase_fd), shares_file)
    room.home.require_initialised()
    wanted = Successor(profile=profile, name=new_name, common_name=common_name, issuer=issuer, away=away)
    text = "" if restart else prepared_text(room)
    if text and not text.partition("\n")[0].endswith(f'takes over from {name}"'):
        raise CliError(
            "Another ceremony is prepared in this home.",
            next_step="Finish it, or throw it away with --restart.",
            field="ceremony",
        )
    wish = Wish(dry_run=dry_run, yes=yes, restart=restart, expect=expect, as_json=as_json)
    _hold(room, text or rollover_text(room.scene(), name, wanted), wish)


def _room(
    ctx: typer.Context, medium: Path | None, source: PassphraseSource, shares: Sequence[Path] | None
) -> Room:
    home = home_of(ctx)
    if not home.marker.exists():
        settings = read_settings(home)
        passphrase = read_passphrase(source, settings, confirm=True)
    else:
        with open_runtime(home) as runtime:
            settings = runtime.settings
            passphrase = passphrase_of(runtime, source.file, source.descriptor, shares)
    return room_with(home, settings, passphrase, medium)


def room_with(home: Home, settings: Settings, passphrase: bytes, medium: Path | None = None) -> Room:
    """Who stands at this terminal, in front of a home and perhaps with a medium."""
    return Room(
        home=home,
        settings=settings,
        passphrase=passphrase,
        actor=current_operator(),
        tell=note,
        medium=medium.expanduser().absolute() if medium else None,
    )


def _hold(room: Room, text: str, wish: Wish) -> None:
    with changing_cas(room.home):
        _hold_alone(room, text, wish)


def _hold_alone(room: Room, text: str, wish: Wish) -> None:
    draft = draft_of(room, text, restart=wish.restart)
    if wish.expect and wish.expect.replace(":", "").lower() != draft.digest:
        raise CliError(
            f"The prepared ceremony has the digest {draft.digest}, not the one that was expected.",
            next_step="Read it again: --dry-run. Nothing was signed.",
            field="--expect",
        )
    if wish.dry_run:
        _print_draft(draft, rehearse(draft, room.scene()), as_json=wish.as_json)
        return
    note(f"{len(draft.digests)} certificates will be signed; their digest is {draft.digest}.")
    confirm("Sign them?", yes=wish.yes or bool(wish.expect))
    perform(draft, room)
    _print_result(room.home, draft, as_json=wish.as_json)


def _print_draft(draft: Draft, steps: Sequence[ToBeSigned], *, as_json: bool) -> None:
    documents = [_described(step) for step in steps]
    if as_json:
        print_json({"title": draft.plan.title, "digest": draft.digest, "certificates": documents})
        return
    for document in documents:
        tbs = str(document.pop("tbs"))
        print_fields(document, as_json=False)
        lines = [tbs[at : at + 64] for at in range(0, len(tbs), 64)]
        raw("\n".join(["-----BEGIN TBS CERTIFICATE-----", *lines, "-----END TBS CERTIFICATE-----", "", ""]))
    say(f"digest {draft.digest}")
    note("Nothing was signed. To sign exactly this, the same command without --dry-run, and --expect DIGEST.")


def _described(step: ToBeSigned) -> dict[str, object]:
    token: IssuanceToken = step.token
    keys = [str(key.algorithm) for key in (step.public.classical, step.public.alternative) if key]
    return {
        "name": step.name,
        "profile": step.profile.name,
        "subject": ", ".join(text for text in (step.facts.common_name, step.facts.organization) if text),
        "issuer": step.issuer_name,
        "certificate_serial": of_int(token.certificate_serial),
        "keys": keys,
        "not_before": token.not_before,
        "not_after": token.not_after,
        "tbs_sha256": step.digest,
        "tbs": base64.b64encode(step.tbs).decode(),
    }


def _print_result(home: Home, draft: Draft, *, as_json: bool) -> None:
    register = read_register(home)
    made = {name: read_certificate(certificate_file(home, name)).fingerprint.hex() for name in draft.digests}
    document: dict[str, object] = {
        **{f"{name}_sha256": fingerprint for name, fingerprint in made.items()},
        "default": register.default,
        "bundle_version": read_bundle(home).version,
        "bundle": str(home.public / BUNDLE_FILE),
    }
    print_fields(document, as_json=as_json)
    note("Restart medtrust up, where it runs: it opens its CAs at its start.")
