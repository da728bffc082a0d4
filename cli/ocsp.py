"""`medtrust ocsp`: asks a responder, ours or another's, and believes only what verifies."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.asking import Json, noun, registry
from cli.cert_source import named
from cli.errors import EXIT_CODES, CliError
from cli.finding_view import finding_rows
from cli.ocsp_view import answer_document, is_good
from cli.output import print_fields, print_findings, print_json
from cli.trust_source import Bundle, RootFingerprint, trust_of
from pki import oids
from pki.extensions import ocsp_responders
from pki.findings import Finding
from pki.tbs import Certificate
from service import clock
from service.issuer_search import issuer_of_certificate
from service.ocsp_query import Question, ask
from service.pem import from_pem_or_der, read_file

app = noun(
    "Ask OCSP responders for the status of certificates.",
    "medtrust ocsp query pump.pem",
    "medtrust ocsp query 4A:07:...:1C --pq",
    "medtrust ocsp query pump.pem --bundle trust-bundle.json --root-fingerprint 9f2c... --no-nonce",
    "medtrust ocsp query www.pem --issuer their-ca.pem --url http://ocsp.example/ --hash sha1 --json",
)
_NONCE: Final = 32
"""Octets, RFC 9654 2.1."""


class Digest(StrEnum):
    """What a CertID names its issuer with."""

    SHA1 = "sha1"
    SHA256 = "sha256"
    SHA384 = "sha384"
    SHA512 = "sha512"


_DIGESTS: Final = {
    Digest.SHA1: oids.SHA1,
    Digest.SHA256: oids.SHA256,
    Digest.SHA384: oids.SHA384,
    Digest.SHA512: oids.SHA512,
}


@app.command()
def query(
    ctx: typer.Context,
    cert: Annotated[
        str, typer.Argument(metavar="CERT", help="A PEM or DER file, its chain behind it, or our serial.")
    ],
    issuer: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The issuer's certificate; believed as it is without --bundle."),
    ] = None,
    url: Annotated[str, typer.Option(metavar="URL", help="The responder; else the certificate says.")] = "",
    nonce: Annotated[
        bool, typer.Option("--nonce/--no-nonce", help="Demand an answer made for us, not one of a cache.")
    ] = True,
    pq: Annotated[bool, typer.Option("--pq", help="Ask for ML-DSA-65, and believe nothing weaker.")] = False,
    digest: Annotated[Digest, typer.Option("--hash", help="What the CertID is made with.")] = Digest.SHA256,
    bundle: Bundle = None,
    root_fingerprint: RootFingerprint = "",
    as_json: Json = False,
) -> None:
    """Ask for a certificate's status, and verify the answer before anything of it is believed.

    Exit code 0: good; 3: revoked, on hold, unknown, or not to be believed; 6: no responder that answers.
    """
    certificate, others = _certificate(ctx, cert)
    now = clock.now()
    trust = trust_of(
        ctx,
        now,
        bundle=bundle,
        root_fingerprint=root_fingerprint,
        issuer=issuer,
        others=others,
        post_quantum=pq,
    )
    where = url or _responder_of(certificate)
    found = issuer_of_certificate(certificate, trust, now)
    if found.certificate is None:
        document: dict[str, object] = {"certificate_serial": f"{certificate.serial:x}", "status": "not asked"}
        _tell({**document, "url": where}, found.findings, as_json=as_json)
        raise typer.Exit(EXIT_CODES["refused"])
    question = Question(
        certificate=certificate,
        issuer=found.certificate,
        digest=_DIGESTS[digest],
        nonce=clock.entropy(_NONCE) if nonce else None,
        post_quantum=pq,
        withdrawn=trust.bundle.withdrawn,
    )
    answered = ask(where, question, clock.now)
    _tell({**answer_document(answered), "url": where}, answered.findings, as_json=as_json)
    if not is_good(answered):
        raise typer.Exit(EXIT_CODES["refused"])


def _tell(document: dict[str, object], findings: tuple[Finding, ...], *, as_json: bool) -> None:
    rows = finding_rows(findings)
    if as_json:
        print_json({**document, "findings": rows})
        return
    print_fields(document, as_json=False)
    print_findings(rows)


def _certificate(ctx: typer.Context, text: str) -> tuple[Certificate, tuple[bytes, ...]]:
    """The certificate, and what else its file holds. A file needs no home."""
    if Path(text).is_file():
        first, *others = from_pem_or_der(read_file(Path(text), "certificate"))
        return Certificate.parse(first), tuple(others)
    with registry(ctx) as runtime, runtime.store.read() as uow:
        return named(text, uow).certificate, ()


def _responder_of(certificate: Certificate) -> str:
    access = certificate.extension(oids.AUTHORITY_INFORMATION_ACCESS)
    places = ocsp_responders(access) if access is not None else ()
    for place in places:
        if place.lower().startswith(("http://", "https://")):
            return place
    raise CliError(
        "The certificate names no OCSP responder that is asked over http.",
        next_step="Name one with --url; where there is none, use its list: medtrust crl fetch --from-cert.",
        field="--url",
    )
