"""ICCBBA carriers: the documented UDI subset of ISBT 128."""

from __future__ import annotations

from datetime import date

import pytest

from registry.identity.udi import parse_udi
from registry.model.udi import IssuingAgency

TODAY = date(2026, 11, 22)
FULL = "=/A9999XYZ100T0944=,000025=A99971312345600=>014032=}013032&,1000000000000XYZ123"


@pytest.mark.parametrize(
    "text", [FULL, FULL.replace("&", "\\T\\"), "=+06001" + FULL, "]C0" + FULL, FULL + "  "]
)
def test_the_documented_structures_are_read(text: str) -> None:
    udi = parse_udi(text, today=TODAY)

    assert udi.agency is IssuingAgency.ICCBBA
    assert udi.well_formed
    assert udi.check_ok is None
    assert (udi.udi_di, udi.serial_number) == ("A9999XYZ100T0944", "000025")
    assert (udi.donation_id, udi.lot_number) == ("A99971312345600", "000000000000XYZ123")
    assert (str(udi.expiration_date), str(udi.manufactured_date)) == ("2014-02-01", "2013-02-01")


def test_hl7s_escape_is_told() -> None:
    udi = parse_udi(FULL.replace("&", "\\T\\"), today=TODAY)

    assert [finding.rule for finding in udi.findings] == ["udi.hl7_escape"]


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("=/A9999XYZ100T094", "udi.iccbba_structure"),
        ("=/A9999XYZ100T0944=?", "udi.iccbba_structure"),
        ("=/A9999XYZ100T0944=>014367", "udi.no_such_date"),
        ("=/A9999XYZ100T0944=>014000", "udi.no_such_date"),
        ("=/A9999XYZ100T0944=,000025=,000026", "udi.iccbba_repeated"),
    ],
)
def test_what_the_grammar_forbids_is_refused_by_name(text: str, rule: str) -> None:
    udi = parse_udi(text, today=TODAY)

    assert not udi.well_formed
    assert [finding.rule for finding in udi.findings] == [rule]


def test_a_year_of_the_last_century() -> None:
    assert str(parse_udi("=/A9999XYZ100T0944=}999365", today=TODAY).manufactured_date) == "1999-12-31"


def test_a_carrier_without_a_di_is_told_and_a_future_manufacture_too() -> None:
    udi = parse_udi("=,000025=}027001", today=TODAY)

    assert udi.udi_di is None
    assert [finding.rule for finding in udi.findings] == ["udi.di_missing", "udi.manufactured_in_future"]
