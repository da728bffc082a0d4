"""Masks: enough to recognise a device at hand, too little to look a patient up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.identity.masking import masked


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
