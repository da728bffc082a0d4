"""Issuance, whole and durable, against what the library itself needs for the same keys and bytes.

Whole: the request parsed, each key's proof checked, profile, lint, intention and log and commit, both
signatures and their check, fact and log and commit, on SQLite with synchronous=FULL. The bound: the
request's keys loaded, its proofs verified, the CA's signatures made, nothing else.
"""

from __future__ import annotations

import itertools
import sqlite3
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import ModuleType

import pki.issuer
import pki.twin
from bench.figures import Figure, Goal, Report
from bench.house import House, house
from bench.issuing import UNITS, Form, bound, catalyst, classical, signatures, signed_by, whole
from bench.issuing_process import issuers
from bench.timing import Turns, by_turns, cpu_microseconds, on_threads, percentile
from pki.algorithms import KeyAlgorithm
from pki.csr import Request, verify_possession
from pki.issuer import IssuanceToken
from pki.providers.routing import OQS

_SHARE = Goal(least=0.8, on_ratio=True)
_TWO = Goal(least=1.8, on_ratio=True)
_SINGLES = 200


def measure() -> Report:
    """Every form; singly and in batches; threads and processes; where the time goes."""
    with house() as home:
        hybrid = catalyst(home)
        figures = list(_shares(home, hybrid))
        for kind in (KeyAlgorithm.EC_P256, KeyAlgorithm.EC_P384):
            form = classical(home, kind)
            figures.append(_share(form.name, "in batches of 50", _turns(home, form, 50)))
        figures += _fast(home, hybrid)
        figures += _threads(home, hybrid)
        figures.append(_processes(home))
        figures += _parts(home, hybrid)
        figures += _singly(home, hybrid)
        return Report(figures, [])


def _turns(home: House, form: Form, batch: int, turns: int = 5) -> Turns:
    return by_turns(whole(home, form, batch, max(batch, UNITS)), bound(form), turns=turns)


def _share(name: str, how: str, turns: Turns, goal: Goal | None = None) -> Figure:
    return Figure(
        f"{name}, {how} (CPU time: {turns.cpu_ratio:.2f} of the bound)",
        turns.rate,
        "/s",
        "proofs of the request and the CA's signatures",
        turns.limit_rate,
        paired_ratio=turns.ratio,
        goal=goal,
    )


def _shares(home: House, form: Form) -> Iterator[Figure]:
    yield _share(form.name, "singly", _turns(home, form, 1))
    for batch in (10, 50, 200):
        goal = _SHARE if batch >= 50 else None
        yield _share(form.name, f"in batches of {batch}", _turns(home, form, batch), goal)


def _fast(home: House, form: Form) -> list[Figure]:
    """The CA's ML-DSA key in liboqs, where that is here."""
    alternative = form.key.alternative
    if alternative is None or not OQS.supports(alternative.algorithm):
        return []
    fast = signed_by(OQS, form)
    figure = _share(f"{form.name}, liboqs", "in batches of 200", _turns(home, fast, 200), Goal(least=3_000))
    return [figure]


def _threads(home: House, form: Form) -> Iterator[Figure]:
    one = whole(home, form, 200, 200)
    two_callers = on_threads((whole(home, form, 50), whole(home, form, 50)))
    for how, work in (
        ("a batch of 200 on two threads", whole(home, form, 200, 200, threads=True)),
        ("two threads, each in batches of 50", two_callers),
    ):
        turns = by_turns(work, one, turns=5)
        rate, ratio = turns.rate, turns.ratio
        yield Figure(how, rate, "/s", "one thread", turns.limit_rate, paired_ratio=ratio, goal=_TWO)


def _processes(home: House) -> Figure:
    with issuers(home, 1) as alone, issuers(home, 2) as together:
        rounds = [(alone(), together()) for _ in range(3)]
    one, two = (sorted(rates)[1] for rates in zip(*rounds, strict=True))
    ratio = sorted(b / a for a, b in rounds)[1]
    return Figure(
        "two processes on one SQLite store, each in batches of 50",
        two,
        "/s",
        "one process",
        one,
        paired_ratio=ratio,
        goal=_TWO,
    )


def _parts(home: House, form: Form) -> Iterator[Figure]:
    """CPU time of what is ours in one certificate, us, beside one P-256 signature: machines differ."""
    issuer, ports, now = form.issuer, home.ports, home.ports.clock()
    requests = [(Request.parse(der), facts) for der, facts in form.orders[:UNITS]]
    given, turn = itertools.cycle(form.orders), itertools.cycle(requests)

    def prepare() -> IssuanceToken:
        request, facts = next(turn)
        return issuer.prepare(form.profile, facts, request.public, now=now, entropy=ports.entropy)

    encodings = recorded(pki.issuer, "unsigned_certificate", prepare)
    lints = recorded(pki.twin, "lint", prepare)
    tokens = iter([prepare() for _ in range(UNITS)])
    bare = cpu_microseconds(signatures(form), 1) / UNITS
    signed_bytes = next(iter(form.orders))[0]
    signature = cpu_microseconds(lambda: form.key.classical.sign(signed_bytes), UNITS)
    for what, work, limit, goal in (
        ("encode", encodings, signature, Goal(most=100)),
        ("lint", lints, signature, Goal(most=150)),
        ("request", lambda: Request.parse(next(given)[0]), signature, None),
        ("proofs", lambda: verify_possession(next(turn)[0]), signature, None),
        ("all before the intention but the proofs", prepare, signature, None),
        ("sign and check", lambda: issuer.issue(next(tokens)), bare, None),
    ):
        beside = "one P-256 signature" if limit is signature else "both signatures alone"
        took = cpu_microseconds(work, UNITS)
        yield Figure(f"CPU time of one certificate: {what}", took, "us", beside, limit, goal=goal)


def recorded(module: ModuleType, name: str, work: Callable[[], object]) -> Callable[[], object]:
    """The calls of a function that `work` makes, to be made again one by one."""
    real: Callable[..., object] = getattr(module, name)
    calls: list[Callable[[], object]] = []

    def recorder(*args: object, **kwargs: object) -> object:
        calls.append(partial(real, *args, **kwargs))
        return real(*args, **kwargs)

    setattr(module, name, recorder)
    try:
        for _ in range(UNITS):
            work()
    finally:
        setattr(module, name, real)
    turn = itertools.cycle(calls)
    return lambda: next(turn)()


def _singly(home: House, form: Form) -> Iterator[Figure]:
    """How long one certificate takes from its request to the second commit, and the same without us."""
    path = home.folder / "bare.db"
    ours = _durations(whole(home, form, 1, 1))
    bare = _durations(_signatures_and_commits(form, path))
    for share, goal in ((0.5, None), (0.99, Goal(most=10))):
        yield Figure(
            f"one certificate at a time, p{share * 100:.0f}",
            percentile(ours, share) * 1000,
            "ms",
            "bound and two bare commits",
            percentile(bare, share) * 1000,
            goal=goal,
        )


def _durations(work: Callable[[], object]) -> list[float]:
    taken = []
    for _ in range(_SINGLES):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken


def _signatures_and_commits(form: Form, path: Path) -> Callable[[], None]:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE row (body BLOB)")
    once = bound(form, 1)

    def work() -> None:
        connection.execute("INSERT INTO row VALUES (zeroblob(4096))")
        once()
        connection.execute("INSERT INTO row VALUES (zeroblob(4096))")

    return work
