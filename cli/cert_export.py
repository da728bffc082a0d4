"""`medtrust cert export`: a certificate in the form that somebody asks for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from cli.asking import registry
from cli.cert_source import signed
from cli.errors import CliError
from cli.output import note, raw
from pki import oids
from pki.tbs import Certificate
from registry.lookup import get_certificate
from registry.model.certificate import certificate_serial
from service.exports.forms import Form, KeyFile, write_form
from service.exports.gathered import chain_of
from service.home import read_secret, write_atomically, write_private
from service.passphrase import first_line
from service.request_keys import Passphrase, read_key

KeyOption = Annotated[Path | None, typer.Option(metavar="FILE", help="For PKCS#12: the private key (0600).")]
KeyPassword = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The password of that key, where it has one (0600).")
]
NewPassword = Annotated[
    Path | None, typer.Option(metavar="FILE", help="The password of the PKCS#12 file to write (0600).")
]


def export(
    serial: Annotated[
        str, typer.Argument(metavar="SERIAL", help="Serial number: decimal, 0x hex, hex or colon hex.")
    ],
    ctx: typer.Context,
    form: Annotated[Form, typer.Option("--format", help="What to write.")] = Form.PEM,
    chain: Annotated[
        bool, typer.Option("--chain", help="The CAs' certificates behind it, without the root's.")
    ] = False,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write there; else to stdout.")] = None,
    key: KeyOption = None,
    key_password_file: KeyPassword = None,
    password_file: NewPassword = None,
) -> None:
    """Write a certificate as PEM, DER, PKCS#7 (certificates only) or PKCS#12 (with its classical key)."""
    with registry(ctx) as runtime:
        with runtime.store.read() as uow:
            record = get_certificate(certificate_serial(serial), uow)
        certificate = signed(record)
        above = chain_of(runtime.home, record.issuer) if chain or form is Form.PKCS12 else ()
    if form is Form.DER and chain:
        raise CliError("DER holds one certificate.", next_step="Use pem or pkcs7.", field="--chain")
    written = write_form(form, certificate, above, _key(key, key_password_file, password_file))
    if out is not None:
        (write_private if form is Form.PKCS12 else write_atomically)(out, written)
        note(f"Written to {out}.")
    elif form is Form.PEM:
        raw(written.decode())
    else:
        _binary(written)
    if form is Form.PKCS12 and Certificate.parse(certificate).extension(oids.SUBJECT_ALT_PUBLIC_KEY_INFO):
        note("The alternative key has no place in PKCS#12: keep it as it is.")


def _key(key: Path | None, key_password: Path | None, password: Path | None) -> KeyFile | None:
    if key is None:
        return None
    if password is None:
        raise CliError(
            "PKCS#12 needs a password for the file.",
            next_step="Give --password-file FILE (mode 0600).",
            field="--password-file",
        )
    octets = read_secret(key, what="private key")
    if octets.lstrip()[:1] == b"{":
        # Sealed by `medtrust cert request`, in an envelope that no other tool opens.
        return KeyFile(read_key(key, Passphrase(key_password)).pkcs8(), None, _line(password))
    return KeyFile(octets, _line(key_password) if key_password else None, _line(password))


def _line(path: Path) -> bytes:
    return first_line(path, "password file")


def _binary(data: bytes) -> None:
    if sys.stdout.isatty():
        raise CliError(
            "This form is binary, and stdout is a terminal.", next_step="Give --out FILE.", field="--out"
        )
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
