"""Bad input: each gives its documented exit code and a sentence that names the field or the next step."""

import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.integration.cli.conftest import UNKNOWN, Answer, Cli, assert_refused


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ("frobnicate", 2, "There is no command"),
        ("devise list", 2, "Did you mean 'device'?"),
        ("device frobnicate", 2, "frobnicate"),
        ("device list --nonsense", 2, "--nonsense"),
        ("device list --state gone", 2, "state"),
        ("device register", 2, "udi"),
        ("device register --udi nonsense", 2, "field: udi"),
        ("device register --udi (01)09521000000018", 2, "field: serial_number"),
        ("device register --udi (01)09521000000018(21)A --serial-number B", 2, "differs"),
        ("device register --udi (01)09521000000018(21)A --mac zz", 2, "field: mac"),
        ("device show nope", 2, "field: device_id"),
        (f"device show {UNKNOWN}", 4, "medtrust device list"),
        (f"device approve {UNKNOWN}", 4, "field: device_id"),
        (f"device hold {UNKNOWN}", 2, "reason"),
        (f"device hold {UNKNOWN} --reason why", 4, "field: device_id"),
        (f"device retire {UNKNOWN} --yes", 4, "field: device_id"),
        (f"device revoke {UNKNOWN} --reason keyCompromise --yes", 4, "field: device_id"),
        (f"token create {UNKNOWN}", 4, "field: device_id"),
        (f"token list {UNKNOWN}", 4, "field: device_id"),
        ("cert show zz", 2, "field: certificate_serial"),
        ("cert show 12345", 4, "medtrust cert list"),
        ("cert show missing.pem", 4, "missing.pem"),
        ("cert revoke 12345 --reason keyCompromise --yes", 4, "field: certificate_serial"),
        ("cert hold xyz", 2, "field: certificate_serial"),
        ("cert export 12345", 4, "field: certificate_serial"),
        ("cert list --device nope", 2, "field: device_id"),
        ("cert issue --csr /nonexistent/x.csr", 2, "/nonexistent/x.csr"),
        ("cert issue --csr x --profile root", 2, "profile"),
        ("crl show /nonexistent/x.crl", 2, "/nonexistent/x.crl"),
        ("crl publish --issuer nobody", 4, "issuer"),
        ("catalog show QQQ", 4, "medtrust catalog search"),
        ("schema Nope", 4, "One of: Hello"),
        (f"trust explain {UNKNOWN}", 4, "field: device_id"),
        ("trust reference add --udi-di 1 --sha256 ab --name n --version 1", 2, "field: sha256"),
        ("audit receipt 99999", 4, "field: index"),
        ("audit receipt -- -1", 4, "field: index"),
        ("audit export out", 4, "field: checkpoint"),
        ("audit list --limit 0", 2, "limit"),
        ("alarm list --device nope", 2, "field: device_id"),
        ("init", 5, "holds a CA already"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(cli: Cli, arguments: str, code: int, words: str) -> None:
    assert_refused(cli(*arguments.split()), code, words)


@pytest.mark.parametrize(
    "arguments",
    [
        "device list",
        "cert list",
        "status",
        "doctor",
        "up",
        "ca show",
        "ca bundle",
        "audit verify",
        "audit keys",
    ],
)
def test_without_a_home_the_next_step_is_init(empty: Cli, arguments: str) -> None:
    assert_refused(empty(*arguments.split()), 4, "medtrust init", "field: home")
    assert not empty.home.exists()


def test_a_wrong_passphrase_is_refused(cli: Cli) -> None:
    cli.passphrase.write_bytes(b"not the right passphrase\n")

    assert_refused(cli("crl", "publish", "--passphrase-file", cli.passphrase), 3)


def test_a_short_passphrase_makes_no_ca(empty: Cli) -> None:
    empty.passphrase.write_bytes(b"short\n")

    assert_refused(empty("init", "--passphrase-file", empty.passphrase), 2, "field: passphrase")
    empty.passphrase.write_bytes(b"long enough by now\n")
    assert empty("init", "--passphrase-file", empty.passphrase).code == 0


def _open_key(cli: Cli) -> None:
    (cli.home / "keys" / "issuing.classical.json").chmod(0o644)


def _open_home(cli: Cli) -> None:
    cli.home.chmod(0o755)


def _open_passphrase(cli: Cli) -> None:
    cli.passphrase.chmod(0o640)


@pytest.mark.parametrize("loosen", [_open_key, _open_home, _open_passphrase])
def test_a_secret_that_others_can_read_is_refused_with_the_chmod(
    cli: Cli, loosen: Callable[[Cli], None]
) -> None:
    loosen(cli)

    assert_refused(cli("crl", "publish", "--passphrase-file", cli.passphrase), 3, "next: chmod ")


@pytest.mark.parametrize("source", [(), ("--passphrase-file", "/nonexistent/p"), ("--passphrase-fd", "77")])
def test_no_passphrase_is_a_sentence_and_not_a_prompt(cli: Cli, source: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "cli.main", "--home", str(cli.home), "crl", "publish", *source]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)

    assert_refused(Answer(done.returncode, done.stdout, done.stderr), 2, "field: ")


