"""`medtrust ca`: ceremonies, rollovers, imports, and what is shown of them; killed and repeated."""

from __future__ import annotations

import base64
import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pki.bundle import open_bundle
from service.home import Home
from service.process_lock import changing_cas
from tests.integration.cli.conftest import Cli, assert_refused
from tests.unit.service.foreign_ca import foreign_ca

WARD = """
[[ca]]
name = "ward"
profile = "issuing-ca"
issuer = "root"
common_name = "Ward CA"
"""
HOSPITAL = """
title = "General Hospital"
organization = "General Hospital"
[[ca]]
name = "root"
profile = "root"
common_name = "General Hospital Root"
key_place = "away"
[[ca]]
name = "policy"
profile = "offline-ca"
issuer = "root"
common_name = "General Hospital Policy CA"
key_place = "away"
[[ca]]
name = "issuing"
profile = "issuing-ca"
issuer = "policy"
common_name = "General Hospital Devices"
default = true
[ca.name_constraints.permitted]
dns = ["hospital.example"]
"""


def opened(cli: Cli) -> tuple[str, Path]:
    return "--passphrase-file", cli.passphrase


def written(cli: Cli, text: str, name: str = "ceremony.toml") -> Path:
    path = cli.folder / name
    path.write_text(text)
    return path


def test_first_read_then_signed(cli: Cli) -> None:
    file = written(cli, WARD)
    read = cli.done("ca", "ceremony", file, "--dry-run", *opened(cli))
    (ward,) = read["certificates"]
    tbs = base64.b64decode(ward["tbs"])
    assert hashlib.sha256(tbs).hexdigest() == ward["tbs_sha256"]
    assert b"Ward CA" in tbs
    wrong = cli("ca", "ceremony", file, "--expect", "00" * 32, *opened(cli))
    assert_refused(wrong, 2, "not the one that was expected")
    assert [row["name"] for row in cli.done("ca", "list")] == ["root", "issuing"]
    done = cli.done("ca", "ceremony", file, "--expect", read["digest"], *opened(cli))
    assert done["bundle_version"] == 2
    shown = cli.done("ca", "show", "ward")
    assert (shown["sha256"], shown["form"], shown["key"]) == (done["ward_sha256"], "catalyst", "here")


def test_people_see_the_octets_too(cli: Cli) -> None:
    answer = cli("ca", "ceremony", written(cli, WARD), "--dry-run", *opened(cli))
    assert answer.code == 0
    assert "-----BEGIN TBS CERTIFICATE-----" in answer.out
    assert "Nothing was signed" in answer.err


def test_without_a_yes_nothing_is_signed(cli: Cli) -> None:
    assert_refused(cli("ca", "ceremony", written(cli, WARD), *opened(cli)), 3, "--yes")
    assert len(cli.done("ca", "list")) == 2


def test_a_hospital_of_three_levels_with_two_keys_away(empty: Cli) -> None:
    stick = empty.folder / "stick"
    stick.mkdir(mode=0o700)
    empty.home.mkdir(mode=0o700)
    file = written(empty, HOSPITAL)
    empty.done("ca", "ceremony", file, "--root", stick, "--yes", *opened(empty))
    rows = {row["name"]: row for row in empty.done("ca", "list")}
    assert {name: row["key"] for name, row in rows.items()} == {
        "root": "away",
        "policy": "away",
        "issuing": "here",
    }
    assert sorted(path.name.split(".")[0] for path in stick.glob("*.classical.json")) == ["policy", "root"]
    assert empty.done("ca", "chain")["chain"] == ["issuing", "policy", "root"]
    server = (
        "cert",
        "issue",
        "--csr",
        empty.request("www.hospital.example", alternative=False),
        "--profile",
        "server",
        *opened(empty),
    )
    inside = empty.done(*server, "--dns", "www.hospital.example")
    assert inside["chain"].count("BEGIN CERTIFICATE") == 3
    other = ("cert", "issue", "--csr", empty.request("www.elsewhere.example", alternative=False))
    outside = empty(*other, "--profile", "server", "--dns", "www.elsewhere.example", *opened(empty))
    assert_refused(outside, 3, "chain.name_not_permitted")
    verified = empty("cert", "verify", inside["certificate_serial"], "--json")
    assert verified.code == 0, verified.err + verified.out


def test_a_root_is_carried_away_succeeded_and_refreshed(cli: Cli) -> None:
    stick = cli.folder / "stick"
    before = open_bundle((cli.home / "public" / "trust-bundle.json").read_bytes(), pinned_fingerprint=None)
    cli.done("ca", "detach-root", stick, "--yes", *opened(cli))
    assert_refused(cli("ca", "rollover", "root", "--yes", *opened(cli)), 3, "--root")
    rolled = cli.done("ca", "rollover", "root", "--profile", "root-pure", "--root", stick, "--away", "--yes",
                      *opened(cli))  # fmt: skip
    assert rolled["bundle_version"] == 2
    assert cli.done("ca", "show", "root-2")["cross_certified_by"] == ["root"]
    bundle = (cli.home / "public" / "trust-bundle.json").read_bytes()
    after = open_bundle(bundle, pinned_fingerprint=None, previous=before)
    assert [anchor.form for anchor in after.anchors] == ["catalyst", "pure"]
    refreshed = cli.done("ca", "refresh-root", "--root", stick, *opened(cli))
    assert (refreshed["bundle_version"], len(refreshed)) == (3, 3)
    crossed = cli.done("ca", "chain", "issuing", "--cross")["chain"]
    assert (crossed[0], set(crossed)) == ("issuing", {"issuing", "root", "root-by-root-2"})
    checks = {check["name"]: check for check in cli("doctor", "--json").json["checks"]}
    assert (checks["key root"]["level"], checks["key root"]["message"]) == ("ok", "kept away")


