"""openssl ocsp and GnuTLS's ocsptool ask the status server, and verify with the root alone."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from pki.ocsp import OcspRequest, encode_get_path
from registry.model.certificate import CertificateRecord
from registry.revocation import hold_certificate, revoke_certificate
from service.pem import to_pem
from tests.integration.status_served import OCSP, Served, served
from tests.tools import require_tool
from tests.unit.service.status_fixtures import WHO, make_home

__all__ = ["served"]


def run(*command: str) -> str:
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return ran.stdout + ran.stderr


def openssl(served: Served, *arguments: str) -> str:
    """`openssl ocsp` about certificates of the issuing CA; what it trusts is the root alone."""
    tool = require_tool("openssl", "an OCSP client that is not ours")
    public = served.home.public
    return run(tool, "ocsp", "-issuer", f"{public}/issuing.pem", "-CAfile", f"{public}/root.pem", *arguments)


def asked(served: Served, *arguments: str) -> str:
    return openssl(served, "-url", f"http://{served.address.host}:{served.address.port}/ocsp", *arguments)


def written(record: CertificateRecord, folder: Path, name: str = "cert") -> str:
    file = folder / f"{name}.pem"
    file.write_bytes(to_pem(record.der or b""))
    return str(file)


@pytest.mark.parametrize("digest", ["-sha1", "-sha256", "-sha384", "-sha512"])
@pytest.mark.parametrize("nonce", ["-nonce", "-no_nonce"])
def test_openssl_is_told_good_and_verifies_it(served: Served, digest: str, nonce: str) -> None:
    said = asked(served, digest, nonce, "-cert", f"{served.home.certificates}/registry.pem")
    assert "Response verify OK" in said
    assert "registry.pem: good" in said
    assert "no nonce in response" not in said


def test_openssl_is_told_the_reason_of_a_revocation(served: Served, tmp_path: Path) -> None:
    record = served.certify()
    file = written(record, tmp_path)
    assert "cert.pem: good" in asked(served, "-cert", file)
    revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=served.runtime.ports)
    time.sleep(0.2)
    said = asked(served, "-cert", file)
    assert "cert.pem: revoked" in said
    assert "Reason: keyCompromise" in said
    assert "Response verify OK" in said


def test_openssl_is_never_told_good_of_a_serial_that_was_not_issued(served: Served) -> None:
    said = asked(served, "-serial", "0x1234567890")
    assert "0x1234567890: revoked" in said
    assert "Jan  1 00:00:00 1970" in said


def test_openssl_asks_for_several_at_once_and_of_each_by_its_own_digest(
    served: Served, tmp_path: Path
) -> None:
    good, held = served.certify(), served.certify()
    hold_certificate(held.certificate_serial, WHO, ports=served.runtime.ports)
    time.sleep(0.2)
    files = (written(good, tmp_path, "good"), written(held, tmp_path, "held"))
    said = asked(served, "-sha256", "-cert", files[0], "-sha1", "-cert", files[1], "-serial", "0x77")
    assert "Response verify OK" in said
    assert "good.pem: good" in said
    assert "held.pem: revoked" in said
    assert "Reason: certificateHold" in said
    assert "0x77: revoked" in said


def test_openssl_judges_an_answer_that_curl_fetched_by_get(served: Served, tmp_path: Path) -> None:
    curl = require_tool("curl", "asks by GET")
    request, response = tmp_path / "request.der", tmp_path / "response.der"
    cert = ("-cert", f"{served.home.certificates}/registry.pem")
    openssl(served, *cert, "-no_nonce", "-reqout", str(request))
    path = encode_get_path(request.read_bytes())
    run(curl, "-sSf", "-o", str(response), f"http://{served.address.host}:{served.address.port}/ocsp/{path}")
    read = (*cert, "-no_nonce", "-respin", str(response))
    said = openssl(served, *read)
    assert "Response verify OK" in said
    assert "registry.pem: good" in said
    assert "Status times invalid" not in said
    # Fresh by its own times, and not because nobody looked: for who wants it newer it is too old.
    assert "Status times invalid" not in openssl(
        served, *read, "-validity_period", "0", "-status_age", "3600"
    )
    time.sleep(2.1)
    assert "Status times invalid" in openssl(served, *read, "-validity_period", "0", "-status_age", "1")


def test_openssls_nonce_comes_back_as_it_went(served: Served, tmp_path: Path) -> None:
    request, response = tmp_path / "request.der", tmp_path / "response.der"
    said = asked(
        served, "-nonce", "-cert", f"{served.home.certificates}/registry.pem",
        "-reqout", str(request), "-respout", str(response),
    )  # fmt: skip
    nonce = OcspRequest.parse(request.read_bytes()).nonce
    assert nonce is not None
    assert "registry.pem: good" in said
    assert nonce in response.read_bytes()
    again = served.http("POST", "/ocsp", request.read_bytes(), OCSP)[1]
    assert nonce in again


def ocsptool(served: Served, leaf: str, issuer: str) -> str:
    tool = require_tool("ocsptool", "GnuTLS's OCSP client")
    url = f"http://{served.address.host}:{served.address.port}/ocsp"
    return run(
        tool, f"--ask={url}", f"--load-cert={leaf}", f"--load-issuer={issuer}", f"--load-trust={issuer}"
    )


def test_gnutls_is_told_good_and_revoked(served: Served, tmp_path: Path) -> None:
    record = served.certify()
    leaf, issuer = written(record, tmp_path), f"{served.home.public}/issuing.pem"
    good = ocsptool(served, leaf, issuer)
    assert "Certificate Status: good" in good
    assert "Verifying OCSP Response: Success" in good
    hold_certificate(record.certificate_serial, WHO, ports=served.runtime.ports)
    time.sleep(0.2)
    assert "Certificate Status: revoked" in ocsptool(served, leaf, issuer)


def test_both_are_told_that_another_ca_is_not_ours_to_speak_of(served: Served, tmp_path: Path) -> None:
    other, _ = make_home(tmp_path)
    leaf, issuer = f"{other.certificates}/registry.pem", f"{other.public}/issuing.pem"
    assert "Response Status: unauthorized" in ocsptool(served, leaf, issuer)
    url = f"http://{served.address.host}:{served.address.port}/ocsp"
    tool = require_tool("openssl", "an OCSP client that is not ours")
    said = run(
        tool, "ocsp", "-url", url, "-issuer", issuer, "-cert", leaf, "-CAfile", f"{other.public}/root.pem"
    )
    assert "unauthorized (6)" in said
