"""`medtrust cert answer`: the holder's side of a challenge to an ML-KEM key; needs no home and no network."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from cli.asking import Json
from cli.cert_request import KeyPassphraseFd, KeyPassphraseFile
from cli.errors import CliError
from cli.output import note, print_json, raw
from pki.csr import der_from_pem_or_der
from registry.model.kem_challenge import KemAnswer, KemChallenge
from service.home import write_atomically
from service.pem import read_file
from service.request_keys import Passphrase, read_key


def answer(
    challenge: Annotated[Path, typer.Argument(metavar="CHALLENGE", help="What `cert challenge` wrote.")],
    key: Annotated[Path, typer.Option(metavar="FILE", help="The private ML-KEM key of the request.")],
    csr: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The request: to see that it is the one challenged.")
    ] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="For the answer; else stdout.")] = None,
    passphrase_file: KeyPassphraseFile = None,
    passphrase_fd: KeyPassphraseFd = None,
    as_json: Json = False,
) -> None:
    """Answer a challenge with the private key; the answer goes back to the CA and is no secret for long."""
    given = KemChallenge.from_json(read_file(challenge, "challenge"))
    if csr is not None:
        der = der_from_pem_or_der(read_file(csr, "request"))
        if hashlib.sha256(der).digest() != given.csr_sha256:
            raise CliError(
                "The challenge is for another request.",
                next_step="Ask for one for this request.",
                field="--csr",
            )
    private = read_key(key, Passphrase(passphrase_file, passphrase_fd))
    if not private.algorithm.is_kem:
        raise CliError(
            f"The key is {private.algorithm}: it signs, and is not what was challenged.",
            next_step="Give the ML-KEM key of the request.",
            field="--key",
        )
    made = KemAnswer(given.challenge_id, given.answer(private.decapsulate(given.ciphertext)))
    if out is not None:
        write_atomically(out, made.to_json())
    if as_json:
        print_json({"challenge": made.challenge_id, "document": made.to_json().decode()})
    elif out is None:
        raw(made.to_json().decode())
    note("Next, at the CA: medtrust cert issue --csr CSR ... --answer ANSWER")
