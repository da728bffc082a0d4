"""PKCS#12 from the keys as `medtrust cert request` leaves them: sealed, for no other tool opens those."""

from __future__ import annotations

import subprocess

from tests.integration.cli.conftest import Cli, assert_refused


def test_a_key_that_cert_request_sealed_goes_into_pkcs12(cli: Cli) -> None:
    at, out = cli.folder / "pump", cli.folder / "pump.p12"
    device = cli.approved()
    opened = ("--passphrase-file", cli.passphrase)
    cli.done("cert", "request", "--cn", device, "--form", "classical", "--out", at, *opened)
    order = ("cert", "issue", "--csr", f"{at}.csr", "--profile", "device-classical", "--device", device)
    made = cli.done(*order, "--out", f"{at}.pem", *opened)

    wanted = ("cert", "export", made["certificate_serial"], "--format", "pkcs12", "--out", out)
    keys = (*wanted, "--key", f"{at}.key", "--password-file", cli.passphrase)
    wrong = cli.folder / "wrong"
    wrong.write_bytes(b"another passphrase\n")
    wrong.chmod(0o600)
    assert_refused(cli(*keys, "--key-password-file", wrong), 3, "passphrase is wrong")
    assert not out.exists()

    written = cli(*keys, "--key-password-file", cli.passphrase)
    assert written.code == 0, written.err
    word = cli.passphrase.read_text().strip()
    command = ["openssl", "pkcs12", "-in", str(out), "-nodes", "-passin", f"pass:{word}"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.count("BEGIN CERTIFICATE") == 2
    assert "PRIVATE KEY" in shown
