"""demo-out/ is made anew, and nobody else's folder is ever emptied."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.demo.errors import NotOurs
from cli.demo.output_folder import MARKER, OutputFolder


def test_a_former_output_is_made_anew(tmp_path: Path) -> None:
    folder = OutputFolder(tmp_path / "demo-out")
    folder.renew()
    folder.write("devices/pump.pem", b"old")
    folder.renew()
    assert [path.name for path in folder.path.iterdir()] == [MARKER]


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    (tmp_path / "demo-out").mkdir()
    OutputFolder(tmp_path / "demo-out").renew()
    assert (tmp_path / "demo-out" / MARKER).is_file()


def test_a_folder_of_somebody_elses_is_refused_and_kept(tmp_path: Path) -> None:
    kept = tmp_path / "thesis.txt"
    kept.write_text("years of work")
    with pytest.raises(NotOurs) as refused:
        OutputFolder(tmp_path).renew()
    assert refused.value.field == "--out"
    assert kept.read_text() == "years of work"


def test_a_link_to_a_former_output_is_refused(tmp_path: Path) -> None:
    OutputFolder(tmp_path / "real").renew()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(NotOurs):
        OutputFolder(tmp_path / "link").renew()
    assert (tmp_path / "real" / MARKER).is_file()


def test_a_link_to_an_empty_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(NotOurs):
        OutputFolder(tmp_path / "link").renew()
    assert list((tmp_path / "real").iterdir()) == []


def test_a_file_in_the_way_is_refused(tmp_path: Path) -> None:
    (tmp_path / "demo-out").write_text("a file")
    with pytest.raises(NotOurs):
        OutputFolder(tmp_path / "demo-out").renew()
    assert (tmp_path / "demo-out").read_text() == "a file"


def test_a_folder_that_cannot_be_made_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotOurs) as refused:
        OutputFolder(tmp_path / "file" / "demo-out").renew()
    assert "demo-out" in refused.value.problem
