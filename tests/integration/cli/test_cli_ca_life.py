"""CAs at the command line: a first ceremony, and what is left where it is refused."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Cli, assert_refused
from tests.quick_seals import quick_seals

__all__ = ["quick_seals"]

PLAN = """
organization = "General Hospital"
[[ca]]
name = "root"
profile = "root-classical"
common_name = "General Hospital Root"
[[ca]]
name = "issuing"
profile = "issuing-ca-classical"
issuer = "root"
common_name = "General Hospital Issuing"
"""


def _file(cli: Cli, text: str = PLAN) -> Path:
    file = cli.folder / "ceremony.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("[[ca", 2, "not TOML"),
        (PLAN.replace('"root-classical"', '"device"'), 2, "ca.profile"),
        (PLAN.replace('"issuing"', '"wards"'), 2, "called root"),
        ("#" * 70_000, 2, "64 KiB"),
    ],
)
def test_a_file_that_is_refused_leaves_no_settings_behind(
    empty: Cli, text: str, code: int, word: str
) -> None:
    refused = empty("ca", "ceremony", _file(empty, text), "--passphrase-file", empty.passphrase, "--yes")
    assert refused.code == code
    assert word in refused.err
    assert "Traceback" not in refused.err
    assert not (empty.home / "medtrust.toml").exists()


def test_a_file_that_is_not_there_is_missed_before_a_passphrase_is_asked(empty: Cli) -> None:
    assert_refused(empty("ca", "ceremony", empty.folder / "none.toml"), 2, "none.toml")
    assert not empty.home.exists()


def test_the_organization_of_a_first_ceremony_is_the_devices_too(empty: Cli) -> None:
    passphrase = ("--passphrase-file", empty.passphrase)
    read = empty("ca", "ceremony", _file(empty), "--dry-run", *passphrase)
    assert read.code == 0, read.err
    assert "status.url" in read.err
    assert empty.done("settings", "show")["organization"] == "General Hospital"


def test_settings_that_people_wrote_are_left_alone_and_what_differs_is_said(empty: Cli) -> None:
    empty.home.mkdir(mode=0o700)
    written = '[ca]\norganization = "St. Elsewhere"\n'
    (empty.home / "medtrust.toml").write_text(written)
    read = empty("ca", "ceremony", _file(empty), "--dry-run", "--passphrase-file", empty.passphrase)
    assert read.code == 0, read.err
    assert "O=St. Elsewhere" in read.err
    assert (empty.home / "medtrust.toml").read_text() == written


def _held(cli: Cli) -> tuple[str, str]:
    """A home by that plan; the words that open it."""
    opened = ("--passphrase-file", str(cli.passphrase))
    cli.done("ca", "ceremony", _file(cli), "--yes", *opened)
    return opened


def _openssl_finds_a_way(cli: Cli, root: str, chain: Path) -> bool:
    given = ("-CAfile", cli.home / f"certs/{root}.pem", "-untrusted", chain, chain)
    said = subprocess.run(["openssl", "verify", *map(str, given)], capture_output=True, check=False)
    return said.returncode == 0


def test_a_successor_is_of_the_same_house_and_openssl_finds_both_ways_to_it(empty: Cli) -> None:
    opened = _held(empty)
    (empty.home / "medtrust.toml").write_text("")
    empty.done("ca", "rollover", "root", "--yes", *opened)
    empty.done("ca", "rollover", "issuing", "--issuer", "root-2", "--yes", *opened)

    shown = empty.done("ca", "show", "root-2")
    assert shown["subject"] == "O=General Hospital, CN=General Hospital Root 2"
    chain = empty.folder / "chain.pem"
    chain.write_text(empty("ca", "chain", "issuing-2", "--cross").out)
    assert chain.read_text().count("BEGIN CERTIFICATE") == 3
    assert _openssl_finds_a_way(empty, "root", chain)
    assert _openssl_finds_a_way(empty, "root-2", chain)
    chain.write_text(empty("ca", "chain", "issuing-2").out)
    assert not _openssl_finds_a_way(empty, "root", chain)
