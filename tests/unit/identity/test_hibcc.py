"""HIBCC carriers: the mod 43 check that may be a space, every date flag, and the older pair of symbols."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.identity.hibcc import check_character
from registry.identity.udi import parse_udi
from registry.model.udi import IssuingAgency, Udi

TODAY = date(2026, 11, 22)
LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def parsed(text: str) -> Udi:
    return parse_udi(text, today=TODAY)


def checked(body: str) -> Udi:
    return parsed(body + check_character(body))


def rules(udi: Udi) -> set[str]:
    return {finding.rule for finding in udi.findings}


@pytest.mark.parametrize(
    ("secondary", "expires", "hour", "lot"),
    [
        ("$LOT1", None, None, "LOT1"),
        ("$$0928LOT1", "2028-09", None, "LOT1"),
        ("$$2092228LOT1", "2028-09-22", None, "LOT1"),
        ("$$3280922LOT1", "2028-09-22", None, "LOT1"),
        ("$$428092213LOT1", "2028-09-22", 13, "LOT1"),
        ("$$528060LOT1", "2028-02-29", None, "LOT1"),
        ("$$62806007LOT1", "2028-02-29", 7, "LOT1"),
        ("$$7LOT1", None, None, "LOT1"),
        ("$$8240928LOT1", "2028-09", None, "LOT1"),
        ("$$9002003280922LOT1", "2028-09-22", None, "LOT1"),
        ("28060LOT1", "2028-02-29", None, "LOT1"),
        ("$$0928", "2028-09", None, None),
    ],
)
def test_every_date_flag_is_read_with_its_precision(
    secondary: str, expires: str | None, hour: int | None, lot: str | None
) -> None:
    udi = checked(f"+A123BJC5D6E71/{secondary}")

    assert udi.well_formed
    assert udi.check_ok
    assert udi.udi_di == "A123BJC5D6E71"
    assert (None if udi.expiration_date is None else str(udi.expiration_date)) == expires
    assert (udi.expiration_hour, udi.lot_number) == (hour, lot)


def test_a_quantity_is_a_number_without_its_zeros() -> None:
    assert dict(checked("+A123BJC5D6E71/$$9002003280922LOT1").other)["quantity"] == "200"


def test_a_month_alone_is_no_calendar_day() -> None:
    expires = checked("+A123BJC5D6E71/$$0928").expiration_date

    assert expires is not None
    assert expires.as_date() is None


@pytest.mark.parametrize(
    ("secondary", "expires"),
    [("$+SN77", None), ("$$+0928SN77", "2028-09"), ("$$+3280922SN77", "2028-09-22"), ("$$+7SN77", None)],
)
def test_serial_forms(secondary: str, expires: str | None) -> None:
    udi = checked(f"+A123BJC5D6E71/{secondary}")

    assert udi.serial_number == "SN77"
    assert udi.lot_number is None
    assert (None if udi.expiration_date is None else str(udi.expiration_date)) == expires


def test_supplements_and_an_unknown_identifier_are_kept() -> None:
    udi = checked("+A123BJC5D6E71/$$7LOT1/SSN77/16D20250131/14D20300228/Q12/25PXYZ")

    assert (udi.lot_number, udi.serial_number) == ("LOT1", "SN77")
    assert (str(udi.manufactured_date), str(udi.expiration_date)) == ("2025-01-31", "2030-02-28")
    assert dict(udi.other)["quantity"] == "12"
    assert dict(udi.other)["25P"] == "XYZ"
    assert rules(udi) == {"udi.hibcc_unknown_identifier"}


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ("+1123BJC5D6E71", "udi.hibcc_date"),
        ("+A12", "udi.hibcc_primary"),
        ("+A123BJC5D6E71234567890123", "udi.hibcc_primary"),
        ("+A123BJC5D6E71/$$1328LOT1", "udi.no_such_date"),
        ("+A123BJC5D6E71/$$3280230", "udi.no_such_date"),
        ("+A123BJC5D6E71/$$527366", "udi.no_such_date"),
        ("+A123BJC5D6E71/$$428092224", "udi.no_such_date"),
        ("+A123BJC5D6E71/$$32809", "udi.hibcc_date"),
        ("+A123BJC5D6E71/$$A", "udi.hibcc_date_flag"),
        ("+A123BJC5D6E71/$1234567890123456789", "udi.hibcc_length"),
        ("+A123BJC5D6E71/$+", "udi.hibcc_length"),
        ("+A123BJC5D6E71/$LOT1/16D2025", "udi.hibcc_supplement"),
        ("+A123BJC5D6E71/$LOT1/", "udi.hibcc_supplement"),
        ("+A123BJC5D6E71/$+SN1/SSN2", "udi.hibcc_repeated"),
    ],
)
def test_what_the_grammar_forbids_is_refused_by_name(body: str, rule: str) -> None:
    udi = checked(body)

    assert not udi.well_formed
    assert udi.check_ok
    assert rules(udi) == {rule}


def test_small_letters_are_refused_with_their_place() -> None:
    udi = parsed("+A123bJC5D6E71G")

    assert not udi.well_formed
    assert udi.findings[0].message.startswith("Position 5:")


def test_a_space_is_a_check_character_like_any_other() -> None:
    body = next(f"+A123PCN{n}1" for n in range(100) if check_character(f"+A123PCN{n}1") == " ")
    kept, stripped = parsed(body + " "), parsed(body)

    assert kept.check_ok
    assert kept.findings == ()
    assert stripped.check_ok is False
    assert "udi.hibcc_check_stripped" in rules(stripped)


def test_the_stars_of_code_39_are_no_part_of_the_carrier() -> None:
    assert parsed("*+A123BJC5D6E71G*").check_ok


def test_a_secondary_symbol_of_another_device_fails_the_check() -> None:
    first = "+A123BJC5D6E71G"
    second = "+$$7LOT1" + "H"
    udi = parsed(first + second + check_character(second))

    assert udi.well_formed
    assert udi.check_ok is False
    assert udi.lot_number == "LOT1"
    assert rules(udi) == {"udi.hibcc_link"}


def test_a_secondary_symbol_alone_names_no_device() -> None:
    udi = checked("+$$7LOT1G")

    assert udi.agency is IssuingAgency.HIBCC
    assert udi.check_ok
    assert (udi.udi_di, udi.lot_number) == (None, "LOT1")
    assert rules(udi) == {"udi.di_missing"}


@given(
    st.text(LETTERS, min_size=1, max_size=18),
    st.integers(0, 9),
    st.text(LETTERS + "-. ", min_size=1, max_size=18),
    st.text(LETTERS + "-. ", min_size=1, max_size=18),
)
def test_a_built_carrier_reads_back(pcn: str, unit: int, lot: str, serial: str) -> None:
    udi = checked(f"+M999{pcn}{unit}/$$3280922{lot}/S{serial}")

    assert udi.well_formed
    assert udi.check_ok
    assert udi.udi_di == f"M999{pcn}{unit}"
    assert (udi.lot_number, udi.serial_number) == (lot, serial)
