"""Sealed keys are read from a folder that only their owner can enter."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from service.errors import TooOpen
from service.keystore import KeyReader, KeyWriter

PASSPHRASE = b"a passphrase of a test"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("home") / "keys"
    KeyWriter(made, PASSPHRASE, datetime(2026, 11, 22, tzinfo=UTC)).write_secret("log", b"octets")
    return made


@pytest.mark.parametrize("mode", [0o755, 0o701, 0o720])
def test_an_open_folder_of_keys_is_refused(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    with pytest.raises(TooOpen, match="others on this machine"):
        KeyReader(folder, PASSPHRASE)
    folder.chmod(0o700)
    assert KeyReader(folder, PASSPHRASE).read_secret("log") == b"octets"


def test_a_folder_behind_a_symbolic_link_is_refused(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "keys"
    link.symlink_to(folder)
    with pytest.raises(TooOpen, match="symbolic link"):
        KeyReader(link, PASSPHRASE)
