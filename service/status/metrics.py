"""Numbers for Prometheus: counted in memory, shared between workers by small files, told at /metrics.

A worker writes its counts once a second into run/status-metrics; whoever is asked writes its own and adds up
all files: nothing is told that another worker, or a kill, could take back. Counts of workers that are gone
stay until the next start, for a counter must not go back.
"""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

CONTENT_TYPE: Final = b"text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Gauge:
    """A value of this moment."""

    name: str
    help: str
    values: Mapping[Any, float]
    """By the tuple of the labels' values."""
    labels: tuple[str, ...] = ()


class Meter:
    """One worker's counts. Belongs to the event loop's thread, but for `page`."""

    def __init__(self, folder: Path | None = None) -> None:
        """`folder`: where workers share their counts; None: there is one worker only."""
        self._folder = folder
        # A process id comes back one day, and its former owner's counts must stay.
        self._file = f"{os.getpid()}-{time.monotonic_ns():x}.json"
        self._writing = threading.Lock()
        self.requests: Counter[tuple[str, int]] = Counter()
        """By (kind, HTTP status)."""
        self.ocsp: Counter[str] = Counter()
        """By how the question was answered."""
        self._flushed = 0

    def flush(self) -> None:
        """Tell the other workers, once a second."""
        with self._writing:
            counts = self._counts()
            total = sum(count for _, _, count in counts.requests) + sum(counts.ocsp.values())
            if self._folder is None or total == self._flushed:
                return
            # Not synced: after a power cut counts begin anew, and an answer must not wait for a disk.
            with suppress(OSError):  # a full disk must not end an answer
                temporary = self._folder / f".{self._file}.new"
                temporary.write_bytes(msgspec.json.encode(counts))
                temporary.replace(self._folder / self._file)
                self._flushed = total

    def page(self, gauges: Iterable[Gauge]) -> bytes:
        """The page for Prometheus: everybody's counts, and the gauges. From any thread."""
        self.flush()
        registry = CollectorRegistry()
        registry.register(_Page([*self._others(), self._counts()], tuple(gauges)))
        return generate_latest(registry)

    def _counts(self) -> _Counts:
        # Copied in one step each: the event loop's thread goes on counting.
        requests, ocsp = dict(self.requests), dict(self.ocsp)
        return _Counts([(kind, status, count) for (kind, status), count in requests.items()], ocsp)

    def _others(self) -> Iterator[_Counts]:
        for path in sorted(self._folder.glob("*.json")) if self._folder else ():
            if path.name != self._file:
                with suppress(OSError, ValueError):  # msgspec's errors are ValueErrors, and so is bad UTF-8
                    yield msgspec.json.decode(path.read_bytes(), type=_Counts)


class _Counts(msgspec.Struct, array_like=True):
    requests: list[tuple[str, int, int]]
    ocsp: dict[str, int]


class _Page:
    """What prometheus_client asks for metrics."""

    def __init__(self, counts: Iterable[_Counts], gauges: Iterable[Gauge]) -> None:
        self._counts, self._gauges = tuple(counts), tuple(gauges)

    def collect(self) -> Iterator[Metric]:
        """All families."""
        requests: Counter[tuple[str, int]] = Counter()
        ocsp: Counter[str] = Counter()
        for each in self._counts:
            ocsp.update(each.ocsp)
            for kind, status, count in each.requests:
                requests[kind, status] += count
        family = CounterMetricFamily(
            "medtrust_status_requests",
            "HTTP requests by what was asked and HTTP status",
            labels=["kind", "status"],
        )
        for (kind, status), count in sorted(requests.items()):
            family.add_metric([kind, str(status)], count)
        yield family
        family = CounterMetricFamily(
            "medtrust_ocsp_answers", "OCSP questions by how they were answered", labels=["how"]
        )
        for how, count in sorted(ocsp.items()):
            family.add_metric([how], count)
        yield family
        yield from map(_gauge_family, self._gauges)


def _gauge_family(gauge: Gauge) -> Any:  # noqa: ANN401 - prometheus_client is not typed here
    family = GaugeMetricFamily(gauge.name, gauge.help, labels=list(gauge.labels))
    for labels, value in gauge.values.items():
        family.add_metric(list(labels), value)
    return family
