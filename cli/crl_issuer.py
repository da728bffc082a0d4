"""Whose key a list must be signed with: the issuer that is named, one of a bundle, or one of our CAs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.asking import registry
from cli.errors import CliError, Missing
from cli.trust_source import given_bundle
from pki.crl_checks import verify_crl
from pki.crl_list import CertificateList
from pki.tbs import Certificate
from service import clock
from service.authorities import read_authorities
from service.authority import certificate_file
from service.issuer_search import Trust, issuer_of_list
from service.pem import from_pem_or_der, read_certificate, read_file

IssuerFile = Annotated[
    Path | None,
    typer.Option("--issuer-file", metavar="FILE", help="Its issuer's certificate; else one of our CAs."),
]


class NotTrusted(CliError):
    """Nothing that the caller trusts leads to the list's issuer."""

    kind = "refused"


def issuer_for(
    found: CertificateList,
    ctx: typer.Context,
    *,
    issuer_file: Path | None,
    bundle: Path | None,
    root_fingerprint: str,
) -> Certificate:
    """The issuer's certificate; NotTrusted, or Missing where it is none of ours."""
    if bundle is not None:
        given = from_pem_or_der(read_file(issuer_file, "issuer")) if issuer_file else []
        trust = Trust(given_bundle(bundle, root_fingerprint), tuple(map(Certificate.parse, given)))
        by = issuer_of_list(found, trust, clock.now())
        if by.certificate is None:
            raise NotTrusted(
                by.findings[0].message,
                next_step="Give the CA's certificate with --issuer-file, or a bundle that has it.",
                field="--bundle",
            )
        return by.certificate
    return read_certificate(issuer_file) if issuer_file else _one_of_ours(found, ctx)


def _one_of_ours(found: CertificateList, ctx: typer.Context) -> Certificate:
    with registry(ctx) as runtime:
        ours = [
            read_certificate(certificate_file(runtime.home, e.name)) for e in read_authorities(runtime.home)
        ]
    for certificate in ours:
        if certificate.subject == found.issuer and not any(
            finding.rule == "crl.authority_key_identifier_differs"
            for finding in verify_crl(found, certificate)
        ):
            return certificate
    raise Missing(
        "The list is of none of our CAs.",
        next_step="Give its issuer's certificate: --issuer-file.",
        field="FILE",
    )
