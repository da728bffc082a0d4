"""The pages in docs/ keep to the code: examples decode, vectors hold, links lead on, commands exist."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from cli.main import run
from mqtt_bridge import messages
from registry.model import transcript
from registry.trust.claims import admit

ROOT = Path(__file__).parents[3]
PAGES = sorted(
    [*ROOT.glob("docs/*.md"), *ROOT.glob("docs/adr/*.md"), *ROOT.glob("*.md"), *ROOT.glob("certs-dev/*.md")]
)
MQTT = (ROOT / "docs" / "mqtt.md").read_text()
EXAMPLES = re.findall(r"```json (\w+)\n(.*?)```", MQTT, re.DOTALL)
KINDS = {kind.__name__: kind for kind in messages.MESSAGES}
README = (ROOT / "README.md").read_text()
COMMANDS = sorted(
    {
        found.strip()
        for found in re.findall(r"^(?:\(umask 077; )?medtrust ((?:[a-z]+(?=\s) ?)+)", README, re.M)
    }
)
PATH = re.compile(
    r"`((?:tests|docs|cli|service|registry|pki|audit|mqtt_bridge|deploy|bench|certs-dev)/[\w./-]+)`"
)


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_an_example_is_a_message(name: str, text: str) -> None:
    if name == "Telemetry":
        assert admit(text.encode()).telemetry.v == 1
    else:
        assert type(messages.decode(KINDS[name], text.encode(), "docs")).__name__ == name


def test_every_message_has_an_example() -> None:
    assert {name for name, _ in EXAMPLES} == {*KINDS, "Telemetry"}


def test_the_vectors_are_what_the_code_says() -> None:
    said = dict(re.findall(r"^\| ([\w -]+) \| `([0-9a-f]{64,})` \|$", MQTT, re.MULTILINE))
    signed = transcript.enroll(b"\x30\x00", bytes(range(32)), "pump-0001", "pump-0001")
    key = transcript.token_key("mtj1_aaaaaaaaaaaaaaaaaaaaaaaaaa")
    assert said == {
        "confirm transcript": transcript.confirm("pump-0001", "r1", bytes(32)).hex(),
        "SHA-256 of the enroll transcript": hashlib.sha256(signed).hexdigest(),
        "token key": key.hex(),
        "token_hmac": transcript.token_hmac(key, signed).hex(),
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    dead = [link for link in links if link and not (page.parent / link).exists()]
    dead += [
        path for path in PATH.findall(text) if not (ROOT / path).exists() and "out" not in Path(path).parts
    ]
    assert not dead


def test_every_test_that_the_pages_name_exists() -> None:
    written = "".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))
    named = {name for page in PAGES for name in re.findall(r"`(test_[a-z0-9_]+)`", page.read_text())}
    assert [name for name in sorted(named) if f"def {name}(" not in written] == []
    assert len(named) > 10


def test_no_decision_is_longer_than_a_hundred_lines() -> None:
    long = [page.name for page in ROOT.glob("docs/adr/*.md") if len(page.read_text().splitlines()) > 100]
    assert not long


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_of_the_readme_exists(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "--help"]) == 0
    assert f"Usage: medtrust {command}" in capsys.readouterr().out
