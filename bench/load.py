"""HTTP load on 127.0.0.1 by wrk, and the server's CPU time beside it, for wrk shares the cores."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CONNECTIONS = 32
SECONDS = 2
_SCRIPT = """
local lines, at = {}, 0
local post = false
function init(args)
  post = args[2] == "POST"
  for line in io.lines(args[1]) do
    if post then
      line = line:gsub("..", function(pair) return string.char(tonumber(pair, 16)) end)
    end
    lines[#lines + 1] = line
  end
end
function request()
  at = at % #lines + 1
  if post then
    return wrk.format("POST", nil, {["Content-Type"] = "application/ocsp-request"}, lines[at])
  end
  return wrk.format("GET", lines[at])
end
function done(summary, latency, _)
  local bad = summary.errors
  io.write(string.format('{"requests": %d, "seconds": %f, "p99_ms": %f, "bad": %d}\\n',
    summary.requests, summary.duration / 1e6, latency:percentile(99) / 1000,
    bad.status + bad.connect + bad.read + bad.write + bad.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Corpus:
    """Requests that wrk sends one after the other, and from the start again."""

    path: Path
    post: bool

    @classmethod
    def of(cls, path: Path, requests: Sequence[bytes | str]) -> Corpus:
        """Bodies (bytes) to be POSTed, or targets (text) to be fetched."""
        post = isinstance(requests[0], bytes)
        path.write_text("".join(f"{r.hex() if isinstance(r, bytes) else r}\n" for r in requests))
        path.with_suffix(".lua").write_text(_SCRIPT)
        return cls(path, post)


@dataclass(frozen=True, slots=True)
class Load:
    """One run."""

    rate: float
    p99_ms: float
    cpu_us: float
    """The server's CPU time a request."""


def load(url: str, corpus: Corpus, pid: int, *, seconds: int = SECONDS) -> Load:
    """One run against a server process; RuntimeError where any answer was not a 200."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise RuntimeError("wrk is not installed: apt-get install wrk")
    script = str(corpus.path.with_suffix(".lua"))
    method = "POST" if corpus.post else "GET"
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script, url, "--"]
    before = _cpu_seconds(pid)
    done = subprocess.run(
        [*command, str(corpus.path), method], capture_output=True, text=True, check=True, timeout=seconds + 20
    )
    cpu = _cpu_seconds(pid) - before
    said = json.loads(done.stdout.splitlines()[-1])
    if said["bad"] or not said["requests"]:
        raise RuntimeError(f"{said['bad']} of {said['requests']} answers were not good: {url}")
    return Load(said["requests"] / said["seconds"], said["p99_ms"], cpu / said["requests"] * 1e6)


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
