"""The net: every kind of canary is caught in every place, and no message repeats what it caught."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.trust.claims import admit
from registry.trust.phi_guard import ClaimsRefused, PhiStopped, guard_text, has_hidden
from tests.unit.trust.telemetry_samples import encoded, message

CANARIES = {
    "mrn": "MRN-00481516",
    "ssn": "078-05-1120",
    "dob_iso": "1956-04-23",
    "dob_compact": "19560423",
    "dob_us": "04/23/1956",
    "dob_label": "dob_2019",
    "email": "jane.doe@example.org",
    "hl7": "PID|1||4711^^^HOSP",
    "hl7_header": "MSH|^~\\&|LAB",
    "dicom_tag": "(0010,0010)",
    "dicom_json": "00100020",
    "dicom_keyword": "PatientBirthDate",
    "fhir": "Patient/4711",
    "fhir_type": "resourceType",
}
IN_BASE64 = {
    f"{name}_base64": base64.b64encode(f"xx {text} yy".encode()).decode() for name, text in CANARIES.items()
}
IN_BASE64URL = {
    f"{name}_base64url": base64.urlsafe_b64encode(f"? {text} ~~".encode()).decode().rstrip("=")
    for name, text in CANARIES.items()
}
ALL = {**CANARIES, **IN_BASE64, **IN_BASE64URL}
STRING_PLACES = (
    "ts",
    "fw.name",
    "fw.ver",
    "fw.sha256",
    "sbom_sha256",
    "cert_fp",
    "anchor_fp",
    "cfg_sha256",
    "clinical_mode",
    "unknown_field",
)


def passes(text: str) -> bool:
    """Whether the guard lets it by; anything but its own error would surface."""
    try:
        guard_text("topic", text)
    except ClaimsRefused as refused:
        return not refused.reason
    return True


def planted(place: str, text: str) -> dict[str, Any]:
    """The good message with `text` in one string place."""
    whole = message()
    outer, _, inner = place.partition(".")
    if inner:
        whole[outer] = {**whole[outer], inner: text}
    else:
        whole[outer] = text
    return whole


@pytest.mark.parametrize("name", sorted(ALL))
@pytest.mark.parametrize("place", STRING_PLACES)
def test_a_canary_in_any_string_is_stopped_and_not_repeated(place: str, name: str) -> None:
    canary = ALL[name]
    with pytest.raises(PhiStopped) as caught:
        admit(json.dumps(planted(place, canary)).encode())
    told = (
        f"{caught.value!r} {caught.value} {caught.value.field} {caught.value.reason} {caught.value.next_step}"
    )
    assert canary not in told
    assert caught.value.__cause__ is None
    assert caught.value.reason.startswith("phi.")


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_canary_as_a_key_or_outside_json_is_stopped(name: str) -> None:
    canary = ALL[name]
    for payload in (json.dumps({**message(), canary: 1}).encode(), b"\x00 " + canary.encode()):
        with pytest.raises(PhiStopped) as caught:
            admit(payload)
        assert canary not in str(caught.value)


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_canary_in_a_topic_or_client_id_is_stopped(name: str) -> None:
    with pytest.raises(PhiStopped) as caught:
        guard_text("client id", f"bed4 {ALL[name]}")
    assert caught.value.field == "client id"
    assert ALL[name] not in str(caught.value)


@pytest.mark.parametrize("number", ["4815162", "481516234", "1234567890"])
def test_a_record_number_without_a_label_is_stopped_in_claims_only(number: str) -> None:
    with pytest.raises(PhiStopped, match="bare_number"):
        admit(encoded(fw={"name": f"fw-{number}", "ver": "1", "sha256": "a" * 64}))
    assert passes(f"pump-{number}")


def test_a_recent_date_is_a_build_in_a_version_and_a_birth_date_elsewhere() -> None:
    version = {"name": "pump-fw", "ver": "4.2+2024-01-15", "sha256": "a" * 64}
    assert admit(encoded(fw=version)).as_dict()["fw"] == version
    with pytest.raises(PhiStopped, match="birth_date"):
        admit(encoded(fw={**version, "name": "fw-2014-01-15"}))


@pytest.mark.parametrize(
    "text",
    [
        "mtr/1/d/pump-0001/up/tele/posture",
        "b7f2c9e04a5d4f1e8a6b3c2d1e0f9a8b",
        "patient-monitor-7",
        "rapid-infuser",
        "2026.11.1",
        "O=St. Mary Hospital, CN=pump-0001",
        "A" * 64,
    ],
)
def test_ordinary_names_pass(text: str) -> None:
    assert passes(text)


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\x1b", "\n", "\u2066", "\ue000", "\ufeff"])
def test_hidden_characters_are_refused(hidden: str) -> None:
    with pytest.raises(ClaimsRefused) as caught:
        guard_text("topic", f"pump{hidden}0001")
    assert caught.value.reason == "control_characters"
    assert hidden not in str(caught.value)


def test_full_width_digits_do_not_hide_a_number() -> None:
    wide = "078-05-1120".translate({ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)})
    with pytest.raises(PhiStopped, match=r"phi\.ssn"):
        guard_text("topic", wide)


@given(text=st.text(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_text_passes_or_is_refused_by_our_error(text: str) -> None:
    assert not (passes(text) and has_hidden(text))


@pytest.mark.parametrize("prefix", ["x", "xy", "xyz", "wxyz"])
def test_a_prefix_does_not_shift_base64_out_of_sight(prefix: str) -> None:
    with pytest.raises(PhiStopped):
        guard_text("topic", prefix + IN_BASE64["ssn_base64"])
