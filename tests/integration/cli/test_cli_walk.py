"""The engineer's walk through the real commands, and what each leaves."""

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.integration.cli.conftest import Cli


def test_init_says_the_fingerprint_and_what_comes_next(empty: Cli) -> None:
    made = empty("init", "--organization", "St. Élan", "--passphrase-file", empty.passphrase)

    assert made.code == 0, made.err
    shown = empty.done("ca", "show")
    assert bytes.fromhex(shown["root_sha256"]).hex(":").upper() in made.out
    assert "medtrust up" in made.out
    assert "O=St. Élan" in shown["root_subject"]
    assert empty.done("settings", "show")["organization"] == "St. Élan"


def test_the_status_url_decides_where_to_listen(empty: Cli) -> None:
    url = "http://pki.hospital.example:8090"
    empty.done("init", "--status-url", url, "--passphrase-file", empty.passphrase)

    settings = empty.done("settings", "show")
    assert (settings["status_url"], settings["status_listen"]) == (url, "0.0.0.0:8090")


def test_a_device_from_label_to_revocation(cli: Cli) -> None:
    registered = cli.done("device", "register", "--udi", "(01)09521000000018(21)SN-7", "--ward", "ICU")
    device = registered["device_id"]
    assert (registered["created"], registered["criticality"]) == (True, "therapy")
    assert any("infusion" in reason for reason in registered["criticality_reasons"])
    assert cli.done("device", "register", "--udi", "(01)09521000000018(21)SN-7")["created"] is False

    assert cli.done("device", "approve", device)["state"] == "approved"
    token = cli.done("token", "create", device, "--hours", "2")
    assert token["token"].startswith("mtj1_")
    listed = cli("token", "list", device, "--json")
    assert [row["state"] for row in listed.json] == ["open"]
    assert token["token"] not in listed.out

    serial = cli.issued(device)
    assert cli.done("device", "show", device)["state"] == "active"
    judged = cli("cert", "verify", serial, "--json")
    assert (judged.code, judged.json["verdict"]) == (0, "hybrid-valid")

    held = cli("cert", "hold", serial, "--json")
    assert held.json["state"] == "held"
    assert "No process runs here" in held.err
    assert cli.done("cert", "release", serial)["state"] == "active"
    assert cli.done("cert", "revoke", serial, "--reason", "keyCompromise", "--yes")["state"] == "revoked"
    assert cli.done("device", "show", device)["state"] == "revoked"

    before = cli("cert", "verify", serial, "--json")
    assert before.code == 3
    assert before.json["findings"][-1]["rule"] == "registry.revoked_not_yet_published"
    assert cli.done("crl", "publish", "--passphrase-file", cli.passphrase)["crl_number"] == 2
    entries = cli.done("crl", "show", "issuing")["entries"]
    assert [(e["certificate_serial"], e["reason"]) for e in entries] == [(serial, "key_compromise")]
    after = cli("cert", "verify", serial, "--json")
    assert (after.code, after.json["findings"][0]["rule"]) == (3, "path.certificate_revoked")


def test_identifiers_are_masked_until_asked_for(cli: Cli) -> None:
    device = cli.registered("123456789")

    assert "SN-123456789" not in cli("device", "show", device).out
    assert "SN-123456789" not in cli("device", "show", device, "--json").out
    assert "SN-123456789" in cli("device", "show", device, "--show-identifiers").out
    assert "SN-123456789" not in cli("audit", "list", "--json").out


def test_serials_are_read_in_each_form(cli: Cli) -> None:
    serial = cli.done("cert", "list")[0]["certificate_serial"]
    pairs = ":".join(serial[at : at + 2] for at in range(0, 32, 2)).upper()

    for form in (serial, f"0x{serial}", pairs, str(int(serial, 16))):
        assert cli.done("cert", "show", form)["certificate_serial"] == serial


