"""Lists of 100,000 and of a million entries beside `openssl ca -gencrl`; one revocation in a part."""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.crl_process import serials
from bench.figures import Figure, Goal, Report

_TURNS = 3
_MANY, _MILLION = 100_000, 1_000_000
_OPENSSL = "openssl ca -gencrl"
_CONFIGURATION = """\
[ca]
default_ca = bench
[bench]
database = {folder}/index.txt
crlnumber = {folder}/crlnumber
default_md = sha256
default_crl_days = 1
crl_extensions = extensions
unique_subject = no
[extensions]
authorityKeyIdentifier = keyid
"""


@dataclass(frozen=True, slots=True)
class _Turn:
    """One run of each side, on the same serials."""

    ours: dict[str, dict[str, float]]
    peak_mb: float
    wall: float
    cpu: float
    openssl_peak_mb: float


def measure() -> Report:
    """Turns of both sides, each in a process of its own; the million once, for it takes minutes."""
    with tempfile.TemporaryDirectory(prefix="medtrust-bench-") as name:
        folder = Path(name)
        many = [_turn(folder / f"many-{turn}", _MANY) for turn in range(_TURNS)]
        million = _turn(folder / "million", _MILLION)
    figures = [
        *_times("100,000 entries", many, least=10),
        *_times("1,000,000 entries", [million], least=5),
        Figure(
            "peak memory, 1,000,000 entries",
            *(million.peak_mb, "MB", _OPENSSL, million.openssl_peak_mb),
            goal=Goal(most=0.5, on_ratio=True),
        ),
        Figure(
            "one revocation among 1,000,000, in 256 parts: to disk",
            *(million.ours["one"]["wall"], "ms"),
            goal=Goal(most=5),
        ),
    ]
    return Report(figures, _notes(million))


def _times(what: str, turns: Sequence[_Turn], *, least: float) -> list[Figure]:
    """Built as openssl builds; and published, with every check and the record."""
    found = []
    for name, verb in (
        ("build", "read, signed, written"),
        ("publish", "published: checked and recorded too"),
    ):
        found.append(
            Figure(
                f"{what}, {verb}",
                *(1 / statistics.median(t.ours[name]["wall"] for t in turns), "lists/s", _OPENSSL),
                1 / statistics.median(t.wall for t in turns),
                paired_ratio=statistics.median(t.wall / t.ours[name]["wall"] for t in turns),
                goal=Goal(least=least, on_ratio=True) if name == "build" else None,
            )
        )
    cpu = statistics.median(t.cpu / t.ours["build"]["cpu"] for t in turns)
    found.append(
        Figure(
            f"{what}, read, signed, written: CPU",
            *(statistics.median(t.ours["build"]["cpu"] for t in turns), "s", _OPENSSL),
            *(statistics.median(t.cpu for t in turns), 1 / cpu),
        )
    )
    return found


def _turn(folder: Path, entries: int) -> _Turn:
    folder.mkdir()
    command = [sys.executable, "-m", "bench.crl_process", str(folder / "home"), str(entries)]
    said = subprocess.run(command, check=True, capture_output=True, text=True)
    ours = json.loads(said.stdout)
    _openssl_ca(folder, entries)
    return _Turn(ours, ours["peak_build"], *_gencrl(folder))


def _openssl_ca(folder: Path, entries: int) -> None:
    (folder / "openssl.cnf").write_text(_CONFIGURATION.format(folder=folder))
    (folder / "crlnumber").write_text("01\n")
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    new += [
        "-subj",
        "/CN=Bench",
        "-days",
        "10",
        "-keyout",
        str(folder / "key"),
        "-out",
        str(folder / "ca.pem"),
    ]
    subprocess.run(new, check=True, capture_output=True)
    with (folder / "index.txt").open("w") as index:
        for at, serial in enumerate(serials(entries)):
            index.write(f"R\t290101000000Z\t261101000000Z,keyCompromise\t{serial:032X}\tunknown\t/CN=d{at}\n")


def _gencrl(folder: Path) -> tuple[float, float, float]:
    """(wall seconds, CPU seconds, peak MB) of the peer."""
    command = ["openssl", "ca", "-gencrl", "-config", str(folder / "openssl.cnf")]
    command += [
        "-cert",
        str(folder / "ca.pem"),
        "-keyfile",
        str(folder / "key"),
        "-out",
        str(folder / "list"),
    ]
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as peer:
        _, status, used = os.wait4(peer.pid, 0)
        peer.returncode = os.waitstatus_to_exitcode(status)
    if peer.returncode:
        raise subprocess.CalledProcessError(peer.returncode, command)
    return time.perf_counter() - began, _cpu(used), used.ru_maxrss / 1024


def _cpu(used: resource.struct_rusage) -> float:
    return used.ru_utime + used.ru_stime


def _notes(million: _Turn) -> list[str]:
    one = million.ours["one"]
    return [
        "both sign with P-256; ours with ML-DSA-65 too. openssl starts a process and reads its index.txt, "
        "ours reads its store in a running one",
        f"publishing a million takes {million.ours['publish']['wall']:.1f} s: the list is read back, both "
        "signatures verified, compared entry by entry with the last one, recorded and logged",
        f"one revocation: {one['cpu']:.1f} ms of CPU; a part has {one['bytes'] / 1000:.0f} kB; two commits, "
        "a file and its folder are synced",
    ]
