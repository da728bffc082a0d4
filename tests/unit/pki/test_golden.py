"""What each profile writes stays what it was, and other tools read in it what we meant."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography import x509

from pki import profiles
from pki.tbs import Certificate
from tests.tools import require_tool
from tests.unit.pki.form_fixtures import needs
from tests.unit.pki.golden_certificates import GOLDEN, make, path_of

USAGES = {
    "DIGITAL_SIGNATURE": "Digital Signature",
    "KEY_ENCIPHERMENT": "Key Encipherment",
    "KEY_CERT_SIGN": "Certificate Sign",
    "CRL_SIGN": "CRL Sign",
}


@pytest.mark.parametrize("name", profiles.NAMES)
def test_a_profile_writes_what_it_wrote(name: str) -> None:
    for algorithm in profiles.by_name(name).main[:1]:
        needs(algorithm)
    assert make(name) == path_of(name).read_bytes(), (
        "A profile writes other bytes than before. Meant so? python -m tests.unit.pki.golden_certificates"
    )


def test_there_is_one_for_each_profile_and_no_other() -> None:
    assert sorted(path.stem for path in GOLDEN.iterdir()) == sorted(profiles.NAMES)


@pytest.mark.parametrize("name", profiles.NAMES)
def test_openssl_reads_what_the_profile_says(name: str) -> None:
    openssl = require_tool("openssl", "reads certificates with code that is not ours")
    profile = profiles.by_name(name)
    shown = _text([openssl, "x509", "-inform", "DER", "-noout", "-text", "-in", path_of(name)])
    assert f"CA:{'TRUE' if profile.ca else 'FALSE'}" in shown
    usages = ", ".join(USAGES[usage.name] for usage in profile.key_usages)
    assert f"X509v3 Key Usage: critical\n                {usages}\n" in shown
    assert ("pathlen:0" in shown) == (profile.path_length == 0)
    assert ("Full Name:" in shown) == profile.status_urls
    assert ("OCSP No Check" in shown) == profile.ocsp_no_check


@pytest.mark.parametrize("name", profiles.NAMES)
def test_certtool_reads_every_extension(name: str) -> None:
    certtool = require_tool("certtool", "a third pair of eyes")
    shown = _text([certtool, "--inder", "-i", "--infile", path_of(name)])
    assert "Basic Constraints (critical):" in shown
    assert "error" not in shown.lower()


@pytest.mark.parametrize("name", profiles.NAMES)
def test_cryptography_and_we_agree(name: str) -> None:
    der = path_of(name).read_bytes()
    ours, theirs = Certificate.parse(der), x509.load_der_x509_certificate(der)
    assert theirs.serial_number == ours.serial
    assert theirs.not_valid_after_utc == ours.not_after
    assert [e.oid.dotted_string for e in theirs.extensions] == [e.oid for e in ours.extensions]


def _text(command: list[str | Path]) -> str:
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode("utf-8", "replace")
