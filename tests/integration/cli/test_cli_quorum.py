"""`medtrust ca quorum` and every command that shares open, on a real home and at a real terminal."""

import contextlib
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from service.home import Home
from service.process_lock import alone
from tests.integration.cli.conftest import Cli, assert_refused


def _split(cli: Cli, *options: str) -> list[Path]:
    folder = cli.folder / "shares"
    made = cli.done(
        "ca", "quorum", "split", "--shares", "5", "--threshold", "3", "--out", folder,
        "--passphrase-file", cli.passphrase, *options,
    )  # fmt: skip
    assert (made["threshold"], made["shares"]) == (3, 5)
    return sorted(folder.iterdir())


def _given(paths: list[Path]) -> list[str]:
    return [argument for path in paths for argument in ("--shares-file", str(path))]


def test_three_of_five_open_what_the_passphrase_opens_no_more(cli: Cli) -> None:
    shares = _split(cli, "--retire-passphrase")

    assert [path.stat().st_mode & 0o777 for path in shares] == [0o600] * 5
    assert cli.done("crl", "publish", *_given(shares[1:4]))["crl_number"] == 2
    assert_refused(cli("crl", "publish", "--passphrase-file", cli.passphrase), 3, "does not open")
    used = [leaf for leaf in cli.done("audit", "list") if leaf["kind"] == "quorum.used"]
    assert used[-1]["detail"]["members"] == ["2", "3", "4"]


