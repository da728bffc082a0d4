"""Passphrases on their way in: one line, whichever way it ends, from a file or a descriptor."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.errors import BadSetting, TooOpen
from service.passphrase import first_line, first_line_from

WRITTEN = [b"correct horse", b"correct horse\n", b"correct horse\r\n", b"correct horse\nand a note\n"]


@pytest.mark.parametrize("written", WRITTEN)
def test_the_first_line_counts_however_it_ends(tmp_path: Path, written: bytes) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(written)
    file.chmod(0o600)
    assert first_line(file) == b"correct horse"
    with file.open("rb") as opened:
        assert first_line_from(opened.fileno()) == b"correct horse"


def test_blanks_belong_to_it(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(b" correct horse \n")
    file.chmod(0o600)
    assert first_line(file) == b" correct horse "


def test_a_file_that_others_read_and_a_closed_descriptor_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_bytes(b"correct horse\n")
    file.chmod(0o644)
    with pytest.raises(TooOpen):
        first_line(file)
    closed = os.open(file, os.O_RDONLY)
    os.close(closed)
    with pytest.raises(BadSetting, match=f"File descriptor {closed}"):
        first_line_from(closed)
