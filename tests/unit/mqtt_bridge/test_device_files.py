"""The state directory: permissions, damage, two holders; and addresses, tokens and postures as typed in."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from mqtt_bridge.device import files, main, telemetry
from mqtt_bridge.device.errors import NotEnrolled, StateBusy, StateUnusable, WrongInput
from mqtt_bridge.device.identity import Home
from tests.unit.mqtt_bridge.device_authority import DEVICE, house


def home(path: Path) -> Home:
    made = Home(path / "state")
    if made.is_new:
        made.create(DEVICE, house().root_pem)
    return made


def test_an_attempt_and_its_keys_are_there_after_a_restart(tmp_path: Path) -> None:
    first = home(tmp_path)
    attempt = first.begin("enroll", rid="r1", session="00" * 16)
    public = first.key(attempt.generation).public
    first.close()
    again = home(tmp_path)
    assert again.attempt == attempt
    assert again.key(attempt.generation).public == public
    assert again.root.fingerprint == house().root.certificate.fingerprint
    again.close()


def test_a_crash_between_keys_and_state_leaves_no_name_without_keys(tmp_path: Path) -> None:
    first = home(tmp_path)
    (first.path / "0").mkdir(mode=0o700)  # as left by a crash before the state was written
    assert first.begin("enroll", rid="r1").generation == 1
    first.close()


def test_a_state_directory_has_one_holder(tmp_path: Path) -> None:
    first = home(tmp_path)
    with pytest.raises(StateBusy, match="Another process"):
        Home(tmp_path / "state")
    first.close()


def test_a_directory_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o755)
    (tmp_path / "state").chmod(0o755)
    with pytest.raises(StateUnusable, match="chmod 700"):
        Home(tmp_path / "state")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"device_id": "x"}', b'{"v": 2}'])
def test_a_damaged_state_is_told_not_guessed(tmp_path: Path, content: bytes) -> None:
    home(tmp_path).close()
    (tmp_path / "state" / "state.json").write_bytes(content)
    with pytest.raises(StateUnusable, match="not a state"):
        Home(tmp_path / "state")


def test_a_write_that_did_not_finish_leaves_the_old_content(tmp_path: Path) -> None:
    target = tmp_path / "file"
    files.write(target, b"old")
    (tmp_path / ".file.new").write_bytes(b"half of the n")
    assert target.read_bytes() == b"old"
    files.write(target, b"new")
    assert target.read_bytes() == b"new"
    assert not (tmp_path / ".file.new").exists()


@given(st.binary(max_size=200))
def test_what_is_no_certificate_is_a_typed_error(junk: bytes) -> None:
    with pytest.raises(WrongInput):
        files.certificates_from_pem(junk, "root")


@pytest.mark.parametrize(
    "junk", [b"", b"-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----", b"\xff"]
)
def test_what_is_no_key_is_a_typed_error(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "key.pem"
    path.write_bytes(junk)
    with pytest.raises(StateUnusable, match="not a private key"):
        files.read_key(path)


@pytest.mark.parametrize(
    ("text", "address"),
    [("mqtt.example:8884", ("mqtt.example", 8884)), ("[::1]:1", ("::1", 1))],
)
def test_addresses(text: str, address: tuple[str, int]) -> None:
    assert main.read_address(text) == address


@pytest.mark.parametrize("text", ["", "host", ":1", "host:", "host:0", "host:65536", "host:x", "host:²"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(WrongInput, match="host:port"):
        main.read_address(text)


def test_a_token_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(" abc\n")
    path.chmod(0o644)
    with pytest.raises(WrongInput, match="chmod 600"):
        main.read_token(path, None)
    path.chmod(0o600)
    assert main.read_token(path, None) == "abc"


def test_a_token_comes_from_a_descriptor_and_may_not_be_empty() -> None:
    for sent, taken in ((b"abc\n", "abc"), (b" \n", None)):
        out, into = os.pipe()
        os.write(into, sent)
        os.close(into)
        if taken is None:
            with pytest.raises(WrongInput, match="empty"):
                main.read_token(None, out)
        else:
            assert main.read_token(None, out) == taken


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("p.toml", "dbg = 'yes'"),
        ("p.toml", "surprise = 1"),
        ("p.toml", "= ="),
        ("p.json", "{"),
        ("p.json", '{"fw": {"name": "two words"}}'),
    ],
)
def test_a_bad_posture_file_is_a_typed_error(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(WrongInput):
        telemetry.read_posture(path)


def test_a_posture_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "posture.toml"
    path.write_text('secure_boot = false\nlisten_tcp = [443]\n[fw]\nver = "2.0"\n')
    posture = telemetry.read_posture(path)
    assert (posture.secure_boot, posture.listen_tcp, posture.fw.ver) == (False, [443], "2.0")


def test_exit_codes_and_words_without_a_traceback(tmp_path: Path) -> None:
    def run(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(main.app, list(words))
        return result.exit_code, result.output

    state = str(tmp_path / "state")
    assert run("status", "--state", state) == (
        4, f"medtrust-device: {state} does not exist. Run medtrust-device enroll.\n"
    )  # fmt: skip
    for command in ("run", "renew"):
        code, words = run(command, "--state", state)
        assert (code, "holds no device" in words) == (4, True)
    assert run("status", "--state", state, "--json") == (0, '{"state": "new"}\n')
    asks = ["enroll", "--device-id", DEVICE, "--state", state, "--root", str(tmp_path / "none.pem")]
    assert run(*asks, "--bootstrap", "nowhere")[0] == 2
    code, words = run(*asks, "--bootstrap", "127.0.0.1:9")
    assert (code, "cannot be read" in words) == (2, True)


def test_a_broker_that_is_away_is_exit_code_6(tmp_path: Path) -> None:
    root, token = tmp_path / "root.pem", tmp_path / "token"
    root.write_bytes(house().root_pem)
    token.write_text("abc")
    token.chmod(0o600)
    words = ["enroll", "--bootstrap", "127.0.0.1:9", "--root", str(root), "--device-id", DEVICE]
    words += ["--state", str(tmp_path / "state"), "--token-file", str(token), "--timeout", "0.3"]
    result = CliRunner().invoke(main.app, words)
    assert (result.exit_code, "not reachable" in result.output) == (6, True)
    assert "Traceback" not in result.output


def test_nothing_is_known_before_the_first_contact(tmp_path: Path) -> None:
    made = Home(tmp_path / "state")
    with pytest.raises(NotEnrolled, match="enroll"):
        _ = made.state
    made.close()
