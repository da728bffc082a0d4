"""What `medtrust verify` can be asked: its arguments and options, and what they mean to the verifier."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from cli.errors import CliError
from pki import oids
from pki.path import PolicyInputs
from pki.path_revocation import Revocation
from pki.policy_tree import ASK_NOTHING


class Asking(StrEnum):
    """How much a certificate's status matters."""

    REQUIRE = "require"
    IF_AVAILABLE = "if-available"
    OFF = "off"


class Purpose(StrEnum):
    """What the certificate is used for."""

    CLIENT = "client"
    SERVER = "server"


REVOCATION: Final[dict[Asking, Revocation]] = {
    Asking.REQUIRE: "require",
    Asking.IF_AVAILABLE: "if_available",
    Asking.OFF: "off",
}
_DOTTED: Final = re.compile(r"[0-2](\.(0|[1-9][0-9]{0,38})){1,32}")
PURPOSES: Final = {Purpose.CLIENT: oids.EKU_CLIENT_AUTH, Purpose.SERVER: oids.EKU_SERVER_AUTH}

File = Annotated[
    Path, typer.Argument(metavar="FILE", help="The certificate (PEM or DER), its chain behind it.")
]
Bundle = Annotated[Path, typer.Option(metavar="FILE", help="The signed trust bundle.")]
Lists = Annotated[list[Path] | None, typer.Option(metavar="FILE", help="A revocation list; repeat.")]
Responses = Annotated[list[Path] | None, typer.Option(metavar="FILE", help="An OCSP response (DER); repeat.")]
RootFingerprint = Annotated[
    str, typer.Option(metavar="HEX", help="The root's SHA-256, from somewhere you trust.")
]
PqOnly = Annotated[bool, typer.Option("--pq-only", help="Do not look at classical signatures.")]
At = Annotated[str, typer.Option(metavar="TIME", help="Judge at this time (ISO 8601, UTC); else now.")]
AskRevocation = Annotated[Asking, typer.Option(help="What an unknown status means.")]
Use = Annotated[Purpose | None, typer.Option(help="Demand this use.")]
Host = Annotated[str, typer.Option(metavar="NAME", help="The host or IP address it must be for.")]
Related = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The other half of a pair (RFC 9763), its chain behind.")
]
Intermediates = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="CA certificates (PEM or DER); repeat.")
]
Policies = Annotated[
    list[str] | None, typer.Option(metavar="OID", help="Demand one of these policies; repeat.")
]
NoMapping = Annotated[bool, typer.Option("--inhibit-policy-mapping", help="No CA may map policies.")]
NoAnyPolicy = Annotated[bool, typer.Option("--inhibit-any-policy", help="anyPolicy stands for nothing.")]
PathLength = Annotated[
    int | None, typer.Option(metavar="N", min=0, help="At most so many CAs below the root.")
]
ClockSkew = Annotated[
    int, typer.Option(metavar="SECONDS", min=0, max=86400, help="How far other clocks may be ahead.")
]


def policy_inputs(demanded: list[str], *, inhibit_mapping: bool, inhibit_any: bool) -> PolicyInputs:
    """user-initial-policy-set and its flags; CliError for what is no object identifier."""
    for dotted in demanded:
        if not _DOTTED.fullmatch(dotted):
            raise CliError(
                f"{dotted[:60]!r} is not an object identifier.",
                next_step="Write it dotted, such as 1.3.6.1.4.1.99999.1.",
                field="--policy",
            )
    acceptable = frozenset(demanded) if demanded else ASK_NOTHING.acceptable
    return PolicyInputs(acceptable, bool(demanded), inhibit_mapping, inhibit_any)
