"""Claims come in by one door, exactly as the schema says, or not at all."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.trust.claims import MAX_PAYLOAD, Claims, admit, claims_schema, evidence_id
from registry.trust.phi_guard import ClaimsRefused
from tests.unit.trust.telemetry_samples import encoded, message

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


def test_a_whole_message_is_kept_as_it_was_said() -> None:
    said = admit(encoded()).as_dict()
    assert {**said, "ts": ""} == {**message(), "ts": ""}


def test_the_least_message_says_nothing_else() -> None:
    least = {"v": 1, "ts": "2026-11-22T06:00:00Z", "boot": 0, "seq": 0}
    assert admit(json.dumps(least).encode()).as_dict() == least


@pytest.mark.parametrize(
    ("change", "reason", "field"),
    [
        ({"v": 2}, "wrong_type_or_range", "$.v"),
        ({"boot": -1}, "wrong_type_or_range", "$.boot"),
        ({"seq": 2**53}, "wrong_type_or_range", "$.seq"),
        ({"seq": "7"}, "wrong_type_or_range", "$.seq"),
        ({"ts": "2026-11-22T06:00:00"}, "wrong_type_or_range", "$.ts"),
        ({"ts": 1}, "wrong_type_or_range", "$.ts"),
        ({"cpu": 100.1}, "wrong_type_or_range", "$.cpu"),
        ({"dbg": 0}, "wrong_type_or_range", "$.dbg"),
        ({"listen_tcp": [70_000]}, "wrong_type_or_range", "$.listen_tcp[0]"),
        ({"listen_tcp": [1] * 257}, "wrong_type_or_range", "$.listen_tcp"),
        ({"sbom_sha256": "A" * 64}, "wrong_type_or_range", "$.sbom_sha256"),
        ({"clinical_mode": "busy"}, "wrong_type_or_range", "$.clinical_mode"),
        ({"err": {"tls": 1, "disk": 1}}, "unknown_field", "$.err"),
        ({"room": 4}, "unknown_field", "$"),
        ({"fw": {"name": "x", "ver": "1"}}, "missing_field", "$.fw"),
        ({"boot": None}, "missing_field", "$"),
    ],
)
def test_a_field_off_the_schema_is_refused_by_name(change: dict[str, Any], reason: str, field: str) -> None:
    with pytest.raises(ClaimsRefused) as caught:
        admit(encoded(**change))
    assert (caught.value.reason, caught.value.field) == (reason, field)
    assert caught.value.kind == "usage"


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b"[" * 9_000, "not_json"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, "too_deep"),
        (b" " * (MAX_PAYLOAD + 1), "too_large"),
        (encoded().replace(b'"boot": 3', b'"boot": 3, "boot": 4'), "duplicate_key"),
        (encoded().replace(b'"boot": 3', b'"boot": 3, "b\\u006fot": 4'), "duplicate_key"),
        (encoded().replace(b'"tls": 0', b'"tls": 0, "tls": 9'), "duplicate_key"),
        (encoded().replace(b'"dbg": false', b'"dbg": null'), "wrong_type_or_range"),
        (encoded().replace(b'"cpu": 3.5', b'"cpu": NaN'), "not_json"),
        (encoded().replace(b"pump-fw", b"pump-fw\\n"), "control_characters"),
    ],
)
def test_a_payload_off_form_is_refused(payload: bytes, reason: str) -> None:
    with pytest.raises(ClaimsRefused) as caught:
        admit(payload)
    assert caught.value.reason == reason


def test_an_unknown_key_is_not_repeated() -> None:
    with pytest.raises(ClaimsRefused) as caught:
        admit(encoded(ward_of_mister_smith=1))
    assert "smith" not in repr(caught.value)


def test_only_the_door_makes_claims() -> None:
    claims = admit(encoded())
    with pytest.raises(ClaimsRefused, match="not_admitted"):
        Claims(claims.telemetry, seal=object())
    with pytest.raises(ValueError, match="seal"):
        dataclasses.replace(claims, telemetry=claims.telemetry)  # type: ignore[call-arg]


def test_the_same_bytes_are_the_same_evidence() -> None:
    assert evidence_id(encoded()) == evidence_id(encoded())
    assert evidence_id(encoded(seq=8)) != evidence_id(encoded())


def test_the_schema_names_every_field_and_allows_no_other() -> None:
    telemetry = claims_schema()["$defs"]["Telemetry"]
    assert set(telemetry["properties"]) == set(message())
    assert telemetry["additionalProperties"] is False
    assert set(telemetry["required"]) == {"v", "ts", "boot", "seq"}


@given(payload=st.binary(max_size=300) | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_refused_by_our_error_only(payload: bytes) -> None:
    with pytest.raises(ClaimsRefused) as caught:
        admit(payload)
    assert caught.value.reason


@given(name=st.sampled_from(sorted(message())), value=JSON_VALUES)
@settings(max_examples=300, deadline=None)
def test_any_value_in_any_field_is_claims_or_our_error(name: str, value: object) -> None:
    payload = json.dumps({**message(), name: value}).encode()
    try:
        outcome = name in admit(payload).as_dict()
    except ClaimsRefused as refused:
        outcome = refused.field.startswith("$") and bool(refused.reason)
    assert outcome
