"""`medtrust doctor --consumer`: places of every kind, several lists in one, and what cannot be looked at."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from pki.crl_list import CertificateList
from pki.name_hash import name_hash
from tests.integration.cli.conftest import Cli
from tests.integration.consumer_doctor import HOUR, doctor, made, newest, now, put
from tests.integration.status_consumed import cli, consumed
from tests.integration.status_served import Served
from tests.odd_server import answer, odd_server, says

__all__ = ["cli", "consumed"]


def test_the_newest_list_is_fresh_wherever_it_lies(cli: Cli, consumed: Served, tmp_path: Path) -> None:
    der = newest(consumed)
    time.sleep(0.5)
    pem, plain = put(tmp_path, der), tmp_path / "a b.crl"
    plain.write_bytes(der)
    folder = tmp_path / "crl"
    folder.mkdir()
    put(folder, der, name=f"{name_hash(consumed.issuer.subject)}.r0")
    url = f"http://127.0.0.1:{consumed.address.port}/crl/issuing.crl"
    said = doctor(cli, pem, plain, f"file://{tmp_path}/a%20b.crl", folder, url)
    assert [check["level"] for check in said.checks] == ["ok"] * 5
    number = CertificateList.parse(der).crl_number
    assert all(f"list {number}, our newest" in check["message"] for check in said.checks)
    assert [check["name"].endswith("issuing") for check in said.checks] == [True] * 5


def test_a_person_reads_a_table(cli: Cli, consumed: Served, tmp_path: Path) -> None:
    said = cli("doctor", "--consumer", put(tmp_path, newest(consumed)))
    assert said.code == 0
    assert said.out.splitlines()[0].split() == ["level", "name", "message", "next", "step"]
    assert "No job ever ran" not in said.err


def test_every_list_of_a_place_is_judged_for_itself(cli: Cli, consumed: Served, tmp_path: Path) -> None:
    der, root = newest(consumed), (consumed.home.public / "root.crl").read_bytes()
    lapsed = made(consumed, 1, this_update=now() - 2 * HOUR, next_update=now() - HOUR)
    said = doctor(cli, put(tmp_path, root, lapsed, der))
    assert {check["name"].partition("list ")[2][:6] for check in said.checks} == {
        "1 of 3",
        "2 of 3",
        "3 of 3",
    }
    assert len(said.at("ok")) == 2
    path = put(tmp_path, der)
    path.write_text(path.read_text() + "-----BEGIN X509 CRL-----\nMAA=\n-----END X509 CRL-----\n")
    broken = doctor(cli, path)
    assert (len(broken.at("ok")), len(broken.at("critical"))) == (1, 1)
    assert "does not read as a list" in broken.at("critical")[0]


def test_a_folder_as_openssl_reads_it(cli: Cli, consumed: Served, tmp_path: Path) -> None:
    der, right = newest(consumed), name_hash(consumed.issuer.subject)
    put(tmp_path, der, name="issuing.pem")
    assert "no file that openssl would look for" in doctor(cli, tmp_path).at("critical")[0]
    put(tmp_path, der, name="00000000.r0")
    assert f"looks for this issuer's list as {right}.r0" in doctor(cli, tmp_path).at("critical")[0]
    (tmp_path / "00000000.r0").unlink()
    put(tmp_path, der, name=f"{right}.r1")
    assert f"never reads {right}.r1" in doctor(cli, tmp_path).at("critical")[0]
    put(tmp_path, der, name=f"{right}.r0")
    assert [check["level"] for check in doctor(cli, tmp_path).checks] == ["ok", "ok"]


@pytest.mark.parametrize(
    ("place", "word"),
    [
        ("/none/crl.pem", "cannot be read"),
        ("file:///none/crl.pem", "cannot be read"),
        ("file://elsewhere/crl.pem", "no file of this machine"),
        ("http://127.0.0.1:1/x.crl", "is not reached"),
        ("ocsp+http://127.0.0.1:1/ocsp", "is not reached"),
        ("ocsp+ftp://127.0.0.1/ocsp", "no http or https URL"),
        ("/dev/null", "no revocation list"),
    ],
)
def test_a_consumer_that_cannot_be_looked_at_is_critical(cli: Cli, place: str, word: str) -> None:
    level, message = doctor(cli, place).only
    assert (level, word in message) == ("critical", True), message


def test_one_bad_place_hides_no_other(cli: Cli, consumed: Served, tmp_path: Path) -> None:
    said = doctor(cli, "/none", put(tmp_path, newest(consumed)))
    assert [check["level"] for check in said.checks] == ["critical", "ok"]


def test_a_server_with_rubbish_is_critical(cli: Cli) -> None:
    for body in (b"<html>login</html>", b"\x30\x03\x02\x01\x00", b""):
        with odd_server(says(answer(body))) as url:
            assert doctor(cli, url).at("critical")
            assert doctor(cli, f"ocsp+{url}").at("critical")
