"""MAC addresses in their usual spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.identity.mac import mac_findings, parse_mac
from registry.model.errors import BadInput
from registry.model.finding import Severity


@pytest.mark.parametrize(
    "text",
    ["00:1B:44:11:3A:B7", "00-1b-44-11-3a-b7", "001b.4411.3ab7", "001B44113AB7", " 00:1b:44:11:3a:b7\n"],
)
def test_the_usual_spellings_become_one(text: str) -> None:
    assert parse_mac(text) == "00:1b:44:11:3a:b7"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00:1b:44:11:3a",
        "00:1b-44:11:3a:b7",
        "0:1b:44:11:3a:b7",
        "00:1b:44:11:3a:bg",
        "\u0660\u0660:1b:44:11:3a:b7",
        "x" * 999,
    ],
)
def test_anything_else_is_bad_input_naming_the_field(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_mac(text)

    assert caught.value.field == "mac"
    assert caught.value.next_step
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("mac", "rule", "severity"),
    [
        ("02:00:00:00:00:01", "mac.locally_administered", Severity.WARNING),
        ("01:00:5e:00:00:01", "mac.multicast", Severity.ERROR),
        ("ff:ff:ff:ff:ff:ff", "mac.multicast", Severity.ERROR),
        ("00:00:00:00:00:00", "mac.all_zero", Severity.ERROR),
    ],
)
def test_weak_addresses_are_found(mac: str, rule: str, severity: Severity) -> None:
    assert [(finding.rule, finding.severity) for finding in mac_findings(mac)] == [(rule, severity)]


def test_a_makers_address_has_no_finding() -> None:
    assert mac_findings("00:1b:44:11:3a:b7") == ()


@given(st.text(max_size=30))
def test_any_text_is_an_address_or_bad_input(text: str) -> None:
    answer = _address_or_field(text)

    assert answer == "mac" or parse_mac(answer) == answer


def _address_or_field(text: str) -> str:
    try:
        return parse_mac(text)
    except BadInput as refusal:
        return refusal.field


@given(st.binary(min_size=6, max_size=6))
def test_octets_read_back(octets: bytes) -> None:
    assert parse_mac(octets.hex()) == octets.hex(":")
