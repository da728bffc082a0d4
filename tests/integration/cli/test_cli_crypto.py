"""`medtrust oqs`, `[crypto]` in the settings, and what the doctor says about both."""

import re
from pathlib import Path

import pytest

from pki.algorithms import KeyAlgorithm, require
from pki.errors import AlgorithmUnavailable
from pki.providers import oqs
from service.pem import read_certificate
from tests.integration.cli.conftest import Answer, Cli, assert_refused


@pytest.fixture
def no_liboqs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OQS_INSTALL_PATH", str(tmp_path / "nowhere"))
    if oqs.status().native is not None:
        pytest.skip("liboqs is installed on this machine: its absence cannot be tested here")


def _set(cli: Cli, **values: str) -> None:
    """`init` writes every key: each is exchanged in its place."""
    file = cli.home / "medtrust.toml"
    text = file.read_text()
    for key, value in values.items():
        text, changed = re.subn(rf"^{key} = .*$", f'{key} = "{value}"', text, flags=re.MULTILINE)
        assert changed == 1
    file.write_text(text)


def _algorithms(cli: Cli) -> dict[str, tuple[str, str]]:
    checks = cli("doctor", "--json").json["checks"]
    return {c["name"]: (c["level"], c["message"]) for c in checks if c["name"] in {"algorithms", "liboqs"}}


@pytest.mark.usefixtures("no_liboqs")
@pytest.mark.parametrize(("key", "value"), [("second_opinion", "required"), ("ml_dsa_signer", "oqs")])
def test_what_cannot_be_had_is_refused_when_keys_open_and_told_by_the_doctor(
    cli: Cli, key: str, value: str
) -> None:
    _set(cli, **{key: value})
    publish = cli("crl", "publish", "--passphrase-file", cli.passphrase)
    assert_refused(publish, 6, "needs the provider liboqs", "medtrust oqs install")
    level, message = _algorithms(cli)["algorithms"]
    assert level == "critical"
    assert "ml-dsa-65 needs the provider liboqs" in message


@pytest.mark.usefixtures("no_liboqs")
def test_without_liboqs_the_defaults_work_and_what_is_missing_is_told(cli: Cli) -> None:
    _set(cli, second_opinion="if-available")
    assert cli.done("crl", "publish", "--passphrase-file", cli.passphrase)["crl_number"] == 2
    told = _algorithms(cli)
    assert told["algorithms"][0] == "ok"
    assert told["liboqs"] == (
        "ok",
        "not installed; SLH-DSA, fast ML-DSA signing and second opinions would need it",
    )
    found = cli.done("oqs", "status")
    assert found["summary"] == "wrapper present, native library absent"
    assert len(found["missing"]) == 12
    assert "medtrust oqs install" in found["remedy"]


@pytest.mark.parametrize("signer", ["auto", "oqs", "cryptography"])
def test_with_liboqs_every_signature_is_checked_twice(cli: Cli, signer: str) -> None:
    if not oqs.status().mechanisms:
        pytest.skip(f"two libraries need liboqs: {oqs.status().sentence}")
    _set(cli, second_opinion="required", ml_dsa_signer=signer)
    assert cli.done("crl", "publish", "--passphrase-file", cli.passphrase)["crl_number"] == 2
    assert _algorithms(cli)["algorithms"][0] == "ok"


def test_a_nonsense_value_is_named(cli: Cli) -> None:
    _set(cli, second_opinion="sometimes")
    assert_refused(cli("doctor"), 2, "crypto.second_opinion")


@pytest.mark.usefixtures("no_liboqs")
def test_nothing_is_built_without_a_yes(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("git", "cmake", "cc"):
        (tools / tool).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (tools / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools))
    answer = cli("oqs", "install")
    assert_refused(answer, 3, "--yes")
    assert str(tmp_path / "nowhere") in answer.err
    assert "distribution" in answer.err
    assert not (tmp_path / "ran").exists()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert_refused(cli("oqs", "install", "--yes"), 6, "git, cmake, cc")


HASH_BASED = """
title = "A hash-based anchor"

[[ca]]
name = "root-hash"
profile = "root-slh-dsa"
key = "slh-dsa-sha2-128s"
common_name = "General Hospital Hash Root"

[[ca]]
name = "issuing-hash"
profile = "issuing-ca-pure"
issuer = "root-hash"
common_name = "General Hospital Issuing below Hash"
"""


def _ceremony(cli: Cli) -> Answer:
    file = cli.folder / "hash.toml"
    file.write_text(HASH_BASED)
    return cli("ca", "ceremony", file, "--passphrase-file", cli.passphrase, "--yes")


@pytest.mark.usefixtures("no_liboqs")
def test_a_ceremony_whose_algorithm_nobody_has_is_refused_before_it_starts(cli: Cli) -> None:
    before = cli.done("ca", "list")
    refusal = _ceremony(cli)
    assert_refused(refusal, 6, "slh-dsa-sha2-128s needs the provider liboqs", "medtrust oqs install")
    assert cli.done("ca", "list") == before


@pytest.mark.usefixtures("no_liboqs")
def test_an_own_profile_whose_algorithm_nobody_has_is_refused_when_it_is_read(cli: Cli) -> None:
    folder = cli.home / "profiles"
    folder.mkdir(exist_ok=True)
    text = 'extends = "root-slh-dsa"\nname = "hash-root"\nsummary = "Ours."\n'
    (folder / "hash-root.toml").write_text(text)
    assert_refused(cli("profile", "show", "hash-root"), 6, "hash-root.toml", "liboqs", "medtrust oqs install")
    assert cli("profile", "show", "root-slh-dsa").code == 0


def test_a_hash_based_root_certifies_and_is_verified(cli: Cli) -> None:
    try:
        require(KeyAlgorithm.SLH_DSA_SHA2_128S)
    except AlgorithmUnavailable as missing:
        pytest.skip(f"SLH-DSA needs liboqs: {missing.problem}")
    made = _ceremony(cli)
    assert made.code == 0, made.err
    root, issuing = (
        read_certificate(cli.home / f"certs/{name}.pem") for name in ("root-hash", "issuing-hash")
    )
    assert root.public_key.algorithm is KeyAlgorithm.SLH_DSA_SHA2_128S
    assert root.public_key.verify(issuing.signed.algorithm, issuing.signed.signature, issuing.signed.tbs)
    assert _algorithms(cli)["algorithms"][0] == "ok"
