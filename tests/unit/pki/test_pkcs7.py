"""PKCS#7 of certificates only: what goes in comes out, for openssl too, and nothing else is read."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pki import asn1
from pki.errors import MalformedInput
from pki.pkcs7 import certs_only, read_certificates
from tests.tools import require_tool

PIECES = tuple(asn1.sequence(asn1.integer(n)) for n in (300, 2, 1))


def test_what_goes_in_comes_out_once_and_in_the_order_of_der() -> None:
    message = certs_only((*PIECES, PIECES[0]))
    assert set(read_certificates(message)) == set(PIECES)
    assert list(read_certificates(message)) == sorted(PIECES)


def test_openssl_reads_certificates_and_lists(tmp_path: Path) -> None:
    openssl = require_tool("openssl", "reads our PKCS#7")
    made = tmp_path / "made.p7b"
    der, crl = _openssl_pair(openssl, tmp_path)
    made.write_bytes(certs_only([der], [crl]))
    shown = subprocess.run(
        [openssl, "pkcs7", "-inform", "DER", "-in", str(made), "-print_certs"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.count("BEGIN CERTIFICATE") == 1
    assert shown.stdout.count("BEGIN X509 CRL") == 1


def test_openssls_own_message_is_read(tmp_path: Path) -> None:
    openssl = require_tool("openssl", "writes PKCS#7")
    der, _crl = _openssl_pair(openssl, tmp_path)
    run = subprocess.run(
        [openssl, "crl2pkcs7", "-nocrl", "-certfile", str(tmp_path / "cert.pem"), "-outform", "DER"],
        capture_output=True, check=True,
    )  # fmt: skip
    assert read_certificates(run.stdout) == (der,)


def test_a_signed_message_is_refused() -> None:
    def message(signers: list[bytes], kind: str = "1.2.840.113549.1.7.2") -> bytes:
        inner = asn1.sequence(
            asn1.integer(1),
            asn1.set_of([]),
            asn1.sequence(asn1.oid("1.2.840.113549.1.7.1")),
            asn1.tlv(0xA0, PIECES[0]),
            asn1.set_of(signers),
        )
        return asn1.sequence(asn1.oid(kind), asn1.explicit(0, inner))

    assert read_certificates(message([])) == (PIECES[0],)
    with pytest.raises(MalformedInput, match="signed by somebody"):
        read_certificates(message([asn1.sequence()]))
    with pytest.raises(MalformedInput, match="not PKCS#7"):
        read_certificates(message([], "1.2.840.113549.1.7.3"))


@given(st.integers(0, 60), st.integers(0, 255))
@settings(max_examples=300, deadline=None)
def test_a_changed_octet_gives_certificates_or_a_typed_error(place: int, octet: int) -> None:
    message = bytearray(certs_only(PIECES))
    message[place % len(message)] = octet
    try:
        found = read_certificates(bytes(message))
    except MalformedInput:
        return
    assert all(each[0] == asn1.SEQUENCE for each in found)


def _openssl_pair(openssl: str, folder: Path) -> tuple[bytes, bytes]:
    def run(*arguments: str) -> bytes:
        return subprocess.run([openssl, *arguments], capture_output=True, check=True, cwd=folder).stdout

    run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", "key.pem", "-out", "cert.pem", "-subj", "/CN=test")  # fmt: skip
    (folder / "index.txt").touch()
    (folder / "ca.cnf").write_text("[ca]\ndefault_ca=x\n[x]\ndatabase=index.txt\n")
    run("ca", "-config", "ca.cnf", "-gencrl", "-crldays", "1", "-md", "sha256", "-keyfile", "key.pem",
        "-cert", "cert.pem", "-out", "crl.pem")  # fmt: skip
    return (
        run("x509", "-in", "cert.pem", "-outform", "DER"),
        run("crl", "-in", "crl.pem", "-outform", "DER"),
    )
