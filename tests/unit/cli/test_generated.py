"""What is generated and committed is what the code says now."""

from pathlib import Path

from docs import generate


def test_help_diagrams_and_schemas_are_current() -> None:
    assert generate.stale() == [], "run: make generated"


def test_a_stale_a_missing_and_a_left_over_file_are_told_and_repaired(tmp_path: Path) -> None:
    generate.write(tmp_path)
    (tmp_path / "cli.md").write_text("old")
    (tmp_path / "lifecycles.md").unlink()
    (tmp_path / "schemas" / "Gone.json").write_text("{}")

    assert generate.stale(tmp_path) == ["cli.md", "lifecycles.md", "schemas/Gone.json"]
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
