"""`medtrust crl inspect`, and `crl verify` of a URL: lists that need not be ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from pki.crl import to_pem
from pki.keys import HybridPrivateKey
from service.authority import Signing
from tests.integration.cli.conftest import Cli, assert_refused
from tests.integration.cli.list_steps import HOUR, by, made, now, out, serving
from tests.integration.status_consumed import away, cli, consumed
from tests.integration.status_served import Served
from tests.odd_server import odd_server

__all__ = ["away", "by", "cli", "consumed", "out"]


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (("fetch",), 2, "Which list?"),
        (("fetch", "http://127.0.0.1:1/x", "--from-cert", "x.pem"), 2, "Which list?"),
        (("fetch", "file:///etc/passwd"), 2, "no http or https URL"),
        (("fetch", "--from-cert", "none.pem"), 4, "no file"),
        (("fetch", "http://127.0.0.1:1/x"), 6, "is not reached"),
        (("verify", "http://127.0.0.1:1/x"), 6, "is not reached"),
        (("inspect", "http://127.0.0.1:1/x"), 6, "is not reached"),
        (("inspect", "none.crl"), 2, "cannot be read"),
    ],
)
def test_what_cannot_be_is_told(cli: Cli, arguments: tuple[str, ...], code: int, word: str) -> None:
    assert_refused(cli("crl", *arguments), code, word)


def test_verify_takes_a_url_and_a_bundle(cli: Cli, away: Cli, consumed: Served, by: Signing) -> None:
    url = f"http://127.0.0.1:{consumed.address.port}/crl/issuing.crl"
    assert cli.done("crl", "verify", url)["good"] is True
    assert (
        away.done("crl", "verify", url, "--bundle", consumed.home.public / "trust-bundle.json")["good"]
        is True
    )
    lapsed = made(by, 9, this_update=now() - 2 * HOUR, next_update=now() - HOUR)
    with odd_server(serving(lapsed)) as place:
        assert cli("crl", "verify", place).code == 3


def test_inspect_shows_anybodys_lists_without_a_home(away: Cli, by: Signing, tmp_path: Path) -> None:
    moment = now()
    first = made(by, 11, serials=(5, 6, 7), this_update=moment - 6 * HOUR)
    second = made(by, 12, key=HybridPrivateKey(by.key.classical), this_update=moment - 25 * HOUR)
    path = tmp_path / "both.pem"
    path.write_text("for people\n" + to_pem(first) + "in between\n" + to_pem(second))
    one, two = away.done("crl", "inspect", path, "--limit", "2")
    assert (one["crl_number"], one["in_force"], one["life_left_percent"]) == (11, True, 75)
    assert 17.9 * 3600 < one["life_left_seconds"] <= 18 * 3600
    assert (one["signature"], one["alternative_signature"]) == ("ecdsa-with-sha256", "ml-dsa-65")
    assert (one["entry_count"], [e["certificate_serial"] for e in one["entries"]]) == (3, ["5", "6"])
    assert (two["in_force"], two["life_left_percent"], two["alternative_signature"]) == (False, 0, None)
    told = away("crl", "inspect", path, "--limit", "2")
    assert told.out.count("crl number") == 2
    assert "and 1 more" in told.err
    with odd_server(serving(first)) as url:
        assert [each["crl_number"] for each in away.done("crl", "inspect", url)] == [11]


def test_inspect_and_verify_of_one_place_with_several(cli: Cli, by: Signing, tmp_path: Path) -> None:
    path = tmp_path / "both.pem"
    path.write_text(to_pem(made(by, 1)) + to_pem(made(by, 2)))
    assert_refused(cli("crl", "verify", path), 2, "holds 2 lists", "crl inspect")