def test_retire_and_distrust(cli: Cli) -> None:
    cli.done("ca", "rollover", "issuing", "--yes", *opened(cli))
    states = {row["name"]: row["state"] for row in cli.done("ca", "list")}
    assert states == {"root": "active", "issuing": "retired", "issuing-2": "active"}
    assert_refused(cli("ca", "retire", "issuing-2", "--yes"), 3, "nobody could issue")
    ended = cli.done("ca", "distrust", "issuing", "--yes", *opened(cli))
    assert (ended["state"], ended["bundle_version"]) == ("distrusted", 3)
    assert_refused(cli("ca", "retire", "nobody", "--yes"), 4, "issuing-2")


def test_a_prepared_rollover_is_not_taken_for_one_of_a_ca_whose_name_begins_alike(cli: Cli) -> None:
    cli.done("ca", "rollover", "issuing", "--yes", *opened(cli))
    cli.done("ca", "rollover", "issuing-2", "--dry-run", *opened(cli))
    refused = cli("ca", "rollover", "issuing", "--yes", *opened(cli))
    assert_refused(refused, 2, "Another ceremony is prepared")
    assert [row["name"] for row in cli.done("ca", "list")] == ["root", "issuing", "issuing-2"]


def test_one_command_at_a_time_changes_the_cas(cli: Cli) -> None:
    """Each writes the whole list of CAs: a ceremony would make a CA active again that another distrusted."""
    with changing_cas(Home(cli.home)):
        for command in (["retire", "issuing", "--yes"], ["distrust", "issuing", "--yes", *opened(cli)]):
            assert_refused(cli("ca", *command), 5, "Another command changes the CAs")
        file = written(cli, WARD)
        assert_refused(cli("ca", "ceremony", file, "--dry-run", *opened(cli)), 5, "Another command")
    assert cli.done("ca", "ceremony", file, "--dry-run", *opened(cli))["digest"]


def test_an_import_and_what_is_refused(cli: Cli) -> None:
    house = foreign_ca(cli.folder / "house")
    files = ("--certificate", house.file("ca.pem"), "--chain", house.file("root.pem"))
    keys = ("--key", house.file("ca.key"), "--yes", *opened(cli))
    assert_refused(cli("ca", "import", "old", *files, *keys), 3, "No list was given")
    done = cli.done("ca", "import", "old", *files, *keys, "--crl", house.file("ca.crl"))
    assert (done["crl_number"], done["revocations_taken_over"]) == (43, 1)
    ca = ("ca", "-batch", "-config", "ca.cnf", "-cert", "root.pem", "-keyfile", "root.key")
    house.openssl(*ca, "-gencrl", "-crlexts", "crl", "-out", "root.crl")
    assert "path.revocation_unknown" in cli("cert", "verify", house.file("ca.pem"), "--json").out
    assert cli.done("cert", "verify", house.file("ca.pem"), "--crl", house.file("root.crl"))["verdict"] == (
        "classical-valid"
    )
    house.file("ca.key").chmod(0o644)
    assert_refused(cli("ca", "import", "other", *files, *keys), 3, "chmod 600")


def test_fingerprints(cli: Cli) -> None:
    shown = cli("ca", "fingerprint").out.strip()
    assert shown.replace(":", "").lower() == cli.done("ca", "fingerprint", "root")["sha256"]


def names_it(home: Path) -> bool:
    register = home / "authorities.json"
    return register.exists() and "issuing-2" in register.read_text()


MOMENTS: dict[str, Callable[[Path], bool]] = {
    "keys": lambda home: any((home / "ceremony" / "keys").glob("*.json")),
    "draft": lambda home: (home / "ceremony" / "prepared.json").exists(),
    "certificate": lambda home: (home / "certs" / "issuing-2.pem").exists(),
    "key in place": lambda home: (home / "keys" / "issuing-2.classical.json").exists(),
    "responder": lambda home: (home / "certs" / "issuing-2-ocsp-ecdsa.pem").exists(),
    "list": lambda home: (home / "public" / "issuing-2.crl").exists(),
    "register": names_it,
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_rollover_killed_with_sigkill_is_finished_by_the_same_command(cli: Cli, moment: str) -> None:
    words = ("ca", "rollover", "issuing", "--yes", "--passphrase-file", str(cli.passphrase))
    command = [sys.executable, "-m", "cli.main", "--home", str(cli.home), *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while process.poll() is None and not MOMENTS[moment](cli.home) and time.monotonic() < deadline:
        time.sleep(0.0005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    # Whole as it stands: every CA of the register opens, the bundle verifies.
    assert cli.done("ca", "show")["bundle_version"] in (1, 2)
    server = (
        "cert",
        "issue",
        "--csr",
        cli.request("www.ward", alternative=False),
        "--profile",
        "server",
        "--dns",
        "www.ward",
    )
    assert cli.done(*server, *opened(cli))["state"] == "active"
    again = cli("ca", "rollover", "issuing", "--yes", *opened(cli))
    if again.code == 5:  # the kill fell between the intention and its certificate: new serials are needed
        again = cli("ca", "rollover", "issuing", "--restart", "--yes", *opened(cli))
    assert again.code == 0, again.err
    rows = {row["name"]: row["state"] for row in cli.done("ca", "list")}
    assert rows["issuing"] == "retired"
    assert rows["issuing-2"] in ("active", "retired")
    assert not (cli.home / "ceremony").exists()
