"""Whom a consumer's command believes: a bundle that it names, an issuer's certificate, else the own home."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.asking import home_of
from cli.errors import CliError
from cli.output import note
from pki.bundle import TrustBundle, open_bundle
from pki.tbs import Certificate
from service.authorities import read_register
from service.authority import certificate_file, read_bundle
from service.issuer_search import Trust
from service.pem import from_pem_or_der, read_certificate, read_file

Bundle = Annotated[
    Path | None, typer.Option(metavar="FILE", help="A signed trust bundle; else our own home's.")
]
RootFingerprint = Annotated[
    str, typer.Option(metavar="HEX", help="The root's SHA-256, from somewhere you trust.")
]


def given_bundle(bundle: Path, root_fingerprint: str) -> TrustBundle:
    """The bundle in a file, checked against the root that the caller knows; a note where none is named."""
    pin = _fingerprint(root_fingerprint) if root_fingerprint else None
    trusted = open_bundle(read_file(bundle, "trust bundle"), pinned_fingerprint=pin)
    if pin is None:
        note("The bundle only agrees with itself: compare the root with --root-fingerprint.")
    return trusted


def trust_of(
    ctx: typer.Context,
    now: datetime,
    *,
    bundle: Path | None,
    root_fingerprint: str,
    issuer: Path | None,
    others: Iterable[bytes] = (),
    post_quantum: bool = False,
) -> Trust:
    """What decides: --bundle; else the certificate of --issuer, pinned; else the home's own bundle."""
    given = [Certificate.parse(der) for der in others]
    if issuer is not None:
        named = [Certificate.parse(der) for der in from_pem_or_der(read_file(issuer, "issuer"))]
        if bundle is None:
            pinned = Trust.pinned(named[0], now, post_quantum=post_quantum)
            return Trust(pinned.bundle, (*named, *given), post_quantum)
        given += named
    if bundle is not None:
        return Trust(given_bundle(bundle, root_fingerprint), tuple(given), post_quantum)
    home = home_of(ctx)
    home.require_initialised()
    ours = [read_certificate(certificate_file(home, entry.name)) for entry in read_register(home).entries]
    return Trust(read_bundle(home), (*ours, *given), post_quantum)


def _fingerprint(text: str) -> bytes:
    try:
        octets = bytes.fromhex(text.replace(":", "").strip())
    except ValueError:
        octets = b""
    if len(octets) != 32:
        raise CliError(
            "The fingerprint is not 32 octets in hex.",
            next_step="Take the root's SHA-256: medtrust ca show.",
            field="--root-fingerprint",
        )
    return octets
