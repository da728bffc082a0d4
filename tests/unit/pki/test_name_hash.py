"""The names of OpenSSL's folders, compared with openssl's own for names of every shape."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from pki.name_hash import name_hash
from pki.tbs import Certificate
from service.pem import read_certificate
from tests.tools import require_tool


@pytest.mark.parametrize(
    "subject",
    [
        "/CN=medtrust Root CA",
        "/O=General Hospital/CN=medtrust Issuing CA",
        "/C=DE/O=St. Élan/CN=  Two   Spaces  And CAPITALS ÄÖ",
        "/O=One/OU=two+CN=three/serialNumber=AB 12",
        "/emailAddress=Someone@Example.ORG/CN=x",
    ],
)
def test_as_openssl_says_it(subject: str, tmp_path: Path) -> None:
    openssl = require_tool("openssl", "its folder names are compared with ours")
    made = tmp_path / "cert.pem"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-utf8",
         "-multivalue-rdn", "-keyout", str(tmp_path / "key.pem"), "-out", str(made), "-subj", subject],
        capture_output=True, check=True,
    )  # fmt: skip
    said = subprocess.run(
        [openssl, "x509", "-in", str(made), "-noout", "-subject_hash"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    certificate: Certificate = read_certificate(made)
    assert name_hash(certificate.subject) == said.stdout.strip()
