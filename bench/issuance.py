"""Hybrid issuance, whole and durable, against the bare signatures over the same bytes.

Whole: the request parsed, each key's proof checked, profile, lint, intention and log and commit, both
signatures, fact and log and commit, on SQLite with synchronous=FULL.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable
from pathlib import Path

from bench.figures import Figure, Goal, Report
from bench.house import ACTOR, House, house
from bench.timing import Turns, by_turns, cpu_microseconds, on_threads
from pki.algorithms import KeyAlgorithm
from pki.csr import Request, build, verify_possession
from pki.issuer import IssuanceToken
from pki.keys import HybridPrivateKey
from pki.profiles import DEVICE
from pki.tbs import Certificate
from registry.enrollment import LIFETIME, facts_of
from registry.issuance import IssuanceOrder, issue_batch

_REQUESTS = 300
"""More than the keys that pki.algorithms keeps loaded: each one is new to it, as a device's is."""
_UNITS = 50
_DURABLE = "singly, beside the disk"
_SHARE = Goal(least=0.6, on_ratio=True)


class Bench:
    """Requests without end, the path that serves them, and the limit."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._device = house.device("ISSUANCE")
        self.facts = facts_of(self._device, house.authority.parts)
        self._requests = [self._request() for _ in range(_REQUESTS)]
        self._next = itertools.cycle(self._requests)
        sample = Certificate.parse(self.issue(1)())
        self._bare = _bare_store(house.folder / "bare.db")
        self._pre_tbs, self._tbs = sample.pre_tbs, sample.signed.tbs

    def _request(self) -> bytes:
        key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
        return build(key, common_name=self._device.device_id)

    def request(self) -> Request:
        """The next one, parsed."""
        return Request.parse(next(self._next))

    def _order(self) -> IssuanceOrder:
        return IssuanceOrder(DEVICE, self.facts, self.request(), LIFETIME, device_id=self._device.device_id)

    def issue(self, batch: int) -> Callable[[], bytes]:
        """One batch through the whole path; the last certificate."""
        ports, issuer = self._house.ports, self._house.authority.issuer

        def one_batch() -> bytes:
            orders = [self._order() for _ in range(batch)]
            return issue_batch(orders, ACTOR, ports=ports, issuer=issuer)[-1].record.der or b""

        return one_batch

    def whole(self, batch: int, units: int = _UNITS) -> Callable[[], int]:
        """`units` certificates in batches."""
        one = self.issue(batch)

        def work() -> int:
            for _ in range(units // batch):
                one()
            return units

        return work

    def sign(self) -> None:
        """The two signatures and nothing else."""
        key = self._house.authority.issuing.key
        assert key.alternative is not None
        key.alternative.sign(self._pre_tbs)
        key.classical.sign(self._tbs)

    def signatures(self) -> int:
        """The limit: as many pairs of signatures."""
        for _ in range(_UNITS):
            self.sign()
        return _UNITS

    def signatures_and_commits(self) -> int:
        """The limit of what is durable: each pair of signatures between two commits of one row."""
        for _ in range(_UNITS):
            self._bare.execute("INSERT INTO row VALUES (zeroblob(4096))")
            self.sign()
            self._bare.execute("INSERT INTO row VALUES (zeroblob(4096))")
        return _UNITS

    def parts(self) -> str:
        """Where the CPU time of one certificate goes, us; the disk's is not in it."""
        issuer, ports = self._house.authority.issuer, self._house.ports
        requests = [self.request() for _ in range(_UNITS)]
        checked, publics = itertools.cycle(requests), itertools.cycle([r.public for r in requests])
        now = ports.clock()

        def prepare() -> IssuanceToken:
            return issuer.prepare(DEVICE, self.facts, next(publics), now=now, entropy=ports.entropy)

        tokens = iter([prepare() for _ in range(_UNITS)])
        spent = {
            "CSR": cpu_microseconds(self.request, _UNITS),
            "proofs": cpu_microseconds(lambda: verify_possession(next(checked)), _UNITS),
            "encode and lint": cpu_microseconds(prepare, _UNITS),
            "sign and check": cpu_microseconds(lambda: issuer.issue(next(tokens)), _UNITS),
        }
        whole = cpu_microseconds(self.issue(1), _UNITS)
        spent["records, log and SQL"] = whole - sum(spent.values())
        bare = cpu_microseconds(self.sign, _UNITS)
        told = ", ".join(f"{name} {took:.0f}" for name, took in spent.items())
        return (
            f"CPU time of one certificate, us: {whole:.0f} ({told}); of the two signatures alone: {bare:.0f}"
        )


def _bare_store(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE row (body BLOB)")
    return connection


def measure() -> Report:
    """Singly, in batches, on two threads."""
    with house() as home:
        bench = Bench(home)
        limit = bench.signatures
        cases = {
            "singly": by_turns(bench.whole(1), limit, turns=5),
            _DURABLE: by_turns(bench.whole(1), bench.signatures_and_commits, turns=5),
            "in batches of 10": by_turns(bench.whole(10), limit, turns=5),
            "in batches of 50": by_turns(bench.whole(50), limit, turns=5),
            "singly, 2 threads": by_turns(on_threads(bench.whole(1), 2), on_threads(limit, 2), turns=5),
            "in batches of 10, 2 threads": by_turns(
                on_threads(bench.whole(10), 2), on_threads(limit, 2), turns=5
            ),
        }
        return Report([_figure(name, turns) for name, turns in cases.items()], _notes(cases, bench))


def _figure(name: str, turns: Turns) -> Figure:
    threads = "threads" in name
    limit = "P-256 + ML-DSA-65 signatures" + (", 2 threads" if threads else "")
    if name == _DURABLE:
        limit += " and 2 bare commits"
    return Figure(
        f"hybrid certificates {name}",
        turns.rate,
        "/s",
        limit,
        turns.limit_rate,
        paired_ratio=turns.ratio,
        goal=None if threads or name == _DURABLE else _SHARE,
    )


def _notes(cases: dict[str, Turns], bench: Bench) -> list[str]:
    shares = ", ".join(f"{name} {turns.cpu_ratio:.2f}" for name, turns in cases.items())
    return [f"the same ratio by CPU time: {shares}", bench.parts()]
