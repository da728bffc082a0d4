"""What a large fleet costs: signing ahead, memory, start, and the rate beside a small one's."""

from __future__ import annotations

import re
import shutil
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from bench.figures import Figure, Goal
from bench.fleet import fill
from bench.house import house
from bench.load import Corpus, load
from bench.presigning_process import SIGNATURES, Walk, presign
from bench.proc import proportional_bytes
from bench.status_questions import PATH, Questions, must_be_good
from bench.status_server import (
    SignedAhead,
    StatusServer,
    all_signed_ahead,
    at_rest,
    signed_ahead,
    status_server,
    tell,
)
from bench.status_turns import Rounds
from service.status.presigned import presigned_folder

_LARGE, _SMALL = "large", "small"
_TURNS: Final = 5
_STARTS: Final = 3
_CORPUS: Final = 200_000
_TOUCHING_SECONDS: Final = 8
_SECONDS_A_MILLION: Final = 40.0
_SELF_TIME: Final = re.compile(r"^import time:\s+(\d+) \|", re.MULTILINE)


def measure_million(small: Questions, count: int) -> tuple[list[Figure], list[str]]:
    """A home with that many certificates beside the small one; each with servers of its own."""
    with house() as home:
        filled = fill(home, count)
        large = Questions(home, filled.serials)
        notes = [
            f"{count:,} and {len(small.serials):,} certificates, asked about at random; "
            f"the large fleet was put into the store in {filled.seconds:.0f} s"
        ]
        figures = [_start_figure("nothing signed yet", [_start(large)])]
        shutil.rmtree(presigned_folder(home.home))  # what that start has signed
        tell(f"signing {count:,} answers ahead")
        walk = presign(home)
        if walk.signed < count:
            raise RuntimeError(f"{walk.signed:,} of {count:,} answers were signed ahead")
        figures += [*_signing(walk, count), *_disk(walk, signed_ahead(home.home))]
        notes.append(f"the process that signs ahead holds {walk.resident / 1e6:,.0f} MB at most")
        tell("starts, and load on both fleets by turns")
        figures.append(_start_figure("all signed", [_start(large) for _ in range(_STARTS)]))
        notes.append(_imports(large))
        figures += [*_load(large, small), *_memory(large, small)]
    return figures, notes


def _signing(walk: Walk, count: int) -> Iterator[Figure]:
    said = f"P-256 signing and nothing else, from {SIGNATURES:,}"
    bound, goal = walk.bare_cpu_us * walk.signed / 1e6, Goal(most=_SECONDS_A_MILLION * count / 1e6)
    for what, seconds in (("CPU", walk.cpu), ("wall", walk.wall)):
        yield Figure(f"{count:,} answers signed ahead, {what}", seconds, "s", said, bound, goal=goal)


def _disk(walk: Walk, there: SignedAhead) -> Iterator[Figure]:
    """Records are in the file once, however many workers map it."""
    for what, octets in (("used", walk.octets), ("on disk, free pages too", there.octets)):
        yield Figure(f"LMDB a certificate, {what}", octets / walk.signed, "octets", goal=Goal(most=350))


def _load(large: Questions, small: Questions) -> Iterator[Figure]:
    with status_server(large.home, 1) as many, status_server(small.home, 1) as few:
        all_signed_ahead(small.home.home, len(small.serials))
        for server in (many, few):
            at_rest(server)
        sides = {_LARGE: (large, many), _SMALL: (small, few)}
        yield from _by_turns("POST", Questions.posts, sides)
        yield from _by_turns("GET", Questions.gets, sides)


def _by_turns(
    method: str,
    corpus: Callable[[Questions, int], Corpus],
    sides: Mapping[str, tuple[Questions, StatusServer]],
) -> Iterator[Figure]:
    """The small fleet's corpus has as many requests: each certificate comes again and again."""
    runs = {
        name: partial(load, server.url + PATH, corpus(questions, _CORPUS), server.pids)
        for name, (questions, server) in sides.items()
    }
    rounds = Rounds.of(runs, _TURNS)
    count, said = (f"{len(sides[name][0].serials):,} certificates" for name in (_LARGE, _SMALL))
    what, aim = f"OCSP {method}, {count}, one worker", Goal(least=0.9, on_ratio=True)
    yield rounds.figure(what, "rate", _LARGE, peer=_SMALL, said=said, goal=aim)
    yield rounds.figure(f"{what}, CPU a request", "cpu_us", _LARGE, peer=_SMALL, said=said)


def _start(large: Questions) -> float:
    with status_server(large.home, 1) as server:
        return _first_answer(large, server)


def _first_answer(large: Questions, server: StatusServer) -> float:
    """Seconds since the command was started."""
    must_be_good(server.url + PATH, large.request(large.serials[len(large.serials) // 2]))
    return time.monotonic() - server.began


def _start_figure(what: str, seconds: list[float]) -> Figure:
    what = f"start to the first answer, {what}, median of {len(seconds)}"
    return Figure(what, statistics.median(seconds), "s", goal=Goal(most=1.5))


def _imports(large: Questions) -> str:
    log = large.home.folder / "imports.log"
    with status_server(large.home, 1, imports=log) as server:
        whole = _first_answer(large, server)
    spent = sum(map(int, _SELF_TIME.findall(log.read_text()))) / 1e6
    told = f"of a start of {whole:.2f} s, Python's imports take {spent:.2f} s"
    return f"{told} (under -X importtime, which slows both; all processes)"


def _memory(large: Questions, small: Questions) -> Iterator[Figure]:
    """What two workers hold more, all their processes, once most pages were asked for."""
    held = {name: _held(questions) for name, questions in ((_LARGE, large), (_SMALL, small))}
    more = (held[_LARGE] - held[_SMALL]) / (len(large.serials) - len(small.serials))
    yield Figure(
        "memory (PSS) of two workers, all processes",
        held[_LARGE] / 1e6,
        "MB",
        f"{len(small.serials):,} certificates",
        held[_SMALL] / 1e6,
    )
    yield Figure("memory (PSS) a certificate, two workers", more, "octets", goal=Goal(most=350))


def _held(questions: Questions) -> int:
    corpus = questions.posts(_CORPUS)
    with status_server(questions.home, 2) as server:
        at_rest(server)
        load(server.url + PATH, corpus, server.pids, seconds=_TOUCHING_SECONDS)
        return proportional_bytes(server.pids)
