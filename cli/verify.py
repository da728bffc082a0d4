"""`medtrust verify`: judges anybody's certificate against a trust bundle. Needs no home and no network."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import typer

from cli import verify_options as opts
from cli.asking import Json, single
from cli.errors import EXIT_CODES, CliError
from cli.trust_source import given_bundle
from cli.verdict_view import print_verdict
from cli.words import examples
from pki.path import VerifyPolicy, verify_bytes
from service import clock
from service.lists import read_list
from service.pem import from_pem_or_der, read_file

app = single()


@app.command(
    epilog=examples(
        "medtrust verify pump.pem --bundle trust-bundle.json --crl issuing.crl --crl root.crl",
        "medtrust verify pump.pem --bundle trust-bundle.json --revocation off --at 2027-01-01T00:00:00Z",
        "medtrust verify broker.pem --bundle trust-bundle.json --ocsp good.der --host broker.example",
        "medtrust verify tls.pem --related signing.pem --bundle trust-bundle.json --crl issuing.crl",
    )
)
def verify(
    file: opts.File,
    bundle: opts.Bundle,
    crl: opts.Lists = None,
    ocsp: opts.Responses = None,
    root_fingerprint: opts.RootFingerprint = "",
    pq_only: opts.PqOnly = False,
    at: opts.At = "",
    revocation: opts.AskRevocation = opts.Asking.REQUIRE,
    purpose: opts.Use = None,
    host: opts.Host = "",
    related: opts.Related = None,
    intermediate: opts.Intermediates = None,
    policy: opts.Policies = None,
    inhibit_mapping: opts.NoMapping = False,
    inhibit_any: opts.NoAnyPolicy = False,
    path_length: opts.PathLength = None,
    clock_skew: opts.ClockSkew = 300,
    as_json: Json = False,
) -> None:
    """Verify a certificate: hybrid-valid, classical-valid, pq-only-valid or invalid, with findings.

    Exit code 0 where valid, 3 where not.
    """
    trusted = given_bundle(bundle, root_fingerprint)
    first, *others = from_pem_or_der(read_file(file, "certificate"))
    second, *behind = from_pem_or_der(read_file(related, "related certificate")) if related else [None]
    given = [der for path in intermediate or () for der in from_pem_or_der(read_file(path, "intermediate"))]
    verdict = verify_bytes(
        first,
        bundle=trusted,
        now=_moment(at) if at else clock.now(),
        intermediates=[*others, *(der for der in behind if der), *given],
        crls=[read_list(path) for path in crl or ()],
        ocsp_responses=[read_file(path, "OCSP response") for path in ocsp or ()],
        policy=VerifyPolicy(
            revocation=opts.REVOCATION[revocation],
            mode="pq_only" if pq_only else "hybrid",
            purpose=opts.PURPOSES[purpose] if purpose else None,
            host=host,
            policies=opts.policy_inputs(
                policy or [], inhibit_mapping=inhibit_mapping, inhibit_any=inhibit_any
            ),
            path_length=path_length,
            clock_skew=timedelta(seconds=clock_skew),
        ),
        related=second,
    )
    print_verdict(verdict, as_json=as_json)
    if not verdict.is_valid:
        raise typer.Exit(EXIT_CODES["refused"])


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as bad:
        raise CliError(
            f"{text[:40]!r} is not a time.", next_step="Write it as 2027-01-31T12:00:00Z.", field="--at"
        ) from bad
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
