"""`medtrust status-server` as a process with children: started, waited for, stopped."""

from __future__ import annotations

import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.house import House
from bench.proc import cpu_seconds, descendants
from service.home import Home
from service.status.presigned import Presigned, PresignedUnusable, presigned_folder

_PATIENCE: Final = 120.0
_TELL_EVERY: Final = 10.0
_LOOK: Final = 0.5
_IDLE: Final = 0.1
"""Of one core."""
_READY: Final = re.compile(r"status is served (http://\S+)")


@dataclass(frozen=True, slots=True)
class StatusServer:
    """A running one."""

    url: str
    """Without a path."""
    pids: tuple[int, ...]
    """All its processes: the parent, the workers that answer, the one that signs ahead."""
    began: float
    """time.monotonic() at its start."""


@dataclass(frozen=True, slots=True)
class SignedAhead:
    """The answers that a home holds in LMDB."""

    answers: int
    """And a few marks."""
    octets: int
    """What the file takes of the disk, free pages within it too."""


@contextmanager
def status_server(
    home: House, workers: int, *, at: Home | None = None, imports: Path | None = None
) -> Iterator[StatusServer]:
    """One on the house's home, or on a twin of it, until the block ends.

    Its log goes to a file beside the home; `imports`: to that one, each import with its time.
    """
    log = imports or home.folder / f"status-server-{(at or home.home).root.name}.log"
    environment = _environment(home, at or home.home)
    if imports:
        environment["PYTHONPROFILEIMPORTTIME"] = "1"
    medtrust = str(Path(sys.executable).with_name("medtrust"))
    command = [medtrust, "status-server", "--workers", str(workers), "--listen", "127.0.0.1:0"]
    began = time.monotonic()
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment) as parent,
    ):
        try:
            url = _url(parent, log)
            yield StatusServer(url, (parent.pid, *descendants(parent.pid)), began)
        finally:
            parent.terminate()
            try:
                parent.wait(20.0)
            except subprocess.TimeoutExpired:
                parent.kill()


def twin(home: House, name: str) -> Home:
    """A second home of the same CA on the same store: another instance, with signed answers of its own."""
    other = Home(home.folder / name)
    left_out = shutil.ignore_patterns("registry.db*", home.home.run.name, "broker")
    shutil.copytree(home.home.root, other.root, ignore=left_out)
    store = f'[store]\nurl = "{home.runtime.settings.store_url}"\n'
    other.settings_file.write_text(other.settings_file.read_text() + store)
    return other


def signed_ahead(home: Home) -> SignedAhead:
    """What is there now."""
    folder = presigned_folder(home)
    try:
        opened = Presigned(folder, writable=False)
    except PresignedUnusable:
        return SignedAhead(0, 0)
    try:
        answers, _ = opened.usage()
    finally:
        opened.close()
    blocks = sum(path.stat().st_blocks for path in folder.glob("data*"))
    return SignedAhead(answers, blocks * 512)


def all_signed_ahead(home: Home, count: int, *, patience: float = _PATIENCE) -> SignedAhead:
    """Once there is an answer for each; RuntimeError where that takes too long."""
    began = told = time.monotonic()
    while (found := signed_ahead(home)).answers < count:
        now = time.monotonic()
        if now - began > patience:
            raise RuntimeError(
                f"{found.answers:,} of {count:,} answers were signed ahead in {patience:.0f} s"
            )
        if now - told > _TELL_EVERY:
            told = now
            tell(f"signed ahead: {found.answers:,} of {count:,} in {now - began:.0f} s")
        time.sleep(0.1)
    return found


def at_rest(server: StatusServer, *, patience: float = _PATIENCE) -> None:
    """Once it has walked its fleet and does nothing: what comes is not measured beside that walk."""
    until = time.monotonic() + patience
    while True:
        before = cpu_seconds(server.pids)
        time.sleep(_LOOK)
        if cpu_seconds(server.pids) - before <= _IDLE * _LOOK:
            return
        if time.monotonic() > until:
            raise RuntimeError(f"the status server is busy by itself after {patience:.0f} s")


def tell(progress: str) -> None:
    """What a long bench is doing."""
    print(f"  {progress}", file=sys.stderr, flush=True)


def _environment(home: House, at: Home) -> dict[str, str]:
    said = {"MEDTRUST_HOME": str(at.root), "MEDTRUST_PASSPHRASE_FILE": str(home.passphrase_file())}
    return {**os.environ, **said}


def _url(parent: subprocess.Popen[bytes], log: Path) -> str:
    """What it prints once it answers; it prints nothing else."""
    assert parent.stdout is not None
    heard, _, _ = select.select([parent.stdout], [], [], _PATIENCE)
    said = _READY.search(parent.stdout.readline().decode()) if heard else None
    if said is None:
        raise RuntimeError(f"the status server did not start: {log.read_text()[-2000:]}")
    return said[1].rstrip("/")
