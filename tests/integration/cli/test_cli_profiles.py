"""Profiles at the command line: ours, the hospital's own, and what is wrong with one that is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pki import oids, profiles
from pki.constraint_extensions import read_mud_url
from pki.tbs import Certificate
from service.pem import from_pem_or_der
from tests.integration.cli.conftest import Cli, assert_refused

PUMP = 'extends = "device"\nname = "infusion-pump"\nsummary = "Pumps."\n[validity]\nlifetime = "30d"\n'


def write(cli: Cli, name: str, text: str) -> Path:
    folder = cli.home / "profiles"
    folder.mkdir(exist_ok=True)
    path = folder / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_list_holds_every_built_in_profile(cli: Cli) -> None:
    rows = cli.done("profile", "list")
    assert [row["name"] for row in rows] == list(profiles.NAMES)
    assert {row["from"] for row in rows} == {"built in"}


def test_a_profile_is_shown_and_its_file_is_one_to_start_from(cli: Cli) -> None:
    shown = cli.done("profile", "show", "device-kem")
    assert shown["key_usages"] == ["key-encipherment"]
    assert shown["main_keys"] == ["ml-kem-768", "ml-kem-1024"]
    text = cli("profile", "show", "device", "--toml")
    assert text.out == profiles.built_in_text("device")
    assert_refused(cli("profile", "show", "../device"), 4, "field: profile")


def test_a_profile_of_the_hospitals_own_issues(cli: Cli, tmp_path: Path) -> None:
    write(cli, "infusion-pump", PUMP)
    assert cli.done("profile", "list")[-1]["from"] == "own"
    device = cli.registered()
    cli.done("device", "approve", device)
    request = tmp_path / "pump"
    cli.done("cert", "request", "--profile", "device", "--cn", device, "--unencrypted", "--out", request)
    issued = cli.done(
        *("cert", "issue", "--csr", request.with_suffix(".csr"), "--profile", "infusion-pump"),
        *("--device", device, "--passphrase-file", cli.passphrase),
        *("--mud-url", "https://maker.example/pump.json", "--out", tmp_path / "chain.pem"),
    )
    certificate = Certificate.parse(from_pem_or_der((tmp_path / "chain.pem").read_bytes())[0])
    assert issued["profile"] == "infusion-pump"
    assert (certificate.not_after - certificate.not_before).days == 29
    assert read_mud_url(certificate.extension(oids.MUD_URL) or b"") == "https://maker.example/pump.json"


BROKEN = {
    "laxer": (
        "device",
        'extends = "device"\nname = "device"\n[validity]\nlifetime = "700d"\n',
        "validity.lifetime",
    ),
    "CA": ("pump", PUMP.replace("infusion-pump", "pump") + "[ca]\n", "ca"),
    "another's name": ("pump", PUMP, "name"),
    "unknown key": ("pump", "smell = 1\n" + PUMP, "profile.malformed"),
    "not UTF-8": ("pump", "", "profile"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_profile_is_refused_with_file_and_key(cli: Cli, case: str) -> None:
    name, text, key = BROKEN[case]
    path = write(cli, name, text)
    if case == "not UTF-8":
        path.write_bytes(b"\xff\xfe")
    answer = cli("profile", "check", path)
    assert answer.code == 2
    assert key in answer.out + answer.err
    assert_refused(cli("profile", "list"), 2, "profile")


def test_a_sound_profile_passes_the_check(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "infusion-pump.toml"
    path.write_text(PUMP, encoding="utf-8")
    assert cli.done("profile", "check", path) == {"accepted": True, "findings": []}


def test_the_doctor_looks_at_profiles_of_ones_own(cli: Cli) -> None:
    def said() -> list[tuple[str, str]]:
        checks = json.loads(cli("doctor", "--json").out)["checks"]
        return [(check["message"], str(check["level"])) for check in checks if check["name"] == "profiles"]

    assert said()[0][0] == "the built-in ones"
    write(cli, "infusion-pump", PUMP)
    assert said()[0][0] == "1 of your own, all sound"
    write(cli, "pump", PUMP)
    assert "pump.toml: name:" in said()[0][0]
