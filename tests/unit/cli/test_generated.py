"""What is generated and committed is what the code says now."""

import os
import subprocess
import sys
from pathlib import Path

from docs import generate


def test_help_diagrams_and_schemas_are_current() -> None:
    assert generate.stale() == [], "run: make generated"


def test_a_stale_a_missing_and_a_left_over_file_are_told_and_repaired(tmp_path: Path) -> None:
    generate.write(tmp_path)
    (tmp_path / "docs" / "cli.md").write_text("old")
    (tmp_path / "docs" / "lifecycles.md").unlink()
    (tmp_path / "docs" / "schemas" / "Gone.json").write_text("{}")

    assert generate.stale(tmp_path) == ["docs/cli.md", "docs/lifecycles.md", "docs/schemas/Gone.json"]
    generate.write(tmp_path)
    assert generate.stale(tmp_path) == []


def test_every_move_of_a_table_is_an_arrow() -> None:
    drawn = generate.lifecycles()

    assert "    held --> active: release" in drawn
    assert "    retired --> [*]" in drawn
    assert "expired --> active" not in drawn


def test_the_reference_holds_every_command() -> None:
    from cli.main import COMMANDS

    reference = generate.cli_reference()
    for name in COMMANDS:
        assert f"### `medtrust {name}`" in reference


def test_the_first_help_is_what_the_command_line_says() -> None:
    said = []
    for start in (["-c", "from cli.entry import main; main()"], ["-m", "cli.main"]):
        run = subprocess.run(
            [sys.executable, *start, "--help"],
            capture_output=True,
            text=True,
            check=True,
            cwd=generate.ROOT,
            env={**os.environ, "COLUMNS": "80"},
        )
        said.append([line.rstrip() for line in run.stdout.splitlines()])
    assert said[0] == said[1]
    assert "Commands:" in said[0]
