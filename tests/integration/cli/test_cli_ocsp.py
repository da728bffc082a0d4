"""`medtrust ocsp query` against our responder, openssl's, and ones that lie, break off or are not there."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from registry.revocation import hold_certificate, revoke_certificate
from tests.integration.cli.conftest import Cli, assert_refused
from tests.integration.cli.ocsp_steps import pump, rules
from tests.integration.status_consumed import away, cli, consumed, free_port, pem_file
from tests.integration.status_served import Served
from tests.unit.service.status_fixtures import WHO

__all__ = ["away", "cli", "consumed", "pump"]


@pytest.mark.parametrize("digest", ["sha1", "sha256", "sha384", "sha512"])
@pytest.mark.parametrize("nonce", ["--nonce", "--no-nonce"])
def test_good_is_zero_and_says_how_it_was_said(
    cli: Cli, consumed: Served, pump: Path, digest: str, nonce: str
) -> None:
    said = cli.done("ocsp", "query", pump, "--hash", digest, nonce)
    assert (said["status"], said["nonce"]) == ("good", "echoed" if nonce == "--nonce" else "not asked")
    assert said["responder"] == "CN=medtrust OCSP responder"
    assert said["algorithm"] == "ecdsa-with-sha256"
    assert said["url"] == f"http://127.0.0.1:{consumed.address.port}/ocsp"
    assert said["this_update"] <= said["next_update"]
    assert said["bytes"] > 200
    assert said["milliseconds"] > 0
    assert "since" not in said


def test_a_person_reads_a_table(cli: Cli, pump: Path) -> None:
    said = cli("ocsp", "query", pump)
    assert said.code == 0
    lines = dict(line.split("  ", 1) for line in said.out.splitlines() if "  " in line.strip())
    assert lines["status"].strip() == "good"
    assert "notice: ocsp.signature_classical_only" in said.out


def test_a_serial_of_ours_is_enough(cli: Cli, consumed: Served) -> None:
    record = consumed.certify()
    assert cli.done("ocsp", "query", record.certificate_serial)["status"] == "good"
    assert_refused(cli("ocsp", "query", "1234567890abcdef"), 4, "1234567890abcdef")


def test_a_revocation_is_three_with_reason_and_time(cli: Cli, consumed: Served, tmp_path: Path) -> None:
    record = consumed.certify()
    revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=consumed.runtime.ports)
    time.sleep(0.5)
    said = cli("ocsp", "query", pem_file(record, tmp_path), "--json")
    assert (said.code, said.json["status"], said.json["reason"]) == (3, "revoked", "key_compromise")
    assert said.json["since"] <= said.json["this_update"]
    assert rules(said) == []


def test_a_hold_is_three_and_called_so(cli: Cli, consumed: Served) -> None:
    record = consumed.certify()
    hold_certificate(record.certificate_serial, WHO, ports=consumed.runtime.ports)
    time.sleep(0.5)
    said = cli("ocsp", "query", record.certificate_serial, "--json")
    assert (said.code, said.json["status"]) == (3, "on hold")


def test_the_day_after_is_answered_with_ml_dsa(cli: Cli, pump: Path) -> None:
    said = cli.done("ocsp", "query", pump, "--pq")
    assert (said["status"], said["algorithm"], said["findings"]) == ("good", "ml-dsa-65", [])


def test_a_bundle_is_enough_where_there_is_no_home(away: Cli, consumed: Served, pump: Path) -> None:
    bundle = consumed.home.public / "trust-bundle.json"
    pin = consumed.authority.root.fingerprint.hex()
    said = away("ocsp", "query", pump, "--bundle", bundle, "--root-fingerprint", pin, "--pq", "--json")
    assert (said.code, said.json["status"], said.err) == (0, "good", "")
    unpinned = away("ocsp", "query", pump, "--bundle", bundle)
    assert unpinned.code == 0
    assert "only agrees with itself" in unpinned.err
    another = away("ocsp", "query", pump, "--bundle", bundle, "--root-fingerprint", "00" * 32)
    assert_refused(another, 3, "no anchor that is trusted")
    assert_refused(away("ocsp", "query", pump), 4, "There is no CA")


def test_an_issuer_that_is_named_is_believed_and_another_is_not(
    away: Cli, consumed: Served, pump: Path
) -> None:
    public = consumed.home.public
    assert away.done("ocsp", "query", pump, "--issuer", public / "issuing.pem")["status"] == "good"
    said = away("ocsp", "query", pump, "--issuer", public / "root.pem", "--json")
    assert (said.code, said.json["status"]) == (3, "not asked")
    assert "path.no_path_to_a_trust_anchor" in rules(said)


def test_a_certificate_that_names_nobody_is_told_what_to_do(cli: Cli, consumed: Served) -> None:
    said = cli("ocsp", "query", consumed.home.public / "root.pem")
    assert_refused(said, 2, "names no OCSP responder", "--url", "crl fetch --from-cert")
    asked = cli("ocsp", "query", consumed.home.public / "root.pem", "--url", "http://127.0.0.1:1/", "--json")
    assert (asked.code, rules(asked)) == (3, ["ocsp.nobody_to_ask"])


def test_nobody_there_is_six_and_no_url_is_two(cli: Cli, pump: Path) -> None:
    nobody = f"http://127.0.0.1:{free_port()}/ocsp"
    assert_refused(cli("ocsp", "query", pump, "--url", nobody), 6, nobody, "Connection refused")
    assert_refused(cli("ocsp", "query", pump, "--url", "file:///etc/passwd"), 2, "no http or https URL")
