"""Certificates that are not issued, not revoked, not believed: each with its exit code and sentence."""

from pathlib import Path

from tests.integration.cli.conftest import UNKNOWN, Answer, Cli, assert_refused


def _order(cli: Cli, request: Path, *options: str) -> Answer:
    return cli("cert", "issue", "--csr", request, "--passphrase-file", cli.passphrase, *options)


def test_requests_that_may_not_become_certificates(cli: Cli) -> None:
    waiting, device = cli.registered("9"), cli.approved("1")
    good = cli.request(device)
    malformed = cli.folder / "malformed.csr"
    malformed.write_bytes(good.read_bytes()[:400] + b"\n-----END CERTIFICATE REQUEST-----\n")
    torn = cli.folder / "torn.csr"
    torn.write_bytes(b"\x30\x82\x01\x00garbage")
    before = cli.done("cert", "list")

    assert_refused(_order(cli, malformed, "--device", device), 2)
    assert_refused(_order(cli, torn, "--device", device), 2)
    assert_refused(_order(cli, cli.request("another-device"), "--device", device), 3, "field: CN")
    assert_refused(_order(cli, good), 2, "field: --device")
    assert_refused(_order(cli, good, "--device", waiting), 3, "medtrust device approve")
    assert_refused(_order(cli, good, "--device", UNKNOWN), 4, "field: device_id")
    assert_refused(_order(cli, good, "--device", device, "--dns", "a.example"), 2, "field: --dns")
    assert_refused(_order(cli, good, "--device", device, "--days", "3650"), 3, "field: lifetime")
    assert_refused(_order(cli, good, "--profile", "server"), 2, "field: --dns")
    one_key = cli.request(device, alternative=False)
    assert_refused(_order(cli, one_key, "--device", device), 3, "field: subjectAltPublicKeyInfo")
    assert cli.done("cert", "list") == before
    assert cli.done("device", "show", device)["state"] == "approved"


def test_revoking_needs_a_reason_a_yes_and_a_live_certificate(cli: Cli) -> None:
    serial = cli.issued(cli.approved())

    assert_refused(cli("cert", "revoke", serial, "--reason", "nope", "--yes"), 2, "field: reason")
    assert_refused(cli("cert", "revoke", serial, "--reason", "superseded"), 3, "field: --yes")
    assert_refused(cli("cert", "release", serial), 5, "field: state")
    assert cli("cert", "revoke", serial, "--reason", "superseded", "--yes").code == 0
    assert_refused(cli("cert", "revoke", serial, "--reason", "superseded", "--yes"), 5, "field: state")
    issuing = next(row for row in cli.done("cert", "list") if row["profile"] == "issuing-ca")
    order = ("cert", "revoke", issuing["certificate_serial"], "--reason", "superseded", "--yes")
    assert_refused(cli(*order), 3)


def test_a_compromised_key_is_never_certified_again(cli: Cli) -> None:
    device = cli.approved()
    serial = cli.issued(device)
    cli.done("cert", "revoke", serial, "--reason", "keyCompromise", "--yes")
    cli.done("device", "approve", device)

    assert_refused(_order(cli, cli.folder / f"{device}.csr", "--device", device), 3, "field: csr", "new keys")
    assert _order(cli, cli.request(device), "--device", device).code == 0


def test_a_stranger_with_bad_files_gets_a_verdict_or_a_sentence(cli: Cli) -> None:
    serial = cli.issued(cli.approved())
    bundle, chain = cli.home / "public" / "trust-bundle.json", cli.folder / "chain.pem"
    text = cli.folder / "text"
    text.write_text("hello")
    torn = cli.folder / "torn.der"
    torn.write_bytes(b"\x30\x03\x02\x01")

    assert_refused(cli("verify", chain, "--bundle", text), 2)
    assert_refused(cli("verify", text, "--bundle", bundle), 2, "field: certificate")
    assert_refused(
        cli("verify", chain, "--bundle", bundle, "--root-fingerprint", "00" * 32), 3, "field: anchors"
    )
    assert_refused(
        cli("verify", chain, "--bundle", bundle, "--root-fingerprint", "zz"), 2, "--root-fingerprint"
    )
    assert_refused(cli("verify", chain, "--bundle", bundle, "--at", "soon"), 2, "field: --at")
    assert_refused(cli("crl", "show", text), 2)
    assert_refused(cli("cert", "show", torn), 2)
    judged = cli("verify", torn, "--bundle", bundle, "--json")
    assert (judged.code, judged.json["findings"][0]["rule"]) == (3, "path.certificate_malformed")
    assert cli("cert", "verify", serial).code == 0
