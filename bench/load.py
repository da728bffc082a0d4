"""HTTP load on 127.0.0.1 by wrk, and the server's CPU time beside it, for wrk shares the cores."""

from __future__ import annotations

import json
import shutil
import statistics
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.proc import cpu_seconds

CONNECTIONS = 32
SECONDS = 2
# Requests are put into HTTP before the clock starts: wrk shall not be what is measured.
_SCRIPT = """
local requests, at = {}, 0
function init(args)
  local post, file = args[2] == "POST", io.open(args[1], "rb")
  local headers = post and {["Content-Type"] = "application/ocsp-request"} or nil
  local base = wrk.path:gsub("/$", "")
  for size in file:lines() do
    local said = file:read(tonumber(size))
    requests[#requests + 1] =
      post and wrk.format("POST", nil, headers, said) or wrk.format("GET", base .. "/" .. said)
  end
end
function request()
  at = at % #requests + 1
  return requests[at]
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
    def of(cls, path: Path, requests: Iterable[bytes | str]) -> Corpus:
        """Bodies (bytes) to be POSTed to the URL, or what (text) its path goes on with in a GET."""
        post = False
        with path.open("wb") as file:
            for request in requests:
                post = isinstance(request, bytes)
                said = request if isinstance(request, bytes) else request.encode()
                file.write(b"%d\n%b" % (len(said), said))
        path.with_suffix(".lua").write_text(_SCRIPT)
        return cls(path, post)


@dataclass(frozen=True, slots=True)
class Load:
    """One run, or the medians of several."""

    rate: float
    p99_ms: float
    cpu_us: float
    """The server's CPU time a request, all its processes."""


def median(runs: Sequence[Load]) -> Load:
    """Each figure's median."""
    return Load(
        statistics.median(run.rate for run in runs),
        statistics.median(run.p99_ms for run in runs),
        statistics.median(run.cpu_us for run in runs),
    )


def load(url: str, corpus: Corpus, pids: Sequence[int], *, seconds: int = SECONDS) -> Load:
    """One run against a server's processes; RuntimeError where any answer was not a 200."""
    wrk = shutil.which("wrk")
    if wrk is None:
        raise RuntimeError("wrk is not installed: apt-get install wrk")
    script = str(corpus.path.with_suffix(".lua"))
    method = "POST" if corpus.post else "GET"
    command = [wrk, "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "-s", script, url, "--"]
    before = cpu_seconds(pids)
    done = subprocess.run(
        [*command, str(corpus.path), method], capture_output=True, text=True, check=True, timeout=seconds + 60
    )
    cpu = cpu_seconds(pids) - before
    said = json.loads(done.stdout.splitlines()[-1])
    if said["bad"] or not said["requests"]:
        raise RuntimeError(f"{said['bad']} of {said['requests']} answers were not good: {url}")
    return Load(said["requests"] / said["seconds"], said["p99_ms"], cpu / said["requests"] * 1e6)
