"""`medtrust cert issue | challenge`: the CA's side of a request that a person brings."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from cli.asking import Json, PassphraseFd, PassphraseFile, SharesFile, home_of, registry, unlocked
from cli.cert_source import signed
from cli.device_view import certificate_row
from cli.output import note, print_json, raw
from pki.csr import der_from_pem_or_der
from pki.findings import Finding
from pki.path import VerifyPolicy, verify
from pki.tbs import Certificate
from registry.issuance import issue
from registry.kem_challenge import challenge_key
from registry.model.kem_challenge import KemAnswer
from registry.ordering import Asked, order_of, orderable
from registry.possession import read_request
from service import clock
from service.authorities import read_register
from service.authority import read_bundle
from service.home import write_atomically
from service.pem import read_file, to_pem
from service.profiles import find_profile
from service.runtime import Runtime, current_operator

Csr = Annotated[Path, typer.Option(metavar="FILE", help="The PKCS#10 request, PEM or DER.")]


def issue_one(
    csr: Csr,
    ctx: typer.Context,
    profile: Annotated[
        str, typer.Option(metavar="NAME", help="What the certificate is for; see docs/requests.md.")
    ] = "device",
    device: Annotated[str | None, typer.Option(metavar="ID", help="The approved device.")] = None,
    dns: Annotated[list[str] | None, typer.Option(help="A server's host name; repeat for each.")] = None,
    ip: Annotated[list[str] | None, typer.Option(help="A server's address; repeat for each.")] = None,
    operator: Annotated[str, typer.Option(metavar="NAME", help="Who operates, for that profile.")] = "",
    mud_url: Annotated[
        str, typer.Option(metavar="URL", help="Where the device's traffic is described (RFC 8520).")
    ] = "",
    days: Annotated[int | None, typer.Option(help="Lifetime; at most the profile's.")] = None,
    answer: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The answer to `cert challenge`, for ML-KEM keys.")
    ] = None,
    ca: Annotated[str, typer.Option(metavar="NAME", help="Which of our CAs signs; else by form.")] = "",
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="For the chain; else stdout.")] = None,
    shares_file: SharesFile = None,
    passphrase_file: PassphraseFile = None,
    passphrase_fd: PassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Issue a certificate for a request; names come from the registry or the options, never from it."""
    wanted = orderable(find_profile(home_of(ctx), profile))
    answered = KemAnswer.from_json(read_file(answer, "answer")) if answer is not None else None
    asked = Asked(
        request=read_file(csr, "request"),
        profile=wanted,
        device=device,
        dns_names=tuple(dns or ()),
        ip_addresses=tuple(ip or ()),
        operator=operator,
        mud_url=mud_url,
        days=days,
        answer=answered,
    )
    with registry(ctx) as runtime:
        authority = unlocked(runtime, passphrase_file, passphrase_fd, shares_file)
        chosen = authority.issuer_for(asked.profile, ca)
        parts = authority.parts_of(chosen)
        asked = replace(asked, kem_proof=runtime.settings.kem_proof)
        order = order_of(asked, parts, runtime.ports, lambda named: _judged(named, runtime))
        order = replace(order, issuer_name=chosen.name)
        done = issue(order, current_operator(), ports=runtime.ports, issuer=chosen.issuer)
    chain = to_pem(signed(done.record), *parts.chain)
    if out is not None:
        write_atomically(out, chain)
    if as_json:
        print_json({**certificate_row(done.record), "log_index": done.log_index, "chain": chain.decode()})
        return
    if out is None:
        raw(chain.decode())
    where = f"; its chain is in {out}" if out else ""
    note(f"Issued {done.record.certificate_serial}, good until {done.record.not_after:%Y-%m-%d}{where}.")


def _judged(certificate: Certificate, runtime: Runtime) -> Iterable[Finding]:
    """The path of a certificate that a request rests on; its own status is the registry's to know."""
    names = [entry.name for entry in read_register(runtime.home).entries]
    with runtime.store.read() as uow:
        lists = [stored.der for name in names if (stored := uow.lists.latest(name)) is not None]
    policy = VerifyPolicy(revocation="if_available")
    bundle = read_bundle(runtime.home)
    return verify(certificate, bundle=bundle, now=clock.now(), crls=lists, policy=policy).findings


def challenge(
    csr: Annotated[Path, typer.Argument(metavar="CSR", help="The PKCS#10 request, PEM or DER.")],
    ctx: typer.Context,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="For the challenge; else stdout.")] = None,
    as_json: Json = False,
) -> None:
    """Challenge the holder of an ML-KEM key: only who has the private key can answer.

    The answer comes from `medtrust cert answer`, on any machine, within a day, and is good once.
    """
    request = read_request(der_from_pem_or_der(read_file(csr, "request")))
    with registry(ctx) as runtime:
        given = challenge_key(request, ports=runtime.ports)
    if out is not None:
        write_atomically(out, given.to_json())
    if as_json:
        shown = {"challenge": given.challenge_id, "expires_at": given.expires_at}
        print_json({**shown, "document": given.to_json().decode()})
    elif out is None:
        raw(given.to_json().decode())
    note(f"Good until {given.expires_at:%Y-%m-%d %H:%M}Z. Next: medtrust cert answer CHALLENGE --key KEY.")
