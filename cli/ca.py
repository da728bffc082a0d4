"""`medtrust ca`: our CAs, what others need to know of them, and what happens to them."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.asking import Json, home_of, noun
from cli.ca_bundle import bundle
from cli.ca_ceremony import ceremony, rollover
from cli.ca_import import import_ca
from cli.ca_life import detach_root, distrust, refresh_root, retire
from cli.ca_quorum import app as quorum
from cli.output import print_fields, print_json, print_rows, raw, say
from cli.words import colon_hex
from pki import names
from pki.tbs import Certificate
from service.authorities import CaEntry, Register, read_register
from service.authority import BUNDLE_FILE, certificate_file, read_bundle
from service.ca_choice import form_of
from service.home import Home
from service.pem import read_certificate, to_pem

app = noun(
    "Our CAs: ceremonies, chains, fingerprints, rollover and the trust bundle.",
    "medtrust ca list",
    "medtrust ca bundle > trust-bundle.json",
    "medtrust ca bundle --for nginx --out /etc/nginx/medtrust",
    "medtrust ca chain issuing > chain.pem",
    "medtrust ca ceremony hospital.toml --dry-run",
    "medtrust ca detach-root /media/stick/root",
    "medtrust ca rollover root --profile root-pure --root /media/stick/root",
)
app.add_typer(quorum, name="quorum")
Name = Annotated[str, typer.Argument(metavar="[CA]", help="A CA's short name.")]


@app.command("list")
def list_cas(ctx: typer.Context, as_json: Json = False) -> None:
    """List every CA of the home, the oldest first."""
    home = _home(ctx)
    register = read_register(home)
    rows = [_row(home, register, entry) for entry in register.entries]
    columns = ("name", "state", "form", "profile", "issuer", "key", "default", "not_after")
    print_rows(rows, as_json=as_json, columns=columns, empty="No CAs.")


@app.command()
def show(ctx: typer.Context, name: Name = "", as_json: Json = False) -> None:
    """Show one CA, or the roots in force and the default CA with their fingerprints (SHA-256)."""
    home = _home(ctx)
    register = read_register(home)
    if name:
        row = _row(home, register, register.get(name))
        if not as_json:
            row["sha256"] = colon_hex(_certificate(home, name).fingerprint)
        print_fields(row, as_json=as_json)
        return
    document: dict[str, object] = {"home": str(home.root)}
    for shown in (*(root.name for root in register.roots), register.default):
        certificate = _certificate(home, shown)
        print_form = certificate.fingerprint.hex() if as_json else colon_hex(certificate.fingerprint)
        document |= {
            f"{shown}_subject": names.show(certificate.subject),
            f"{shown}_sha256": print_form,
            f"{shown}_not_after": certificate.not_after,
        }
    version = read_bundle(home).version
    document |= {"bundle_version": version, "bundle": str(home.public / BUNDLE_FILE)}
    print_fields(document, as_json=as_json)


@app.command()
def chain(
    ctx: typer.Context,
    name: Name = "",
    cross: Annotated[
        bool, typer.Option("--cross", help="Also the cross certificates, for who pins another root.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Print a CA's certificate and those above it, as PEM; else the default CA's."""
    home = _home(ctx)
    register = read_register(home)
    above = [entry.name for entry in register.above(name or register.default)]
    crosses = [c.name for c in register.cross if c.subject in above] if cross else []
    # OpenSSL takes the first that fits: an unknown root must not stand before the ways around it.
    wanted = [*above[:-1], *crosses, above[-1]]
    pem = to_pem(*(_certificate(home, each).der for each in wanted)).decode()
    if as_json:
        print_json({"chain": wanted, "pem": pem})
    else:
        raw(pem)


@app.command()
def fingerprint(ctx: typer.Context, name: Name = "root", as_json: Json = False) -> None:
    """Print the SHA-256 fingerprint of a CA's certificate."""
    home = _home(ctx)
    octets = _certificate(home, read_register(home).get(name).name).fingerprint
    if as_json:
        print_json({"ca": name, "sha256": octets.hex()})
    else:
        say(colon_hex(octets))


app.command()(bundle)
app.command()(ceremony)
app.command()(rollover)
app.command("import")(import_ca)
app.command()(detach_root)
app.command()(refresh_root)
app.command()(retire)
app.command()(distrust)


def _home(ctx: typer.Context) -> Home:
    home = home_of(ctx)
    home.require_initialised()
    return home


def _certificate(home: Home, name: str) -> Certificate:
    return read_certificate(certificate_file(home, name))


def _row(home: Home, register: Register, entry: CaEntry) -> dict[str, object]:
    certificate = _certificate(home, entry.name)
    return {
        "name": entry.name,
        "state": entry.state,
        "form": form_of(certificate),
        "profile": entry.profile,
        "issuer": entry.issuer_name,
        "key": entry.key_place,
        "issues": entry.issues,
        "default": entry.name == register.default,
        "imported": entry.imported,
        "subject": names.show(certificate.subject),
        "cross_certified_by": [c.issuer for c in register.cross if c.subject == entry.name],
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "sha256": certificate.fingerprint.hex(),
    }
