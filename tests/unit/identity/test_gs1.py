"""GS1 carriers: separators, dates, checks, association rules, and every spelling of one label."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.identity.gs1_checks import check_digit, check_pair, checks_hold, digit_holds, pair_holds
from registry.identity.udi import parse_udi
from registry.model.udi import PartialDate, Udi

TODAY = date(2026, 11, 22)
DI = "09506000117843"
SET_82 = "!\"%&'*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"


def parsed(text: str) -> Udi:
    return parse_udi(text, today=TODAY)


def rules(udi: Udi) -> set[str]:
    return {finding.rule for finding in udi.findings}


@pytest.mark.parametrize(
    "text",
    [
        f"01{DI}1720123110AB\x1d21SN-1",
        f"]d201{DI}1720123110AB\x1d21SN-1",
        f"]C101{DI}1720123110AB\x1d21SN-1",
        f"]Q301{DI}1720123110AB\x1d21SN-1",
        f"\x1d01{DI}\x1d17201231\x1d10AB\x1d\x1d21SN-1\x1d",
        f"(01){DI}(17)201231(10)AB(21)SN-1",
        f"(01) {DI} (17) 201231 (10) AB (21) SN-1 ",
        f"{{01}}{DI}{{17}}201231{{10}}AB{{21}}SN-1",
        f"https://id.gs1.org/01/{DI}/10/AB/21/SN-1?17=201231",
        f"]Q3https://hospital.example/x/01/{DI}/10/AB/21/SN-1?17=201231&linkType=all",
    ],
)
def test_every_spelling_of_one_label_says_the_same(text: str) -> None:
    udi = parsed(text)

    assert udi.well_formed
    assert udi.check_ok
    assert udi.carrier == text
    assert (udi.udi_di, udi.lot_number, udi.serial_number) == (DI, "AB", "SN-1")
    assert udi.expiration_date == PartialDate(2020, 12, 31)
    assert udi.findings == ()


def test_a_missing_separator_after_a_variable_field_is_refused_with_its_place() -> None:
    udi = parsed(f"01{DI}10ABCDEFGHIJ1234567890" + "17201231")

    assert not udi.well_formed
    assert udi.check_ok  # the DI before it was read and holds
    assert udi.lot_number is None
    assert rules(udi) == {"udi.gs1_missing_separator"}
    assert "Position 38: (10)" in udi.findings[0].message


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        (f"01{DI}9", "udi.gs1_unknown_identifier"),
        (f"01{DI[:-1]}", "udi.gs1_bad_value"),
        (f"01{DI}17201331", "udi.gs1_bad_value"),
        (f"01{DI}17200031", "udi.no_such_date"),
        (f"01{DI}17250230", "udi.no_such_date"),
        (f"(01){DI}(17)250230", "udi.no_such_date"),
        (f"(01){DI}(10)A\x1dB", "udi.gs1_bad_value"),
        (f"(01){DI}(9999)A", "udi.gs1_unknown_identifier"),
        (f"(1){DI}", "udi.gs1_unknown_identifier"),
        (f"(01){DI}(10)", "udi.gs1_bad_value"),
        (f"01{DI}10A\x1d10B", "udi.gs1_repeated"),
        (f"https://id.gs1.org/01/{DI}?17=201231&17=211231", "udi.gs1_repeated"),
        ("https://id.gs1.org/", "udi.gs1_digital_link"),
        ("http://[", "udi.gs1_digital_link"),
        (f"https://id.gs1.org/01/{DI}/10/A%00B", "udi.gs1_digital_link"),
        ("]E095060001178", "udi.gs1_bad_value"),
        ("]C1", "udi.empty"),
    ],
)
def test_what_the_grammar_forbids_is_refused_by_name(text: str, rule: str) -> None:
    udi = parsed(text)

    assert not udi.well_formed
    assert udi.udi_di is None
    assert rule in rules(udi)


def test_a_lot_may_hold_brackets_that_are_no_identifier() -> None:
    assert parsed(f"(01){DI}(10)A(B)C").lot_number == "A(B)C"


def test_a_wrong_check_digit_keeps_the_components_and_is_never_verified() -> None:
    udi = parsed("(01)09506000117844(21)7")

    assert udi.well_formed
    assert udi.check_ok is False
    assert not udi.may_be_verified
    assert (udi.udi_di, udi.serial_number) == ("09506000117844", "7")
    assert rules(udi) == {"udi.check_fails"}


def test_day_zero_is_the_last_day_of_its_month() -> None:
    udi = parsed(f"(01){DI}(17)280200")

    assert udi.expiration_date == PartialDate(2028, 2, 29)
    assert rules(udi) == {"udi.day_zero"}


@pytest.mark.parametrize(
    ("printed", "year"), [("750101", 2075), ("760101", 2076), ("770101", 1977), ("990101", 1999)]
)
def test_two_digit_years_slide_around_today(printed: str, year: int) -> None:
    assert parsed(f"(01){DI}(17){printed}").expiration_date == PartialDate(year, 1, 1)


def test_the_window_moves_with_today() -> None:
    udi = parse_udi(f"(01){DI}(17)100101", today=date(2070, 1, 1))

    assert udi.expiration_date == PartialDate(2110, 1, 1)


@pytest.mark.parametrize(("printed", "warned"), [("261122", False), ("261123", True), ("750101", True)])
def test_a_manufacturing_date_in_the_future_is_a_warning(printed: str, warned: bool) -> None:
    udi = parsed(f"(01){DI}(11){printed}")

    assert udi.well_formed
    assert ("udi.manufactured_in_future" in rules(udi)) is warned


def test_production_identifiers_without_a_di_are_told_not_refused() -> None:
    udi = parsed("1720123110AB")

    assert udi.well_formed
    assert udi.udi_di is None
    assert udi.check_ok is None
    assert rules(udi) == {"udi.gs1_association"}


@pytest.mark.parametrize(
    ("digits", "di"),
    [("9506000117843", DI), (DI, DI), ("]E09506000117843", DI), ("614141999996", "00614141999996")],
)
def test_a_bare_gtin_is_padded_to_fourteen_digits(digits: str, di: str) -> None:
    udi = parsed(digits)

    assert udi.check_ok
    assert udi.udi_di == di


def test_eight_digits_that_fail_as_gtin_are_read_as_an_expiration_date() -> None:
    udi = parsed("17201231")

    assert udi.udi_di is None
    assert udi.expiration_date == PartialDate(2020, 12, 31)


def test_a_gtin_with_a_wrong_digit_is_not_split_into_a_lot() -> None:
    udi = parsed("10884521062857")

    assert (udi.udi_di, udi.lot_number, udi.check_ok) == ("10884521062857", None, False)


def test_dates_with_a_time_give_their_day() -> None:
    udi = parsed(f"(01){DI}(7003)2806301430(8008)25013114")

    assert (udi.expiration_date, udi.manufactured_date) == (
        PartialDate(2028, 6, 30),
        PartialDate(2025, 1, 31),
    )
    assert not parsed(f"(01){DI}(7003)2806311430").well_formed


def test_a_broken_scan_never_passes_for_a_basic_udi_di() -> None:
    udi = parsed(f"01{DI}ABCDE")

    assert not udi.well_formed
    assert udi.basic_udi_di is None


def test_a_basic_udi_di_is_told_apart() -> None:
    udi = parsed("1987654Ad4X4bL5ttr2310c2K")

    assert udi.basic_udi_di == "1987654Ad4X4bL5ttr2310c2K"
    assert rules(udi) == {"udi.basic_udi_di"}


def test_the_published_check_vectors_hold() -> None:
    assert check_pair("1987654Ad4X4bL5ttr2310c") == "2K"
    assert check_digit("629104150021") == "3"
    assert not pair_holds("2K")
    assert not pair_holds("ab~2K")
    assert checks_hold([("10", "A")]) is None
    assert checks_hold([("01", DI), ("8014", "1987654Ad4X4bL5ttr2310c2X")]) is False


@given(st.text("0123456789", min_size=13, max_size=13), st.integers(0, 12), st.integers(1, 9))
def test_one_changed_digit_breaks_the_check(payload: str, place: int, step: int) -> None:
    gtin = payload + check_digit(payload)
    changed = gtin[:place] + str((int(gtin[place]) + step) % 10) + gtin[place + 1 :]

    assert digit_holds(gtin)
    assert not digit_holds(changed)


@given(
    st.text("0123456789", min_size=13, max_size=13),
    st.text(SET_82, min_size=1, max_size=20),
    st.text(SET_82, min_size=1, max_size=20),
    st.text(SET_82, min_size=1, max_size=20),
    st.dates(date(1990, 1, 1), date(2070, 12, 31)),
)
def test_a_built_message_reads_back(payload: str, lot: str, serial: str, version: str, day: date) -> None:
    di = payload + check_digit(payload)
    scan = f"01{di}17{day:%y%m%d}10{lot}\x1d8012{version}\x1d21{serial}"
    hri = f"(01){di}(17){day:%y%m%d}(10){lot}(8012){version}(21){serial}"

    for udi in (parsed(scan), parsed(hri), parsed("]d2" + scan)):
        assert udi.well_formed
        assert udi.check_ok
        assert (udi.udi_di, udi.lot_number, udi.serial_number) == (di, lot, serial)
        assert udi.software_version == version
        assert udi.expiration_date is not None
        assert udi.expiration_date.as_date() == day
