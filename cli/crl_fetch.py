"""`medtrust crl fetch`: keeps a consumer's file up to date, and never makes it worse."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cli.asking import Json, registry
from cli.cert_source import named
from cli.crl_issuer import IssuerFile, issuer_for
from cli.crl_view import list_document
from cli.errors import EXIT_CODES, CliError
from cli.finding_view import finding_rows
from cli.output import print_fields, print_findings, print_json
from cli.trust_source import Bundle, RootFingerprint
from pki import oids
from pki.crl_list import CertificateList
from pki.extensions import uris
from pki.tbs import Certificate
from service import clock
from service.http_fetch import is_url
from service.list_copy import Copy, read_copy, succession_findings, write_copy
from service.list_source import fetch_list
from service.pem import read_certificate


class Form(StrEnum):
    """How the file is written."""

    PEM = "pem"
    DER = "der"


def fetch(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(metavar="[URL]", help="Where the list is served.")] = "",
    from_cert: Annotated[
        str, typer.Option(metavar="CERT", help="Take the URL that this certificate (file or serial) names.")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Replaced by a newer list only; without, only checked."),
    ] = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="Else as FILE is now; else PEM where it ends in .pem.")
    ] = None,
    issuer_file: IssuerFile = None,
    bundle: Bundle = None,
    root_fingerprint: RootFingerprint = "",
    as_json: Json = False,
) -> None:
    """Fetch a list, verify it, and put it where a consumer reads it. FILE is replaced at once or stays.

    Exit code 3, and FILE stays: older than what is there, lapsed, wrongly signed; 6: nobody serves it.
    """
    where = _where(ctx, url, from_cert)
    old = read_copy(out) if out is not None else None
    now = clock.now()
    if old is None:
        got, new = fetch_list(where)
    else:
        got, new = fetch_list(where, headers=old.asks(now), known=old.crl)
    issuer = issuer_for(new, ctx, issuer_file=issuer_file, bundle=bundle, root_fingerprint=root_fingerprint)
    findings = succession_findings(old.crl if old else None, new, issuer, clock.now())
    good = not any(finding.refuses for finding in findings)
    written = good and out is not None and _keep(out, old, new, form, got.last_modified)
    document = {**list_document(new), "entry_count": new.entry_count, "url": where, "good": good}
    if out is not None:
        document |= {
            "file": str(out),
            "written": written,
            "number_before": old.crl.crl_number if old else None,
        }
    rows = finding_rows(findings)
    if as_json:
        print_json({**document, "findings": rows})
    else:
        print_fields(document, as_json=False)
        print_findings(rows)
    if not good:
        raise typer.Exit(EXIT_CODES["refused"])


def _keep(
    out: Path, old: Copy | None, new: CertificateList, form: Form | None, served_at: datetime | None
) -> bool:
    """Whether the file was written: not where it already is what it should be."""
    pem = form is Form.PEM if form else old.pem if old else out.suffix.lower() == ".pem"
    if old is not None and old.crl.der == new.der and old.pem == pem:
        return False
    write_copy(out, new, pem=pem, served_at=served_at)
    return True


def _where(ctx: typer.Context, url: str, from_cert: str) -> str:
    if bool(url) == bool(from_cert):
        raise CliError(
            "Which list?", next_step="Give its URL, or a certificate that names it: --from-cert.", field="URL"
        )
    if url:
        return url
    certificate = _certificate(ctx, from_cert)
    value = certificate.extension(oids.CRL_DISTRIBUTION_POINTS)
    for place in uris(value) if value is not None else ():
        if is_url(place):
            return place
    raise CliError(
        "The certificate names no list that is served over http.",
        next_step="Give the URL.",
        field="--from-cert",
    )


def _certificate(ctx: typer.Context, text: str) -> Certificate:
    if Path(text).is_file():
        return read_certificate(Path(text))
    with registry(ctx) as runtime, runtime.store.read() as uow:
        return named(text, uow).certificate
