"""`medtrust crl inspect | fetch | verify`: a file is replaced by a better list, and by nothing else."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from pki.crl import to_pem
from pki.crl_list import CertificateList
from pki.keys import HybridPrivateKey
from registry.publication import publish
from registry.revocation import revoke_certificate
from service.authority import Signing
from tests.integration.cli.conftest import Cli, assert_refused
from tests.integration.cli.list_steps import HOUR, by, fetched, made, now, number_in, out, rules, serving
from tests.integration.status_consumed import away, cli, consumed, pem_file
from tests.integration.status_served import Served
from tests.odd_server import answer, odd_server, says
from tests.tools import require_tool
from tests.unit.service.status_fixtures import WHO

__all__ = ["away", "by", "cli", "consumed", "out"]


def test_the_list_that_a_certificate_names_is_fetched_for_whoever_has_the_bundle(
    away: Cli, consumed: Served, out: Path, tmp_path: Path
) -> None:
    record = consumed.certify()
    revoke_certificate(record.certificate_serial, "keyCompromise", WHO, ports=consumed.runtime.ports)
    publish(consumed.authority.default.list_signer, WHO, ports=consumed.runtime.ports)
    bundle = ("--bundle", consumed.home.public / "trust-bundle.json")
    pin = ("--root-fingerprint", consumed.authority.root.fingerprint.hex())
    said = away.done("crl", "fetch", "--from-cert", pem_file(record, tmp_path), "--out", out, *bundle, *pin)
    assert (said["good"], said["written"], said["number_before"]) == (True, True, None)
    assert said["url"] == f"http://127.0.0.1:{consumed.address.port}/crl/issuing.crl"
    crl = CertificateList.parse(out.read_bytes())
    assert crl.crl_number == said["crl_number"]
    assert crl.revoked(int(record.certificate_serial, 16)) is not None


@pytest.mark.parametrize(
    ("name", "options", "pem"),
    [
        ("a.pem", (), True),
        ("a.crl", (), False),
        ("a.crl", ("--format", "pem"), True),
        ("a.pem", ("--format", "der"), False),
    ],
)
def test_the_form_is_the_endings_or_as_told(
    cli: Cli, by: Signing, tmp_path: Path, name: str, options: tuple[str, ...], pem: bool
) -> None:
    path = tmp_path / name
    assert fetched(cli, made(by, 6000), "--out", path, *options).code == 0
    assert path.read_bytes().startswith(b"-----BEGIN X509 CRL-----") is pem
    newer = made(by, 6001)
    assert fetched(cli, newer, "--out", path).code == 0
    assert path.read_bytes().startswith(b"-----BEGIN X509 CRL-----") is pem
    other = fetched(cli, newer, "--out", path, "--format", "der" if pem else "pem")
    assert other.json["written"] is True
    assert path.read_bytes().startswith(b"-----BEGIN X509 CRL-----") is not pem


def test_openssl_reads_what_was_fetched(cli: Cli, by: Signing, tmp_path: Path) -> None:
    tool = require_tool("openssl", "reads lists")
    path = tmp_path / "list.pem"
    assert fetched(cli, to_pem(made(by, 7000, serials=(0xABC,))).encode(), "--out", path).code == 0
    command = [tool, "crl", "-in", str(path), "-noout", "-text"]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    assert "Serial Number: 0ABC" in said


def test_an_entry_may_leave_but_the_number_may_not_fall(cli: Cli, by: Signing, out: Path) -> None:
    out.write_bytes(made(by, 100, serials=(1, 2)))
    said = fetched(cli, made(by, 101, serials=(2,)), "--out", out)
    assert (said.code, said.json["number_before"], number_in(out)) == (0, 100, 101)
    for number in (99, 101):
        held = out.read_bytes()
        said = fetched(cli, made(by, number), "--out", out)
        assert (said.code, said.json["good"], said.json["written"]) == (3, False, False)
        assert "crl.number_not_higher" in rules(said)
        assert out.read_bytes() == held


def test_what_is_lapsed_early_or_wrongly_signed_leaves_the_file_alone(
    cli: Cli, consumed: Served, by: Signing, out: Path
) -> None:
    out.write_bytes(made(by, 100))
    held, moment = out.read_bytes(), now()
    stranger = HybridPrivateKey.generate(by.key.classical.algorithm, by.key.alternative.algorithm)  # type: ignore[union-attr]
    stripped = HybridPrivateKey(by.key.classical)
    for rule, der in {
        "crl.already_lapsed": made(by, 200, this_update=moment - 2 * HOUR, next_update=moment - HOUR),
        "crl.begins_in_the_future": made(by, 200, this_update=moment + HOUR),
        "crl.signature_invalid": made(by, 200, key=stranger),
        "hybrid.alternative_signature_missing": made(by, 200, key=stripped),
        "crl.issuer_changed": (consumed.home.public / "root.crl").read_bytes(),
    }.items():
        said = fetched(cli, der, "--out", out)
        assert (said.code, said.json["written"]) == (3, False), rule
        assert rule in rules(said)
        assert out.read_bytes() == held
    assert sorted(path.name for path in out.parent.iterdir()) == [out.name]


def test_a_publishers_clock_may_be_a_little_ahead(cli: Cli, by: Signing, out: Path) -> None:
    assert fetched(cli, made(by, 1, this_update=now() + timedelta(minutes=2)), "--out", out).code == 0


def test_the_same_list_is_good_until_it_lapses(cli: Cli, by: Signing, out: Path) -> None:
    der = made(by, 100, this_update=now() - 2 * HOUR, next_update=now() - HOUR)
    out.write_bytes(der)
    said = fetched(cli, der, "--out", out)
    assert (said.code, rules(said)) == (3, ["crl.already_lapsed"])


def test_nothing_is_written_without_out(cli: Cli, by: Signing, tmp_path: Path) -> None:
    said = fetched(cli, made(by, 1))
    assert (said.code, said.json["good"]) == (0, True)
    assert "written" not in said.json
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_something_else_is_not_replaced(cli: Cli, by: Signing, out: Path) -> None:
    several = (to_pem(made(by, 1)) + to_pem(made(by, 2))).encode()
    for other in (b"-----BEGIN PRIVATE KEY-----\n", several, b"\x30\x03\x02\x01\x00"):
        out.write_bytes(other)
        with odd_server(serving(made(by, 3))) as url:
            assert_refused(cli("crl", "fetch", url, "--out", out), 5, "something else")
        assert out.read_bytes() == other


def test_whom_nobody_knows_is_told(cli: Cli, away: Cli, consumed: Served, by: Signing) -> None:
    elsewhere = Signing(consumed.authority.registry.certificate, consumed.authority.registry.key)
    bundle = ("--bundle", consumed.home.public / "trust-bundle.json")
    with odd_server(serving(made(elsewhere, 1))) as url:
        assert_refused(cli("crl", "fetch", url), 4, "none of our CAs")
        assert_refused(away("crl", "fetch", url), 4, "There is no CA")
        unknown = away("crl", "fetch", url, *bundle)
    assert unknown.code == 3
    assert "No certificate at hand" in unknown.err
    with odd_server(serving(made(by, 1))) as url:
        issuer = ("--issuer-file", consumed.home.public / "issuing.pem")
        assert away.done("crl", "fetch", url, *issuer)["good"] is True
        assert away.done("crl", "fetch", url, *bundle)["good"] is True
        wrong = away("crl", "fetch", url, "--issuer-file", consumed.home.public / "root.pem", "--json")
    assert (wrong.code, wrong.json["good"]) == (3, False)


@pytest.mark.parametrize(
    "said",
    [
        answer(b"<html>login</html>"),
        answer(b""),
        answer(b"\x30\x03\x02\x01\x00"),
        answer(b"-----BEGIN X509 CRL-----\nAAA"),
        answer(b"-----BEGIN X509 CRL-----\n*\n-----END X509 CRL-----"),
        answer(b"x", status="404 Not Found"),
        answer(b"short", length=100),
        answer(b"", status="304 Not Modified"),
    ],
)
def test_a_server_with_something_else_is_six_and_the_file_stays(
    cli: Cli, by: Signing, out: Path, said: bytes
) -> None:
    out.write_bytes(made(by, 1))
    held = out.read_bytes()
    with odd_server(says(said)) as url:
        assert_refused(cli("crl", "fetch", url, "--out", out), 6, url.rpartition("/")[0])
    assert out.read_bytes() == held


def test_a_full_or_missing_folder_is_told_and_nothing_is_left(cli: Cli, by: Signing, tmp_path: Path) -> None:
    said = fetched(cli, made(by, 1), "--out", tmp_path / "none" / "a.crl")
    assert said.code == 1
    assert "Traceback" not in said.err
    assert list(tmp_path.iterdir()) == []
