"""`medtrust ca`: what others need to know of our CA."""

from __future__ import annotations

import typer

from cli.asking import Json, home_of, noun
from cli.ca_bundle import bundle
from cli.ca_quorum import app as quorum
from cli.output import print_fields, raw
from cli.words import colon_hex
from pki import names
from service.authority import BUNDLE_FILE, ISSUING, ROOT, certificate_file, read_bundle
from service.pem import read_certificate, to_pem

app = noun(
    "Our CA: fingerprints, chain and trust bundle.",
    "medtrust ca show",
    "medtrust ca bundle > trust-bundle.json",
    "medtrust ca bundle --for nginx --out /etc/nginx/medtrust",
    "medtrust ca chain > chain.pem",
)
app.add_typer(quorum, name="quorum")


@app.command()
def show(ctx: typer.Context, as_json: Json = False) -> None:
    """Show the root and the issuing CA with their fingerprints (SHA-256)."""
    home = home_of(ctx)
    home.require_initialised()
    document: dict[str, object] = {"home": str(home.root)}
    for name in (ROOT, ISSUING):
        certificate = read_certificate(certificate_file(home, name))
        print_form = certificate.fingerprint.hex() if as_json else colon_hex(certificate.fingerprint)
        document |= {
            f"{name}_subject": names.show(certificate.subject),
            f"{name}_sha256": print_form,
            f"{name}_not_after": certificate.not_after,
        }
    bundle = read_bundle(home)
    document |= {"bundle_version": bundle.version, "bundle": str(home.public / BUNDLE_FILE)}
    print_fields(document, as_json=as_json)


@app.command()
def chain(ctx: typer.Context) -> None:
    """Print the issuing CA's certificate and the root's, as PEM."""
    home = home_of(ctx)
    home.require_initialised()
    ders = (read_certificate(certificate_file(home, name)).der for name in (ISSUING, ROOT))
    raw(to_pem(*ders).decode())


app.command()(bundle)