def test_openssl_believes_what_export_and_chain_print(cli: Cli) -> None:
    serial = cli.issued(cli.approved())
    leaf, chain = cli.folder / "leaf.pem", cli.folder / "ca.pem"
    leaf.write_text(cli("cert", "export", serial).out)
    chain.write_text(cli("ca", "chain").out)

    done = subprocess.run(["openssl", "verify", "-CAfile", chain, leaf], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert cli("cert", "export", serial, "--chain").out.count("BEGIN CERTIFICATE") == 2


def test_a_server_gets_the_names_of_the_options(cli: Cli) -> None:
    request = cli.request("pki.hospital.example")
    order = ("cert", "issue", "--csr", request, "--profile", "server", "--dns", "pki.hospital.example")
    out = cli.folder / "server.pem"
    made = cli(*order, "--ip", "10.0.0.7", "--days", "30", "--passphrase-file", cli.passphrase, "--out", out)

    assert made.code == 0, made.err
    shown = cli.done("cert", "show", out)
    assert shown["names"] == ["pki.hospital.example", "10.0.0.7"]
    assert shown["purposes"] == ["server"]


def test_a_stranger_verifies_offline_with_the_bundle_alone(cli: Cli, empty: Cli) -> None:
    cli.issued(cli.approved())
    root = cli.done("ca", "show")["root_sha256"]
    bundle = cli.folder / "bundle.json"
    bundle.write_text(cli("ca", "bundle").out)
    public = cli.home / "public"
    asked = ("verify", cli.folder / "chain.pem", "--bundle", bundle, "--root-fingerprint", root)
    lists = ("--crl", public / "issuing.crl", "--crl", public / "root.crl")

    assert empty(*asked, *lists, "--json").json["verdict"] == "hybrid-valid"
    assert empty(*asked, *lists, "--pq-only", "--json").json["verdict"] == "pq-only-valid"
    assert empty(*asked, *lists, "--purpose", "client").code == 0
    assert empty(*asked, *lists, "--purpose", "server").code == 3
    assert empty(*asked).code == 3
    assert empty(*asked, "--revocation", "off").code == 0
    assert empty(*asked, "--revocation", "off", "--at", "2036-01-01T00:00:00Z").code == 3


def test_the_log_verifies_and_names_the_person(cli: Cli) -> None:
    cli.approved()

    assert cli.done("audit", "verify")["verified"] is True
    kinds = [entry["kind"] for entry in cli.done("audit", "list", "--limit", "2")]
    assert kinds == ["device.registered", "device.approved"]
    assert all(e["actor"].startswith("operator:") for e in cli.done("audit", "list"))


def test_a_changed_entry_is_found(cli: Cli) -> None:
    tampering = "UPDATE audit_entry SET leaf = CAST(replace(leaf, 'operator', 'operatoR') AS BLOB)"
    with contextlib.closing(sqlite3.connect(cli.home / "registry.db")) as store, store:
        store.execute(f'{tampering} WHERE "index" = 1')
    judged = cli("audit", "verify", "--json")

    assert judged.code == 1
    assert judged.json["problems"][0]["index"] == 1


def test_a_reference_value_is_listed_and_logged(cli: Cli) -> None:
    digest = "ab" * 32
    given = (
        "--udi-di",
        "09521000000018",
        "--sha256",
        digest.upper(),
        "--name",
        "pump-os",
        "--version",
        "4.2",
    )
    cli.done("trust", "reference", "add", *given)

    listed = cli.done("trust", "reference", "list", "09521000000018")
    assert listed == [{"name": "pump-os", "version": "4.2", "sha256": digest}]
    assert cli.done("audit", "list", "--limit", "1")[0]["kind"] == "reference.added"


def test_status_counts_what_is_there(cli: Cli) -> None:
    cli.issued(cli.approved("1"))
    cli.registered("2")
    counted = cli.done("status")

    assert counted["devices"] == {"active": 1, "registered": 1}
    assert counted["criticality"] == {"therapy": 2}
    assert counted["process"] is None
    assert counted["trust"] == {"never heard": 2}


def test_doctor_says_that_nothing_runs(cli: Cli) -> None:
    examined = cli("doctor", "--json")

    assert examined.code == {"note": 2, "warning": 3, "critical": 4}[examined.json["level"]]
    assert {"process"} <= {check["name"] for check in examined.json["checks"] if check["level"] == "note"}


def test_a_label_has_three_answers(empty: Cli) -> None:
    good = empty("udi", "parse", "(01)09521000000018(17)271231(21)SN-1", "--json")
    assert (good.code, good.json["well_formed"], good.json["check"]) == (0, True, "holds")
    assert good.json["expiration_date"] == "2027-12-31"

    wrong_digit = empty("udi", "parse", "(01)09521000000019(21)SN-1", "--json")
    assert wrong_digit.json["check"] == "fails"


def test_the_catalogue_explains_criticality(empty: Cli) -> None:
    assert "FRN" in {row["product_code"] for row in empty.done("catalog", "search", "infusion pump")}
    assert empty.done("catalog", "show", "FRN")["criticality"] == "therapy"


def test_the_real_program_runs_and_prints_its_version(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "cli.main", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("medtrust ")
