"""The page for Prometheus: it parses, and workers' counts add up."""

from __future__ import annotations

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from service.status.metrics import Gauge, Meter

Values = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def values(page: bytes) -> Values:
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
    }


def meter(folder: Path | None, good: int) -> Meter:
    made = Meter(folder)
    made.requests["ocsp", 200] += good
    made.ocsp["presigned"] += good
    return made


OCSP = ("medtrust_status_requests_total", (("kind", "ocsp"), ("status", "200")))
AHEAD = ("medtrust_ocsp_answers_total", (("how", "presigned"),))


def test_counts_and_gauges_parse() -> None:
    gauges = [
        Gauge("medtrust_ocsp_presigned", "Answers", {(): 7.0}),
        Gauge("medtrust_crl_number", "Number", {("issuing", 'wh"ole\n'): 3.0}, ("ca", "list")),
    ]
    found = values(meter(None, 5).page(gauges))
    assert found[OCSP] == found[AHEAD] == 5
    assert found["medtrust_ocsp_presigned", ()] == 7
    assert found["medtrust_crl_number", (("ca", "issuing"), ("list", 'wh"ole\n'))] == 3


def test_other_workers_counts_are_added_also_of_those_that_are_gone(tmp_path: Path) -> None:
    other = meter(tmp_path, 40)
    other.flush()
    (written,) = tmp_path.glob("*.json")
    written.rename(tmp_path / "1.json")  # another process's, that has ended since
    mine = meter(tmp_path, 2)
    mine.flush()
    assert values(mine.page([]))[OCSP] == 42
    assert values(mine.page([]))[AHEAD] == 42


def test_a_broken_file_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_bytes(b"{")
    (tmp_path / "2.json").write_bytes(b'[[["ocsp",200,"many"]],{}]')
    assert values(meter(tmp_path, 2).page([]))[OCSP] == 2


def test_a_disk_that_does_not_take_them_costs_no_answer(tmp_path: Path) -> None:
    gone = meter(tmp_path / "gone", 3)
    gone.flush()
    assert values(gone.page([]))[OCSP] == 3
