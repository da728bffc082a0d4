"""What a large fleet costs: signing ahead, memory, start, and the rate beside a small one's."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from bench.figures import Figure, Goal
from bench.fleet import fill
from bench.house import house
from bench.load import Corpus, load
from bench.proc import cpu_seconds, proportional_bytes
from bench.status_questions import PATH, Questions, must_be_good
from bench.status_server import SignedAhead, StatusServer, all_signed_ahead, status_server
from bench.status_turns import Rounds, bare_signing

_LARGE, _SMALL = "large", "small"
_TURNS: Final = 3
_STARTS: Final = 3
_CORPUS: Final = 200_000
_SIGNATURES: Final = 50_000
_SECONDS_A_MILLION: Final = 40.0
_PATIENCE: Final = 900.0
_SELF_TIME: Final = re.compile(r"^import time:\s+(\d+) \|", re.MULTILINE)


def measure_million(small: Questions, count: int) -> tuple[list[Figure], list[str]]:
    """A home with that many certificates beside the small one; each with servers of its own."""
    with house() as home:
        large = Questions(home, fill(home, count).serials)
        figures = list(_first_start(large, small))
        notes = [f"{count:,} and {len(small.serials):,} certificates, asked about at random"]
        starts = [_start(large) for _ in range(_STARTS)]
        figures.append(_start_figure("again, with signed answers", statistics.median(starts)))
        notes.append(_imports(large))
        figures += _memory(large, small)
    return figures, notes


def _first_start(large: Questions, small: Questions) -> Iterator[Figure]:
    """Nothing is signed yet: how soon it answers, how long it signs; then load on both by turns."""
    count = len(large.serials)
    bare = [bare_signing(_SIGNATURES // 2)]
    with status_server(large.home, 1) as many:
        yield _start_figure("the first time", _first_answer(large, many))
        signed = all_signed_ahead(large.home.home, count, patience=_PATIENCE)
        wall, cpu = time.monotonic() - many.began, cpu_seconds(many.pids)
        bare.append(bare_signing(_SIGNATURES // 2))
        yield from _signing(count, wall, cpu, statistics.mean(each.cpu_us for each in bare) * count / 1e6)
        yield _disk(signed)
        with status_server(small.home, 1) as few:
            yield from _by_turns("POST", Questions.posts, {_LARGE: (large, many), _SMALL: (small, few)})
            yield from _by_turns("GET", Questions.gets, {_LARGE: (large, many), _SMALL: (small, few)})


def _by_turns(
    method: str,
    corpus: Callable[[Questions, int], Corpus],
    sides: Mapping[str, tuple[Questions, StatusServer]],
) -> Iterator[Figure]:
    runs = {
        name: partial(load, server.url + PATH, corpus(questions, _CORPUS), server.pids)
        for name, (questions, server) in sides.items()
    }
    rounds = Rounds.of(runs, _TURNS)
    count, said = (f"{len(sides[name][0].serials):,} certificates" for name in (_LARGE, _SMALL))
    what, aim = f"OCSP {method}, {count}, one worker", Goal(least=0.9, on_ratio=True)
    yield rounds.figure(what, "rate", _LARGE, peer=_SMALL, said=said, goal=aim)
    yield rounds.figure(f"{what}, CPU a request", "cpu_us", _LARGE, peer=_SMALL, said=said)


def _signing(count: int, wall: float, cpu: float, bound: float) -> Iterator[Figure]:
    said = f"P-256 signing and nothing else, from {_SIGNATURES:,}"
    goal = Goal(most=_SECONDS_A_MILLION * count / 1e6)
    what = f"{count:,} answers signed ahead, start and imports included"
    yield Figure(f"{what}, CPU", cpu, "s", said, bound, goal=goal)
    yield Figure(f"{what}, wall", wall, "s", said, bound, goal=goal)


def _disk(signed: SignedAhead) -> Figure:
    return Figure(
        "signed answers on disk, mapped and shared, a certificate",
        signed.octets / signed.answers,
        "octets",
        goal=Goal(most=350),
    )


def _start(large: Questions) -> float:
    with status_server(large.home, 1) as server:
        return _first_answer(large, server)


def _first_answer(large: Questions, server: StatusServer) -> float:
    must_be_good(server.url + PATH, large.request(large.serials[0]))
    return time.monotonic() - server.began


def _start_figure(what: str, seconds: float) -> Figure:
    return Figure(f"start to the first answer, {what}", seconds, "s", goal=Goal(most=1.5))


def _imports(large: Questions) -> str:
    log = large.home.folder / "imports.log"
    with status_server(large.home, 1, imports=log) as server:
        whole = _first_answer(large, server)
    spent = sum(map(int, _SELF_TIME.findall(log.read_text()))) / 1e6
    told = f"of a start of {whole:.2f} s, Python's imports take {spent:.2f} s"
    return f"{told} (under -X importtime, all processes)"


def _memory(large: Questions, small: Questions) -> Iterator[Figure]:
    """What two workers hold more, all their processes, once all pages were asked for."""
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
        all_signed_ahead(questions.home.home, len(questions.serials))
        load(server.url + PATH, corpus, server.pids, seconds=5)
        return proportional_bytes(server.pids)
