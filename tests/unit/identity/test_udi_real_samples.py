"""Every published carrier of the sample file: three answers apart, and the components as documented."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from registry.identity.udi import parse_udi
from registry.model.udi import Udi

TODAY = date(2026, 11, 22)
SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "udi" / "udi_samples.json"


def _samples() -> list[Any]:
    if not SAMPLES.is_file():
        reason = "the real UDI samples (../shared/data/udi) are not on this machine"
        return [pytest.param({}, marks=pytest.mark.skip(reason=reason), id="absent")]
    document = json.loads(SAMPLES.read_text(encoding="utf-8"))
    return [pytest.param(sample, id=sample["id"]) for sample in document["samples"]]


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _component(udi: Udi, name: str) -> str | None:
    fields: dict[str, object] = {
        "di": udi.udi_di,
        "serial": udi.serial_number,
        "lot": udi.lot_number,
        "manufacturing_date": udi.manufactured_date,
        "expiration_date": udi.expiration_date,
        "expiration_hour": udi.expiration_hour,
        "software_version": udi.software_version,
        "donation_id": udi.donation_id,
        "additional_id": dict(udi.other).get("240"),
    }
    return _text(fields[name]) if name in fields else dict(udi.other).get(name)


@pytest.mark.parametrize("sample", _samples())
def test_a_published_carrier_parses_as_documented(sample: dict[str, Any]) -> None:
    udi = parse_udi(sample["raw"], today=TODAY)

    assert udi.carrier == sample["raw"]
    assert udi.well_formed is sample["well_formed"]
    assert udi.check_ok is sample["check_ok"]
    assert udi.agency is not None
    assert udi.agency.value == sample["agency"].lower()
    assert udi.may_be_verified is (sample["well_formed"] and sample["check_ok"] is not False)
    expected = {name: _text(value) for name, value in (sample["expected"] or {}).items()}
    assert {name: _component(udi, name) for name in expected} == expected


@pytest.mark.parametrize("sample", _samples())
def test_a_refused_carrier_gives_no_component_and_says_why(sample: dict[str, Any]) -> None:
    udi = parse_udi(sample["raw"], today=TODAY)

    refusals = [finding for finding in udi.findings if finding.refuses]
    assert bool(refusals) is not sample["well_formed"]
    if not sample["well_formed"]:
        assert (udi.udi_di, udi.serial_number, udi.lot_number) == (None, None, None)
        assert all(finding.message for finding in refusals)
