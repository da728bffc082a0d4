"""No carrier crashes the parser; what it refuses is named; what it says does not leak a serial number."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from registry.identity.udi import LONGEST_CARRIER, parse_udi
from registry.model.udi import Udi

TODAY = date(2026, 11, 22)
SAMPLES = Path(__file__).parents[4] / "shared" / "data" / "udi" / "udi_samples.json"
KNOWN = (
    "]d20151022222233336111412311715070710A213B1\x1d211234",
    "(01)51022222233336(11)141231(17)150707(10)A213B1(21)1234",
    "https://id.gs1.org/01/09506000117843/10/1234AB/21/5678CD?17=201231",
    "+A99912345/$$52001510X3/16D20111212/S77DE1G45-",
    "+A123BJC5D6E71G+$$52001510X3GD",
    "=/A9999XYZ100T0944=,000025=A99971312345600=>014032=}013032&,1000000000000XYZ123",
    "1987654Ad4X4bL5ttr2310c2K",
)
ALPHABET = "0123456789ABCXYZabc+$%/=,>})({]&!-. \x1d\x00\n\\T:httpé٣"


def _corpus() -> tuple[str, ...]:
    if not SAMPLES.is_file():
        return KNOWN
    return (*KNOWN, *(s["raw"] for s in json.loads(SAMPLES.read_text(encoding="utf-8"))["samples"]))


def _assert_consistent(udi: Udi) -> None:
    refusing = [finding for finding in udi.findings if finding.refuses]
    assert udi.well_formed is not bool(refusing)
    assert all(finding.rule.startswith("udi.") and finding.message for finding in udi.findings)
    if not udi.well_formed:
        assert (udi.udi_di, udi.serial_number, udi.lot_number, udi.other) == (None, None, None, ())


@given(st.text(max_size=300))
def test_any_text_gives_an_answer(text: str) -> None:
    _assert_consistent(parse_udi(text, today=TODAY))


@given(
    st.sampled_from(["", "+", "=", "(01)", "{01}", "]d2", "]C1", "01", "http://", "+A123", "&,1"]), st.data()
)
def test_text_that_begins_like_a_carrier_gives_an_answer(start: str, data: st.DataObject) -> None:
    _assert_consistent(parse_udi(start + data.draw(st.text(ALPHABET, max_size=296)), today=TODAY))


@settings(max_examples=300)
@given(st.sampled_from(_corpus()), st.data())
def test_a_mutated_real_carrier_gives_an_answer(carrier: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(carrier)))
    until = data.draw(st.integers(at, len(carrier)))
    inserted = data.draw(st.text(ALPHABET, max_size=6))

    _assert_consistent(parse_udi(carrier[:at] + inserted + carrier[until:], today=TODAY))


@given(st.dates())
def test_any_today_gives_an_answer(today: date) -> None:
    for carrier in KNOWN:
        _assert_consistent(parse_udi(carrier, today=today))


def test_too_long_is_refused_and_cut() -> None:
    udi = parse_udi("1" * (LONGEST_CARRIER + 1), today=TODAY)

    assert [finding.rule for finding in udi.findings] == ["udi.too_long"]
    assert len(udi.carrier) == LONGEST_CARRIER
    assert "513" in udi.findings[0].message


def test_a_control_character_is_named_with_its_place() -> None:
    udi = parse_udi("(01)09506000117843\n", today=TODAY)

    assert udi.findings[0].rule == "udi.character"
    assert udi.findings[0].message.startswith("Position 18: U+000A")


def test_an_empty_carrier_is_named() -> None:
    for text in ("", "  ", "\x1d"):
        assert [f.rule for f in parse_udi(text, today=TODAY).findings] == ["udi.empty"]


def test_an_unknown_beginning_is_named() -> None:
    udi = parse_udi("hello world", today=TODAY)

    assert udi.agency is None
    assert udi.findings[0].rule == "udi.unknown_agency"


def test_a_refusal_does_not_repeat_the_serial_number() -> None:
    udi = parse_udi("01095060001178432112345678901234567890SECRET99", today=TODAY)

    assert not udi.well_formed
    told = " ".join(finding.message + finding.subject for finding in udi.findings)
    assert "345678" not in told
    assert "SECRET" not in told