def test_a_setting_without_sense_is_named(cli: Cli) -> None:
    (cli.home / "medtrust.toml").write_text("[mqtt]\nops_port = 99999\n")
    assert_refused(cli("device", "list"), 2, "field: mqtt.ops_port")

    (cli.home / "medtrust.toml").write_text("[mqtt\n")
    assert_refused(cli("settings", "show"), 2, "field: settings")


def test_a_status_url_that_is_none_makes_no_ca(empty: Cli) -> None:
    for url in ("ftp://x", "http://h:99999", "https://pki.example"):
        order = ("init", "--status-url", url, "--passphrase-file", empty.passphrase)
        assert_refused(empty(*order), 2, "field: status.")
    assert not (empty.home / "ca.json").exists()


def test_only_an_approved_device_gets_a_token(cli: Cli) -> None:
    device = cli.registered()

    assert_refused(cli("token", "create", device), 3, f"medtrust device approve {device}")
    cli.done("device", "approve", device)
    assert_refused(cli("token", "create", device, "--hours", "25"), 2, "field: lifetime")
    assert_refused(cli("token", "create", device, "--hours", "0"), 2, "field: lifetime")
    assert_refused(cli("device", "approve", device), 5, "Possible: ")


def test_an_unknown_product_needs_a_persons_word(cli: Cli) -> None:
    device = cli.done("device", "register", "--udi", "(01)09506000134352(21)X1")["device_id"]

    assert_refused(cli("device", "approve", device), 3, "field: criticality")
    assert cli.done("device", "approve", device, "--criticality", "monitoring")["criticality"] == "monitoring"


def test_an_address_belongs_to_one_device(cli: Cli) -> None:
    cli.registered("1", "--mac", "00:1b:44:11:3a:b7")
    label = "(01)09521000000018(21)SN-2"

    assert_refused(cli("device", "register", "--udi", label, "--mac", "001B.4411.3AB7"), 5, "field: mac")


def test_a_contradicted_identity_blocks_approval_until_a_person_looked(cli: Cli) -> None:
    device = cli.registered("1", "--mac", "00:1b:44:11:3a:b7")
    cli.registered("1", "--mac", "00:1b:44:11:3a:b8")

    assert_refused(cli("device", "approve", device), 3, "field: conflicts")
    assert cli("device", "approve", device, "--resolve-conflicts", "--reason", "two ports").code == 0


def test_errors_are_json_where_json_is_asked_for(cli: Cli) -> None:
    import json

    answer = cli("device", "show", UNKNOWN, "--json")

    assert (answer.code, answer.out) == (4, "")
    assert json.loads(answer.err)["error"]["field"] == "device_id"


@pytest.mark.parametrize("arguments", [["schema"], ["udi", "parse", "+A123BJC5D6E71"]], ids=["long", "short"])
def test_a_reader_that_goes_away_is_no_traceback(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "cli.main", *arguments]
    # Buffered as in a user's shell: a short answer is then only written at the end.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            command, stdout=write, stderr=subprocess.PIPE, text=True, check=False, env=environment
        )
    finally:
        os.close(write)

    assert (done.returncode, done.stderr) == (1, "")


def test_an_export_is_not_strewn_among_other_files(cli: Cli) -> None:
    (cli.folder / "etc").mkdir()
    (cli.folder / "etc" / "passwd").write_text("root")

    assert_refused(cli("audit", "export", cli.folder / "etc"), 5, "field: DIR", "Choose a new folder")
    assert [path.name for path in (cli.folder / "etc").iterdir()] == ["passwd"]


def test_a_folder_as_passphrase_file_brings_no_advice_to_change_its_mode(cli: Cli) -> None:
    answer = cli("crl", "publish", "--passphrase-file", cli.folder)

    assert_refused(answer, 2, "no regular file", "Give a file.")
    assert "chmod" not in answer.err


def test_doctor_names_a_loose_key_and_the_chmod(cli: Cli) -> None:
    _open_key(cli)

    checks = cli("doctor", "--json").json["checks"]
    (loose,) = [check for check in checks if check["name"] == "home"]
    assert "has mode 0644" in loose["message"]
    assert loose["next_step"].startswith("chmod 600 ")


def test_init_can_be_repeated_after_a_short_passphrase(empty: Cli) -> None:
    short = empty.folder / "short"
    short.write_bytes(b"short\n")
    short.chmod(0o600)

    assert_refused(empty("init", "--organization", "A", "--passphrase-file", short), 2, "at least 12")
    short.write_bytes(b"long enough a passphrase\n")
    assert empty("init", "--organization", "A", "--passphrase-file", short).code == 0
