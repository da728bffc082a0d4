"""`medtrust init`: asks what a new CA needs to know, and says what came out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.asking import Json, PassphraseFd, PassphraseFile, home_of, single
from cli.output import note, print_json, say
from cli.words import colon_hex, examples
from service.ceremony import Ceremony, in_a_token, init
from service.ceremony_plan import BUILT_IN
from service.errors import AlreadyInitialised
from service.home import Home, make_private
from service.runtime import PassphraseSource, current_operator, read_passphrase
from service.settings_file import write_settings
from service.token_settings import RawPkcs11

app = single()


@app.command(
    epilog=examples(
        "medtrust init --organization 'General Hospital' --status-url http://pki.hospital.example:8080",
        "medtrust --home /srv/medtrust init --passphrase-file /etc/medtrust/ca.pass",
        "medtrust init --pkcs11 --token ca --token-module libsofthsm2.so --token-pin-file /etc/medtrust/pin",
    )
)
def create(
    ctx: typer.Context,
    organization: Annotated[str, typer.Option(help="The hospital's name in every certificate.")] = "",
    status_url: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Where OCSP and lists are served; stands in every certificate. Else http://127.0.0.1:8080.",
        ),
    ] = "",
    pkcs11: Annotated[
        bool, typer.Option("--pkcs11", help="Make the CAs' classical keys in a PKCS#11 token.")
    ] = False,
    token: Annotated[str, typer.Option(metavar="LABEL", help="With --pkcs11: which token.")] = "",
    token_module: Annotated[str, typer.Option(metavar="FILE", help="With --pkcs11: its module (.so).")] = "",
    token_pin_file: Annotated[
        str, typer.Option(metavar="FILE", help="With --pkcs11: its PIN (0600); else as in the settings.")
    ] = "",
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Create a new CA: root, issuing CA, OCSP responders, first lists and the signed trust bundle.

    Asks for the passphrase twice at a terminal. A CA that is there already is never overwritten.
    """
    home = home_of(ctx)
    if home.marker.exists():
        raise AlreadyInitialised(
            f"{home.root} holds a CA already.",
            next_step="Choose another home: --home. A CA is never overwritten.",
            field="home",
        )
    make_private(home.root)
    edited_before = home.settings_file.exists()
    in_token = RawPkcs11(module=token_module, token=token, pin_file=token_pin_file)
    given = in_token if in_token != RawPkcs11() else None
    settings = write_settings(home, organization=organization, status_url=status_url, token=given)
    try:
        passphrase = read_passphrase(PassphraseSource(passphrase_file, passphrase_fd), settings, confirm=True)
        plan = in_a_token(settings) if pkcs11 else BUILT_IN
        made = init(home, settings, passphrase, actor=current_operator(), tell=note, plan=plan)
    except BaseException:
        # The same line again must work, and it is refused beside a file that people may have edited.
        if not edited_before:
            home.settings_file.unlink(missing_ok=True)
        raise
    if as_json:
        print_json(_document(home, made))
    else:
        _tell(home, made)


def _document(home: Home, made: Ceremony) -> dict[str, object]:
    return {
        "home": str(home.root),
        "root_sha256": made.root.fingerprint.hex(),
        "issuing_sha256": made.issuing.fingerprint.hex(),
        "log_keys": list(made.log_keys),
        "trust_bundle": str(_bundle(home)),
    }


def _tell(home: Home, made: Ceremony) -> None:
    say(f"The CA is in {home.root}.")
    say("")
    say("The root's fingerprint (SHA-256). Write it down; whoever checks a trust bundle compares it:")
    say(f"  {colon_hex(made.root.fingerprint)}")
    say("The audit log's verifier keys:")
    for key in made.log_keys:
        # A post-quantum key fills a screen; the whole one stands in the file.
        say(f"  {key if len(key) <= _SCREEN else key[:_SCREEN] + '...'}")
    say(f"  whole, in {home.public / 'log.vkeys'}")
    say("")
    say("Next:")
    say("  medtrust up                       start the broker, OCSP, lists and the jobs")
    say("  medtrust device register --udi    the first device, by its label")
    say(f"  give {_bundle(home)} to whoever must verify certificates")


_SCREEN = 160


def _bundle(home: Home) -> Path:
    return home.public / "trust-bundle.json"
