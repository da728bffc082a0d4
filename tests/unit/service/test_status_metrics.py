"""The page for Prometheus: read by its own parser, added up over workers, and never going back."""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.status.metrics import Gauge, Meter


def samples(page: bytes) -> dict[tuple[str, tuple[str, ...]], float]:
    """Values by name and labels' values."""
    found = {}
    for family in text_string_to_metric_families(page.decode()):
        for sample in family.samples:
            found[sample.name, tuple(sample.labels.values())] = sample.value
    return found


def good(page: bytes) -> float:
    return samples(page)["medtrust_status_requests_total", ("ocsp", "200")]


def meter(folder: Path | None, requests: int) -> Meter:
    made = Meter(folder)
    made.requests["ocsp", 200] += requests
    return made


def test_counts_and_gauges_are_read_by_prometheus_own_parser() -> None:
    one = meter(None, 3)
    one.ocsp["presigned"] += 2
    days = Gauge("medtrust_days", 'Days; "quoted"\nand broken', {('is\\su\n"ing',): 1.5}, ("ca",))
    found = samples(one.page([days, Gauge("medtrust_ok", "One", {(): 1.0})]))
    assert found == {
        ("medtrust_status_requests_total", ("ocsp", "200")): 3,
        ("medtrust_ocsp_answers_total", ("presigned",)): 2,
        ("medtrust_days", ('is\\su\n"ing',)): 1.5,
        ("medtrust_ok", ()): 1,
    }


def test_workers_files_add_up_whoever_is_asked(tmp_path: Path) -> None:
    one, two = meter(tmp_path, 3), meter(tmp_path, 4)
    one.flush()
    two.flush()
    assert good(one.page(())) == 7
    assert good(two.page(())) == 7


def test_a_worker_that_comes_back_under_the_same_process_id_takes_nothing_away(tmp_path: Path) -> None:
    meter(tmp_path, 3).flush()
    assert good(meter(tmp_path, 1).page(())) == 4


def test_what_one_worker_has_told_the_next_one_tells_too(tmp_path: Path) -> None:
    one, two = meter(tmp_path, 100), meter(tmp_path, 1)
    told = good(one.page(()))
    assert good(two.page(())) == told + 1


def test_a_page_twice_counts_nothing_twice(tmp_path: Path) -> None:
    one = meter(tmp_path, 5)
    assert [good(one.page(())) for _ in range(3)] == [5, 5, 5]


@pytest.mark.parametrize(
    "broken", [b"", b"{", b"[[]]", b'[[["ocsp",200,"many"]],{}]', b"\xff\xfe", b'[[["\xff",200,1]],{}]']
)
def test_a_broken_file_is_skipped(tmp_path: Path, broken: bytes) -> None:
    (tmp_path / "1.json").write_bytes(broken)
    (tmp_path / "2.json").mkdir()
    meter(tmp_path, 3).flush()
    assert good(meter(tmp_path, 2).page(())) == 5


def test_a_folder_that_is_gone_ends_nothing(tmp_path: Path) -> None:
    one = meter(tmp_path / "gone", 2)
    one.flush()
    assert good(one.page(())) == 2
    (tmp_path / "gone").mkdir()
    one.flush()
    assert good(meter(tmp_path / "gone", 1).page(())) == 3


def test_pages_are_made_while_the_event_loop_counts(tmp_path: Path) -> None:
    one, ended, failed = Meter(tmp_path), threading.Event(), []

    def ask() -> None:
        before = 0.0
        while not ended.is_set():
            try:
                now = sum(v for (name, _), v in samples(one.page(())).items() if name.endswith("_total"))
            except Exception as bad:  # noqa: BLE001 - told by the test's own thread
                failed.append(repr(bad))
                return
            if now < before:
                failed.append(f"{before} -> {now}")
            before = now

    asking = threading.Thread(target=ask)
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        asking.start()
        for number in range(3_000):
            one.requests[f"kind{number}", 200] += 1
            time.sleep(1e-5)
            if number % 100 == 0:
                one.flush()
    finally:
        ended.set()
        asking.join()
        sys.setswitchinterval(usual)
    assert failed == []
