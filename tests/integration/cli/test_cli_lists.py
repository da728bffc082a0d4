"""`medtrust crl`: parts and deltas from the settings to the file, shown, listed, checked and refused."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pki.algorithms import KeyAlgorithm
from pki.crl import RevokedEntry, build_crl, to_pem
from pki.crl_list import CertificateList
from pki.keys import HybridPrivateKey
from pki.names import encode
from tests.integration.cli.conftest import Cli, assert_refused


def cut(cli: Cli, shards: int = 16) -> None:
    file = cli.home / "medtrust.toml"
    text = file.read_text()
    changed = text.replace("shards = 1\n", f"shards = {shards}\n").replace("deltas = false", "deltas = true")
    assert changed != text
    file.write_text(changed)


def publish(cli: Cli, *arguments: str) -> dict[str, object]:
    said: dict[str, object] = cli.done("crl", "publish", "--passphrase-file", cli.passphrase, *arguments)
    return said


def test_one_publication_signs_every_list_that_changed(cli: Cli) -> None:
    cut(cli)
    said = publish(cli)
    assert said["others"] == [f"16-{index}" for index in range(16)] + ["delta"]
    assert Path(str(said["file"])).name == "issuing.crl"
    files = {path.name for path in (cli.home / "public" / "crl" / "issuing").iterdir()}
    assert files == {*(f"16-{index}.crl" for index in range(16)), "delta.crl"}
    rows = cli.done("crl", "list", "--issuer", "issuing")
    assert {row["list"] for row in rows} == {"whole", "delta", *(f"16-{index}" for index in range(16))}
    assert all(row["in_force"] for row in rows)
    assert publish(cli)["others"] == ["delta"]


def test_a_part_or_a_delta_alone(cli: Cli) -> None:
    cut(cli)
    part = publish(cli, "--shard", "16-3")
    assert "others" not in part
    assert Path(str(part["file"])).name == "16-3.crl"
    assert publish(cli, "--delta")["crl_number"] == int(str(part["crl_number"])) + 1


def test_what_a_list_speaks_of_is_shown(cli: Cli) -> None:
    cut(cli)
    publish(cli)
    part = cli.done("crl", "show", "issuing", "--shard", "16-3")
    assert [url.rpartition("/crl/")[2] for url in part["speaks_of"]] == ["issuing/16-3.crl"]
    whole = cli.done("crl", "show", "issuing")
    assert [url.rpartition("/crl/")[2] for url in whole["deltas_at"]] == ["issuing/delta.crl"]
    delta = cli.done("crl", "show", "issuing", "--delta")
    assert (delta["delta"], delta["base_crl_number"]) == (True, 1)


def test_entries_are_shown_a_few_at_a_time(cli: Cli, tmp_path: Path) -> None:
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
    now = datetime(2026, 11, 22, tzinfo=UTC)
    many = build_crl(
        issuer_name=encode(common_name="Elsewhere"),
        authority_key_identifier=b"k" * 20,
        key=key,
        entries=[RevokedEntry(serial, now) for serial in range(1, 1001)],
        crl_number=7,
        this_update=now,
        next_update=now + timedelta(days=1),
    )
    file = tmp_path / "many.crl"
    file.write_bytes(many)
    shown = cli.done("crl", "show", file)
    assert (shown["entry_count"], len(shown["entries"])) == (1000, 20)
    assert len(cli.done("crl", "show", file, "--limit", "0")["entries"]) == 1000
    assert [
        e["certificate_serial"] for e in cli.done("crl", "show", file, "--serial", "0x3e8")["entries"]
    ] == ["3e8"]
    told = cli("crl", "show", file)
    assert "and 980 more" in told.err
    assert len(told.out.splitlines()) < 40
    assert "does not list it" in cli("crl", "show", file, "--serial", "0x3e9").err
    assert_refused(cli("crl", "verify", file), 4, "none of our CAs")


def test_a_list_is_checked_by_our_own_certificate(cli: Cli, tmp_path: Path) -> None:
    cut(cli)
    publish(cli)
    for path in (cli.home / "public" / "issuing.crl", cli.home / "public" / "crl" / "issuing" / "delta.crl"):
        said = cli.done("crl", "verify", path)
        assert (said["good"], said["in_force"], said["findings"]) == (True, True, [])
    der = (cli.home / "public" / "issuing.crl").read_bytes()
    changed = tmp_path / "changed.pem"
    changed.write_text(to_pem(der[:-1] + bytes((der[-1] ^ 1,))))
    refused = cli("crl", "verify", changed, "--json")
    assert (refused.code, refused.json["good"]) == (3, False)
    assert [finding["rule"] for finding in refused.json["findings"]] == ["crl.signature_invalid"]
    shutil.copy(cli.home / "certs" / "root.pem", tmp_path / "root.pem")
    other = cli(
        "crl", "verify", cli.home / "public" / "issuing.crl", "--issuer-file", tmp_path / "root.pem", "--json"
    )
    assert other.code == 3
    assert "crl.issuer_name_differs" in {finding["rule"] for finding in other.json["findings"]}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("show", "issuing", "--shard", "16-16"), 2, "not a part"),
        (("show", "issuing", "--shard", "whole"), 2, "not a part"),
        (("show", "issuing", "--shard", "16-3", "--delta"), 2, "different lists"),
        (("show", "issuing", "--shard", "16-3"), 4, "No such list"),
        (("show", "nobody"), 4, "There is no CA"),
        (("list", "--issuer", "nobody"), 4, "There is no CA"),
        (("publish", "--issuer", "nobody"), 4, "There is no CA"),
        (("show", "issuing", "--serial", "xyz"), 2, "serial"),
    ],
)
def test_what_there_is_not_is_refused(cli: Cli, arguments: tuple[str, ...], code: int, words: str) -> None:
    assert_refused(cli("crl", *arguments), code, words)


def test_a_number_of_parts_that_there_is_not_is_refused(cli: Cli) -> None:
    cut(cli, 17)
    assert_refused(cli("crl", "list"), 2, "shards")


def test_numbers_rise_over_all_lists(cli: Cli) -> None:
    cut(cli)
    said = [publish(cli), publish(cli, "--shard", "16-0"), publish(cli, "--delta"), publish(cli)]
    numbers = [int(str(each["crl_number"])) for each in said]
    assert numbers == sorted(set(numbers))
    whole = CertificateList.parse((cli.home / "public" / "issuing.crl").read_bytes())
    assert whole.crl_number == numbers[-1]
