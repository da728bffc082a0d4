"""docs/settings.md says every key with its default, and no key that does not exist."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from service.home import Home
from service.settings import RawSettings, decode, validate

PAGE = (Path(__file__).parents[3] / "docs" / "settings.md").read_text()
ROW = re.compile(r"^\| `([a-z0-9]+(?:\.[a-z0-9_]+)+)` \| `([^`]*)` \| (.+) \|$", re.MULTILINE)


def _defaults() -> dict[str, str]:
    return dict(_flat("", msgspec.to_builtins(RawSettings())))


def _flat(prefix: str, values: dict[str, object]) -> Iterator[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, dict):
            yield from _flat(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", json.dumps(value)


def test_every_key_stands_on_the_page_with_its_default_and_no_other_does() -> None:
    documented = {key: default for key, default, _ in ROW.findall(PAGE)}
    assert documented == _defaults()


def test_the_example_file_is_accepted(tmp_path: Path) -> None:
    example = PAGE.split("```toml\n")[1].split("```")[0]
    settings = validate(decode(example.encode(), "the example"), Home(tmp_path))
    assert settings.server_names == (tomllib.loads(example)["mqtt"]["names"][0],)
    assert settings.status_listen.port == 80
