"""Files that people name: whatever is behind the name, a bounded answer."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest

from service.errors import BadSetting
from service.home import write_atomically
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


def test_no_device_pipe_or_folder_is_replaced_by_what_is_written(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for target in (pipe, tmp_path, tmp_path / "to-null", Path("/dev/none-of-ours")):
        if target.name == "to-null":
            target.symlink_to("/dev/null")
        with pytest.raises(BadSetting, match="not a regular file"):
            write_atomically(target, b"octets")
    assert pipe.is_fifo()
    assert not Path("/dev/none-of-ours").exists()
