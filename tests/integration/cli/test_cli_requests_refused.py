"""Requests, keys and challenges that lead nowhere: each with its exit code and sentence, and no crash."""

from __future__ import annotations

import pytest

from tests.integration.cli.conftest import UNKNOWN, Answer, Cli, assert_refused
from tests.integration.cli.request_steps import made
from tests.unit.pki.refusals import MALFORMED
from tests.unit.pki.refusals_of_content import REFUSALS

ONLY_ANOTHERS = (
    "another device's name",
    "another device's serial number",
    "another's hardware serial",
    "another model's UDI-DI",
)
"""What is only wrong beside a registry that knows better: here a request is compared with itself."""


def test_what_cannot_be_answered(cli: Cli) -> None:
    device = cli.approved()
    request, other = made(cli, device, "kem", "one"), made(cli, device, "pure", "two")
    challenge = cli.folder / "challenge.json"
    cli.done("cert", "challenge", request, "--out", challenge)
    key = cli.folder / "one.unencrypted.key"
    signing = cli.folder / "two.unencrypted.key"
    assert_refused(cli("cert", "challenge", other), 2, "field: subjectPublicKeyInfo")
    assert_refused(cli("cert", "answer", challenge, "--key", signing), 2, "field: --key")
    assert_refused(cli("cert", "answer", challenge, "--key", key, "--csr", other), 2, "field: --csr")
    assert_refused(cli("cert", "answer", request, "--key", key), 2, "field: challenge")
    assert_refused(cli("cert", "answer", challenge, "--key", challenge), 3, "chmod")


def test_a_key_that_the_profile_does_not_take_makes_no_request(empty: Cli) -> None:
    options = ("--form", "pure", "--out", empty.folder / "pure", "--unencrypted")
    key = empty.done("cert", "request", "--cn", UNKNOWN, *options)["key"]
    order = ("cert", "request", "--cn", UNKNOWN, "--out", empty.folder / "other", "--unencrypted")
    assert_refused(empty(*order, "--key", key), 2, "field: --key", "ec-p256")
    assert_refused(empty(*order, "--form", "classical", "--alternative-key", key), 2, "--alternative-key")
    old = empty.folder / "old"
    old.write_bytes(b"-----BEGIN EC PRIVATE KEY-----\nAAAA\n-----END EC PRIVATE KEY-----\n")
    old.chmod(0o600)
    assert_refused(empty(*order, "--key", old), 2, "openssl pkcs8")
    old.chmod(0o644)
    assert_refused(empty(*order, "--key", old), 3, "chmod 600")
    assert_refused(empty("cert", "request", "--cn", UNKNOWN, "--passphrase-fd", 999), 2, "--passphrase-fd")


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ((), "--cn"),
        (("--cn", UNKNOWN, "--form", "related"), "--held"),
        (("--cn", UNKNOWN, "--form", "pure", "--profile", "device"), "--form"),
        (("--cn", UNKNOWN, "--dns", "a.example"), "--dns"),
        (("--profile", "server", "--cn", "www"), "--dns"),
        (("--cn", UNKNOWN, "--key-type", "ml-dsa-65"), "--key-type"),
        (("--cn", "Erika Example", "--profile", "operator"), "--out"),
        (("--cn", "../pump"), "--out"),
        (("--cn", "x" * 65), "CN"),
        (("--cn", UNKNOWN, "--held", "a.pem"), "--held-key"),
        (("--cn", UNKNOWN, "--key", "nowhere"), "key file"),
        (("--cn", UNKNOWN, "--profile", "nothing"), "profile"),
        (("--cn", "Issuing CA", "--profile", "issuing-ca"), "--profile"),
    ],
)
def test_what_makes_no_request(empty: Cli, options: tuple[str, ...], field: str) -> None:
    answer = empty("cert", "request", *options, "--unencrypted")
    assert answer.code in (2, 3, 4), answer.err
    assert f"field: {field}" in answer.err
    assert "Traceback" not in answer.err
    assert list(empty.folder.glob("*.csr")) == []


def test_a_request_that_would_be_refused_is_told_beforehand(cli: Cli) -> None:
    device, other = cli.approved("1"), cli.approved("2")
    request = made(cli, other, "catalyst", "pump")
    answer: Answer = cli("cert", "request", "inspect", request, "--device", device, "--json")
    assert answer.code == 3
    assert [row["rule"] for row in answer.json["findings"]] == ["request.subject_of_another"]
    by_people = cli("cert", "request", "inspect", request, "--profile", "device-pure")
    assert by_people.code == 3
    assert "request.key_not_allowed" in by_people.out


def test_every_row_of_the_table_is_told_without_a_crash(empty: Cli) -> None:
    told = {}
    for row in REFUSALS:
        path = empty.folder / "hostile"
        path.write_bytes(row.make())
        answer = empty("cert", "request", "inspect", path, "--profile", row.profile.name)
        assert "internal error" not in answer.err
        told[row.what] = answer.code
    expected = {row.what: 2 if row.rule == MALFORMED else 3 for row in REFUSALS}
    assert told == expected | dict.fromkeys(ONLY_ANOTHERS, 0)


def test_torn_files_are_no_requests(empty: Cli) -> None:
    torn = empty.folder / "torn"
    for data in (b"", b"\x30\x82\x01\x00garbage", b"hello", b"\x30" * 40_000):
        torn.write_bytes(data)
        assert_refused(empty("cert", "request", "inspect", torn), 2)
    assert_refused(empty("cert", "request", "inspect", empty.folder / "nowhere"), 2)
