"""Masks: enough to recognise a device at hand, too little to look a patient up."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.identity.masking import masked, masked_udi
from registry.identity.udi import parse_udi

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("SN1234567", "SN*****67"), ("12345678", "12****78"), ("1234567", "*******"), ("", "")],
)
def test_edges_stay_and_short_ones_do_not(text: str, shown: str) -> None:
    assert masked(text) == shown


@given(st.text("ABC123", max_size=40))
def test_length_stays_and_at_most_four_characters_are_shown(text: str) -> None:
    assert len(masked(text)) == len(text)
    assert sum(character != "*" for character in masked(text)) <= 4


def test_a_masked_udi_shows_the_di_and_no_production_identifier() -> None:
    udi = parse_udi("(01)09506000117843(10)LOT445566(21)SN1234567(240)SECRET99", today=TODAY)
    shown = masked_udi(udi)

    assert shown.carrier == shown.udi_di == "09506000117843"
    assert (shown.serial_number, shown.lot_number) == ("SN*****67", "LO*****66")
    assert shown.other == (("240", "SE****99"),)
    assert "1234567" not in repr(shown)


def test_donor_numbers_are_masked_and_product_facts_are_not() -> None:
    donor = masked_udi(parse_udi("=/A9999XYZ100T0944=A99971312345600", today=TODAY))
    hibcc = masked_udi(parse_udi("+A123BJC5D6E71G", today=TODAY))

    assert donor.donation_id == "A9***********00"
    assert hibcc.other == (("lic", "A123"), ("pcn", "BJC5D6E7"), ("unit_of_measure", "1"))
    assert hibcc.serial_number is None


def test_an_ill_formed_carrier_is_not_shown_at_all() -> None:
    assert masked_udi(parse_udi("(01)123(21)SN1234567", today=TODAY)).carrier == ""