def test_too_few_twice_and_foreign_shares_say_what_is_missing(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    shares = _split(cli)
    check = ("ca", "quorum", "check")

    assert_refused(cli(*check, *_given(shares[:2])), 3, "2 of the 3 shares", "1 more of 3 are missing")
    assert_refused(cli(*check, *_given([shares[0], shares[0]])), 2, "given already; 2 more of 3")
    both = cli("crl", "publish", "--passphrase-file", cli.passphrase, *_given(shares))
    assert_refused(both, 2, "Both a passphrase and shares")
    assert_refused(cli(*check), 2, "no terminal")
    again = cli("ca", "quorum", "split", "--shares", "3", "--threshold", "2", "--out", cli.folder / "shares")
    assert_refused(again, 2, "holds shares already")
    shares[0].chmod(0o644)
    assert_refused(cli(*check, *_given(shares[:3])), 3, "mode 0644")
    monkeypatch.setenv("MEDTRUST_SHARES_FILES", os.pathsep.join(map(str, shares[1:4])))
    assert cli.done("crl", "publish")["crl_number"] == 2
    for path in (cli.folder / "shares").iterdir():
        path.unlink()
    newer = _split(cli)
    monkeypatch.delenv("MEDTRUST_SHARES_FILES")
    assert cli.done(*check, *_given(newer[:3]))["opens"] is True


def test_without_a_quorum_the_next_step_is_told(cli: Cli) -> None:
    assert_refused(cli("ca", "quorum", "show"), 4, "No quorum", "medtrust ca quorum split")
    assert_refused(cli("ca", "quorum", "check", "--shares-file", cli.passphrase), 4, "No quorum")


def test_back_to_a_new_passphrase(cli: Cli) -> None:
    shares = _split(cli, "--retire-passphrase")
    new = cli.folder / "new"
    new.write_bytes(b"another good passphrase\n")
    new.chmod(0o600)

    ended = cli("ca", "quorum", "end", "--new-passphrase-file", new, *_given(shares[:3]))
    assert ended.code == 0, ended.err
    assert cli.done("crl", "publish", "--passphrase-file", new)["crl_number"] == 2
    assert_refused(cli("ca", "quorum", "check", *_given(shares[:3])), 4, "No quorum")


def test_a_root_on_a_stick_follows_the_retired_passphrase(cli: Cli) -> None:
    stick = cli.folder / "stick"
    detached = cli("ca", "detach-root", stick, "--passphrase-file", cli.passphrase, "--yes")
    assert detached.code == 0, detached.err
    given = _given(_split(cli, "--retire-passphrase")[:3])
    refresh = ("ca", "refresh-root", "--root", stick)

    assert_refused(cli(*refresh, *given), 3, "does not open")
    reseal = ("ca", "quorum", "reseal", "--root", stick, "--old-passphrase-file", cli.passphrase)
    assert cli.done(*reseal, *given)["sealed_anew"] == 2
    assert cli.done(*reseal, *given)["sealed_anew"] == 0
    assert cli(*refresh, *given).code == 0
    assert_refused(cli("ca", "quorum", "reseal", "--root", cli.folder, *given), 2, "holds no key")


def test_shares_typed_one_by_one_at_a_terminal(cli: Cli) -> None:
    """A misspelt share is told and asked again; the words never appear on the screen."""
    words = [path.read_text().splitlines()[1] for path in _split(cli, "--retire-passphrase")]
    typed = [words[0], words[0] + " academic", words[3], words[2]]
    shown = _at_a_terminal(["--home", str(cli.home), "ca", "quorum", "check"], typed)

    assert "3 more of 3 are missing" in shown
    assert "Share 4 is good." in shown
    assert "check does not hold" in shown
    assert "opens" in shown
    assert words[0].split()[5:9] != []
    assert " ".join(words[0].split()[5:9]) not in shown


def _at_a_terminal(
    arguments: list[str],
    typed: list[str],
    *,
    asked: bytes = b"nothing is shown): ",
    end_at: bytes = b"",
) -> str:
    master, slave = pty.openpty()
    command = [sys.executable, "-c", "from cli.main import main; main()", *arguments]
    child = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal ends with the child
        while chunk := os.read(master, 4096):
            shown += chunk
            if shown.endswith(asked) and typed:
                os.write(master, typed.pop(0).encode() + b"\n")
            if end_at and end_at in shown:
                child.send_signal(signal.SIGTERM)
    assert child.wait(30) == 0, shown.decode()
    os.close(master)
    return shown.decode()


def test_shares_shown_one_by_one_open_the_ca_and_nothing_stays_on_the_screen(cli: Cli) -> None:
    split = (
        "ca",
        "quorum",
        "split",
        "--shares",
        "3",
        "--threshold",
        "2",
        "--passphrase-file",
        cli.passphrase,
    )
    assert_refused(cli(*split), 2, "no terminal to show the shares on", "--out DIR")
    assert_refused(cli("ca", "quorum", "show"), 4, "No quorum")

    shown = _at_a_terminal(["--home", str(cli.home), *map(str, split)], [""] * 3, asked=b"from the screen. ")

    parts = shown.split("for one person:")[1:]
    shares = [" ".join(re.findall(r"^ +\d+ ([a-z]+)\r?$", part, re.MULTILINE)) for part in parts]
    assert [len(words.split()) for words in shares] == [33, 33, 33]
    assert shown.count("\x1b[3J\x1b[2J\x1b[H") == 3
    for number in (0, 2):
        written = cli.folder / f"copied-{number}"
        written.touch(mode=0o600)
        written.write_text(shares[number])
    given = _given([cli.folder / "copied-0", cli.folder / "copied-2"])
    assert cli.done("ca", "quorum", "check", *given)["given"] == [1, 3]


def test_nothing_is_sealed_anew_under_a_running_process(cli: Cli) -> None:
    split = ("ca", "quorum", "split", "--shares", "3", "--threshold", "2", "--out", cli.folder / "shares")
    with alone(Home(cli.home)):
        assert_refused(cli(*split, "--passphrase-file", cli.passphrase), 5, "runs on", "Stop it first")
    assert not (cli.folder / "shares").exists()


def test_up_asks_for_the_shares_and_serves(cli: Cli) -> None:
    words = [path.read_text().splitlines()[1] for path in _split(cli, "--retire-passphrase")]
    settings = cli.home / "medtrust.toml"
    settings.write_text(
        settings.read_text()
        .replace('listen = "127.0.0.1:8080"', 'listen = "127.0.0.1:0"')
        .replace('broker = "auto"', 'broker = "embedded"')
        .replace("bootstrap_port = 8884", "bootstrap_port = 0")
        .replace("ops_port = 8883", "ops_port = 0")
    )
    shown = _at_a_terminal(
        ["--home", str(cli.home), "up", "--quorum"], words[1:4], end_at=b"Stop with Ctrl-C."
    )

    assert "Opened by shares 2, 3, 4 of 5." in shown
    assert "medtrust is up" in shown
    used = [leaf["detail"] for leaf in cli.done("audit", "list") if leaf["kind"] == "quorum.used"]
    assert used == [{"members": ["2", "3", "4"], "purpose": "up", "shares": 5, "threshold": 3}]
