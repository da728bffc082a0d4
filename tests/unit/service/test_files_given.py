"""Files that people name: whatever is behind the name, a bounded answer."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest

from service.errors import BadSetting
from service.lists import read_list
from service.pem import read_file


@pytest.mark.parametrize("name", ["none", ".", "a\0b", "/dev/zero", "x" * 5000])
def test_what_is_no_file_of_ours_is_refused_with_a_next_step(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadSetting) as refused:
        read_file(tmp_path / name, "request")
    assert refused.value.field == "request"
    assert refused.value.next_step


def test_a_pipe_is_read_as_a_file_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=(b"octets",))
    writer.start()
    assert read_file(pipe, "request") == b"octets"
    writer.join()


def test_a_list_may_be_larger_than_other_files(tmp_path: Path) -> None:
    """Whole lists of a million entries have 48 MB."""
    file = tmp_path / "issuing.crl"
    file.write_bytes(b"\x30" + bytes(5 * 1024 * 1024))
    assert read_list(file) == file.read_bytes()
    with pytest.raises(BadSetting, match="4 MiB"):
        read_file(file, "request")
