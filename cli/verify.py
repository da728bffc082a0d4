"""`medtrust verify`: judges anybody's certificate against a trust bundle. Needs no home and no network."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.asking import Json, single
from cli.cert_view import print_verdict
from cli.errors import EXIT_CODES, CliError
from cli.output import note
from cli.words import examples
from pki import oids
from pki.bundle import open_bundle
from pki.path import VerifyPolicy, verify_bytes
from service import clock
from service.lists import read_list
from service.pem import from_pem_or_der, read_file

app = single()


class Asking(StrEnum):
    """How much a certificate's status matters."""

    REQUIRE = "require"
    IF_AVAILABLE = "if-available"
    OFF = "off"


class Purpose(StrEnum):
    """What the certificate is used for."""

    CLIENT = "client"
    SERVER = "server"


_PURPOSES: Final = {Purpose.CLIENT: oids.EKU_CLIENT_AUTH, Purpose.SERVER: oids.EKU_SERVER_AUTH}


@app.command(
    epilog=examples(
        "medtrust verify pump.pem --bundle trust-bundle.json --crl issuing.crl --crl root.crl",
        "medtrust verify pump.pem --bundle trust-bundle.json --revocation off --at 2027-01-01T00:00:00Z",
    )
)
def verify(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="The certificate (PEM or DER), its chain behind it.")
    ],
    bundle: Annotated[Path, typer.Option(metavar="FILE", help="The signed trust bundle.")],
    crl: Annotated[list[Path] | None, typer.Option(metavar="FILE", help="A revocation list; repeat.")] = None,
    ocsp: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="An OCSP response (DER); repeat.")
    ] = None,
    root_fingerprint: Annotated[
        str, typer.Option(metavar="HEX", help="The root's SHA-256, from somewhere you trust.")
    ] = "",
    pq_only: Annotated[bool, typer.Option("--pq-only", help="Do not look at classical signatures.")] = False,
    at: Annotated[
        str, typer.Option(metavar="TIME", help="Judge at this time (ISO 8601, UTC); else now.")
    ] = "",
    revocation: Annotated[Asking, typer.Option(help="What an unknown status means.")] = Asking.REQUIRE,
    purpose: Annotated[Purpose | None, typer.Option(help="Demand this use.")] = None,
    as_json: Json = False,
) -> None:
    """Verify a certificate: hybrid-valid, classical-valid, pq-only-valid or invalid, with findings.

    Exit code 0 where valid, 3 where not.
    """
    pin = _fingerprint(root_fingerprint) if root_fingerprint else None
    trusted = open_bundle(read_file(bundle, "trust bundle"), pinned_fingerprint=pin)
    if pin is None:
        note("The bundle only agrees with itself: compare the root with --root-fingerprint.")
    first, *others = from_pem_or_der(read_file(file, "certificate"))
    verdict = verify_bytes(
        first,
        bundle=trusted,
        now=_moment(at) if at else clock.now(),
        intermediates=others,
        crls=[read_list(path) for path in crl or ()],
        ocsp_responses=[read_file(path, "OCSP response") for path in ocsp or ()],
        policy=_policy(revocation, purpose, pq_only=pq_only),
    )
    print_verdict(verdict, as_json=as_json)
    if not verdict.is_valid:
        raise typer.Exit(EXIT_CODES["refused"])


def _policy(asking: Asking, purpose: Purpose | None, *, pq_only: bool) -> VerifyPolicy:
    return VerifyPolicy(
        revocation="if_available"
        if asking is Asking.IF_AVAILABLE
        else "off"
        if asking is Asking.OFF
        else "require",
        mode="pq_only" if pq_only else "hybrid",
        purpose=_PURPOSES[purpose] if purpose else None,
    )


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


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as bad:
        raise CliError(
            f"{text[:40]!r} is not a time.", next_step="Write it as 2027-01-31T12:00:00Z.", field="--at"
        ) from bad
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
