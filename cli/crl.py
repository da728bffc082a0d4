"""`medtrust crl`: revocation lists, published by hand, listed, read, checked and fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from cli.asking import Json, PassphraseFd, PassphraseFile, SharesFile, noun, passphrase_of, registry
from cli.crl_fetch import fetch
from cli.crl_inspect import inspect
from cli.crl_issuer import IssuerFile, issuer_for
from cli.crl_view import entry_rows, head_row, list_document, print_list
from cli.errors import EXIT_CODES, CliError, Missing
from cli.finding_view import finding_rows
from cli.output import print_fields, print_findings, print_json, print_rows
from cli.trust_source import Bundle, RootFingerprint
from pki.crl_checks import verify_crl
from pki.crl_list import CertificateList
from registry.list_scopes import is_scope, scopes_changed
from registry.model.certificate import certificate_serial
from registry.store.lists import DELTA, WHOLE, StoredList
from service import clock
from service.authorities import ISSUING, read_authorities
from service.list_source import one_list_from
from service.lists import read_list, signer_of
from service.publisher import Publisher, list_file
from service.runtime import Runtime, current_operator

app = noun(
    "Revocation lists.",
    "medtrust crl publish",
    "medtrust crl list",
    "medtrust crl show issuing --json",
    "medtrust crl verify issuing.crl",
    "medtrust crl inspect http://pki.example/crl/issuing.crl",
    "medtrust crl fetch --from-cert pump.pem --bundle trust-bundle.json --out /etc/mosquitto/issuing.pem",
)
_SHOWN: Final = 20

CaName = Annotated[str, typer.Option("--issuer", "--ca", metavar="CA", help="Whose list (medtrust ca list).")]
Part = Annotated[str, typer.Option("--shard", metavar="N-K", help="Part K of N, for example 16-3.")]
Delta = Annotated[bool, typer.Option("--delta", help="What changed since the oldest whole list in force.")]


@app.command("publish")
def publish_now(
    ctx: typer.Context,
    issuer: CaName = ISSUING,
    shard: Part = "",
    delta: Delta = False,
    shares_file: SharesFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Sign and publish a new list of everything revoked, now; its changed parts and its delta too.

    With --shard or --delta only that one.
    """
    with registry(ctx) as runtime:
        _known(issuer, runtime)
        only = _scope(shard, delta=delta)
        passphrase = passphrase_of(runtime, passphrase_file, passphrase_fd, shares_file)
        signer = signer_of(runtime.home, issuer, passphrase)
        scopes = [only]
        if only == WHOLE:
            others = scopes_changed(signer, ports=runtime.ports)
            scopes = [*(s for s in others if s not in (WHOLE, DELTA)), WHOLE]
            scopes += [DELTA] if signer.deltas else []
        published = Publisher(runtime.home, runtime.ports).publish(signer, scopes, current_operator())
        stored = next(each for each in published if each.scope == only)
        path = list_file(runtime.home, issuer, only)
    document: dict[str, object] = {
        "crl_number": stored.crl_number,
        "next_update": stored.next_update,
        "file": str(path),
    }
    if len(published) > 1:
        document["others"] = [str(each.scope) for each in published if each is not stored]
    print_fields(document, as_json=as_json)


@app.command("list")
def list_all(
    ctx: typer.Context,
    issuer: Annotated[str, typer.Option("--issuer", "--ca", metavar="CA", help="Only this CA's.")] = "",
    as_json: Json = False,
) -> None:
    """The newest list of each kind, of each CA."""
    with registry(ctx) as runtime:
        issuers = [issuer] if issuer else [entry.name for entry in read_authorities(runtime.home)]
        for name in issuers:
            _known(name, runtime)
        now = clock.now()
        with runtime.store.read() as uow:
            heads = [head for name in issuers for head in uow.lists.heads(name).values()]
    rows = [head_row(head, now) for head in heads]
    print_rows(rows, as_json=as_json, empty="No list was published yet.")


@app.command()
def show(
    which: Annotated[
        str, typer.Argument(metavar="FILE|CA", help="A list's file, or the CA whose newest list it is.")
    ],
    ctx: typer.Context,
    shard: Part = "",
    delta: Delta = False,
    serial: Annotated[str, typer.Option(metavar="SERIAL", help="Only this certificate's entry.")] = "",
    limit: Annotated[int, typer.Option(min=0, metavar="N", help="How many entries; 0: all.")] = _SHOWN,
    as_json: Json = False,
) -> None:
    """Show a list's number, times, what it speaks of, and its first entries."""
    found = CertificateList.parse(_der(which, ctx, _scope(shard, delta=delta)))
    wanted = int(certificate_serial(serial), 16) if serial else None
    rows = entry_rows(found, limit or found.entry_count, wanted)
    document = list_document(found)
    if as_json:
        print_json({**document, "entry_count": found.entry_count, "entries": rows})
        return
    print_list(found, document, rows, sought=bool(serial))


app.command()(inspect)
app.command("fetch")(fetch)


@app.command()
def verify(
    which: Annotated[str, typer.Argument(metavar="FILE|URL", help="The list (PEM or DER).")],
    ctx: typer.Context,
    issuer_file: IssuerFile = None,
    bundle: Bundle = None,
    root_fingerprint: RootFingerprint = "",
    as_json: Json = False,
) -> None:
    """Check a list: both signatures, who may sign it, and whether it is in force.

    Exit code 0 where it is good, 3 where not.
    """
    found = CertificateList.parse(one_list_from(which))
    issuer = issuer_for(found, ctx, issuer_file=issuer_file, bundle=bundle, root_fingerprint=root_fingerprint)
    findings = verify_crl(found, issuer)
    now = clock.now()
    in_force = found.this_update <= now <= found.next_update
    good = in_force and not any(finding.refuses for finding in findings)
    document = {**list_document(found), "entry_count": found.entry_count, "in_force": in_force, "good": good}
    rows = finding_rows(findings)
    if as_json:
        print_json({**document, "findings": rows})
    else:
        print_fields(document, as_json=False)
        print_findings(rows)
    if not good:
        raise typer.Exit(EXIT_CODES["refused"])


def _scope(shard: str, *, delta: bool) -> str:
    if shard and delta:
        raise CliError("--shard and --delta name different lists.", next_step="Give one.", field="--shard")
    if shard and (not is_scope(shard) or shard in (WHOLE, DELTA)):
        raise CliError(
            f"{shard[:20]!r} is not a part of a list.",
            next_step="Write N-K, for example 16-3 (medtrust crl list).",
            field="--shard",
        )
    return shard or (DELTA if delta else WHOLE)


def _known(issuer: str, runtime: Runtime) -> None:
    names = [entry.name for entry in read_authorities(runtime.home)]
    if issuer not in names:
        raise Missing(
            f"There is no CA {issuer[:40]!r} here.", next_step=f"One of {', '.join(names)}.", field="issuer"
        )


def _der(which: str, ctx: typer.Context, scope: str) -> bytes:
    if "/" in which or "." in which or Path(which).exists():
        return read_list(Path(which))
    with registry(ctx) as runtime:
        _known(which, runtime)
        return _newest(which, scope, runtime).der


def _newest(issuer: str, scope: str, runtime: Runtime) -> StoredList:
    with runtime.store.read() as uow:
        stored = uow.lists.latest(issuer, scope)
    if stored is None:
        raise Missing(
            f"No such list of {issuer} was published yet ({scope}).",
            next_step="Publish one: medtrust crl publish. Which there are: medtrust crl list.",
            field="issuer",
        )
    return stored
