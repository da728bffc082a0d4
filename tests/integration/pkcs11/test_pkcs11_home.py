"""A home whose classical CA keys are in a token: it issues and lists; without the token it says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from service.pkcs11 import is_reference, token_at
from service.pkcs11_sessions import TokenPlace
from tests.integration.cli.conftest import Cli, assert_refused
from tests.integration.pkcs11.conftest import SoftHsm


def _options(place: TokenPlace) -> list[str]:
    return [
        "--pkcs11", "--token", place.label, "--token-module", str(place.module),
        "--token-pin-file", str(place.pin_file),
    ]  # fmt: skip


@pytest.fixture
def cli(tmp_path: Path, softhsm: SoftHsm) -> Cli:
    made = Cli(tmp_path / "home", tmp_path)
    made.passphrase.touch(mode=0o600)
    made.passphrase.write_bytes(b"correct horse battery staple\n")
    done = made("init", "--passphrase-file", made.passphrase, *_options(softhsm.place))
    assert done.code == 0, done.err
    return made


def test_it_issues_and_lists_as_any_other(cli: Cli) -> None:
    from service.keystore import KeyReader

    device = cli.approved("PKCS11-1")
    serial = cli.issued(device)
    assert cli.done("cert", "verify", serial)["verdict"] == "hybrid-valid"
    assert cli.done("crl", "publish", "--passphrase-file", cli.passphrase)["crl_number"] == 2
    keys = KeyReader(cli.home / "keys", cli.passphrase.read_bytes().strip())
    assert is_reference(keys.read_secret("issuing.classical"))
    assert is_reference(keys.read_secret("root.classical"))
    assert not is_reference(keys.read_secret("issuing.alternative"))


def test_without_the_token_nothing_is_signed_and_the_words_say_why(cli: Cli, softhsm: SoftHsm) -> None:
    away = softhsm.tokens.with_name("away")
    publish = ("crl", "publish", "--passphrase-file", cli.passphrase)
    token_at(softhsm.place).close()
    softhsm.tokens.rename(away)
    softhsm.tokens.mkdir()
    try:
        assert_refused(cli(*publish), 6, "The token 'medtrust test' is not there", "Put it in")
        examined = cli("doctor", "--json")
        assert examined.code == 4
        assert [c["message"] for c in examined.json["checks"] if c["name"] == "key issuing"] == [
            "The token 'medtrust test' is not there."
        ]
    finally:
        softhsm.tokens.rmdir()
        away.rename(softhsm.tokens)
    assert cli.done(*publish)["crl_number"] == 2
    settings = cli.home / "medtrust.toml"
    text = settings.read_text()
    settings.write_text(text.replace('token = "medtrust test"', 'token = "another"'))
    assert_refused(cli(*publish), 2, "the settings name 'another'")
    settings.write_text(text.replace('token = "medtrust test"', 'token = ""'))
    assert_refused(cli(*publish), 2, "ca.pkcs11 needs all three")


def test_a_quorum_opens_the_envelopes_and_the_token_keeps_its_key(cli: Cli) -> None:
    folder = cli.folder / "shares"
    cli.done(
        "ca", "quorum", "split", "--shares", "3", "--threshold", "2", "--retire-passphrase",
        "--out", folder, "--passphrase-file", cli.passphrase,
    )  # fmt: skip
    given = [a for n in (1, 3) for a in ("--shares-file", str(folder / f"share-{n}.txt"))]
    assert cli.done("crl", "publish", *given)["crl_number"] == 2


def test_init_without_a_token_in_the_settings_is_refused_and_can_be_repeated(
    tmp_path: Path, softhsm: SoftHsm
) -> None:
    cli = Cli(tmp_path / "home", tmp_path)
    cli.passphrase.touch(mode=0o600)
    cli.passphrase.write_bytes(b"correct horse battery staple\n")
    init = ("init", "--passphrase-file", cli.passphrase)
    assert_refused(cli(*init, "--pkcs11"), 2, "the settings name none", "[ca.pkcs11]")
    wrong = _options(TokenPlace(softhsm.place.module, "no such token", softhsm.place.pin_file))
    assert_refused(cli(*init, *wrong), 6, "The token 'no such token' is not there")
    assert_refused(cli(*init, "--pkcs11", "--token", "x"), 2, "needs all three")
    assert not (cli.home / "ca.json").exists()
    assert cli(*init, *_options(softhsm.place)).code == 0
