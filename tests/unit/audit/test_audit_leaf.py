from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import LeafRefused, Malformed
from audit.leaf import MAX_LEAF, DetailValue, Leaf, decode, encode

NOW = datetime(2026, 11, 22, 6, 31, 5, 120, tzinfo=UTC)


def leaf(**detail: DetailValue) -> Leaf:
    return Leaf("certificate.issued", NOW, "operator:anna", "device-17", detail)


def test_the_bytes_are_canonical_json() -> None:
    encoded = encode(leaf(zone="icu", attempts=2, hybrid=True, profiles=["b", "a"], note='\u20ac "\n\x01'))
    assert encoded.decode() == (
        '{"actor":"operator:anna","at":"2026-11-22T06:31:05.000120Z",'
        '"detail":{"attempts":2,"hybrid":true,"note":"\u20ac \\"\\n\\u0001","profiles":["b","a"],'
        '"zone":"icu"},'
        '"kind":"certificate.issued","subject":"device-17","v":1}'
    )


def test_another_time_zone_is_the_same_entry() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=5)))
    assert encode(Leaf("a.b", there, "x", "y")) == encode(Leaf("a.b", NOW, "x", "y"))


words = st.text(max_size=40).filter(lambda text: "(" not in text)
details = st.dictionaries(
    st.from_regex(r"note_[a-c]{1,5}", fullmatch=True),
    words | st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans() | st.lists(words, max_size=3),
    max_size=5,
)
times = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC))  # noqa: DTZ001 - zone given


@given(details, times)
def test_what_was_encoded_is_read_back(detail: dict[str, DetailValue], at: datetime) -> None:
    written = Leaf("device.enrolled", at, "job:crl", "device-1", detail)
    assert decode(encode(written)) == written
    assert encode(written) == rfc8785.dumps(json.loads(encode(written)))


@pytest.mark.parametrize(
    "key",
    [
        "serial_number",
        "serial",
        "device_serial",
        "lot_number",
        "lot",
        "batch_id",
        "serialnumber",
        "deviceserial",
        "udi",
        "udi_pi",
        "mrn",
        "patient_name",
        "patient",
        "inpatient_ward",
        "birth_date",
        "dob",
        "donation_id",
        "medical_record_number",
        "serial_no",
    ],
)
def test_a_key_that_could_identify_is_refused(key: str) -> None:
    with pytest.raises(LeafRefused) as caught:
        encode(leaf(**{key: "x"}))
    assert caught.value.field == f"detail.{key}"
    assert caught.value.kind == "refused"
    assert caught.value.next_step


def test_a_certificate_serial_and_a_udi_di_are_allowed() -> None:
    written = leaf(
        certificate_serial="01ab", replaced_certificate_serials=["2"], udi_di="1", pilot_notes=True
    )
    assert decode(encode(written)) == written


@pytest.mark.parametrize("text", ["(01)00844588003288(17)141120", "x(21)SN7788", "(10)LOT5"])
@pytest.mark.parametrize("place", ["subject", "detail", "list"])
def test_a_udi_carrier_is_refused_wherever_it_stands(text: str, place: str) -> None:
    written = Leaf(
        "a.b",
        NOW,
        "x",
        text if place == "subject" else "y",
        {"note": [text]} if place == "list" else {"note": text} if place == "detail" else {},
    )
    with pytest.raises(LeafRefused, match="UDI carrier") as caught:
        encode(written)
    assert text not in str(caught.value)


@pytest.mark.parametrize("kind", ["", "issued", "Certificate.issued", "a.", "a..b", "a.b\n", "x" * 70 + ".b"])
def test_a_kind_is_dotted_words(kind: str) -> None:
    with pytest.raises(Malformed) as caught:
        encode(Leaf(kind, NOW, "x", "y"))
    assert caught.value.field == "kind"


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (Leaf("a.b", datetime(2026, 1, 1), "x", "y"), "at"),  # noqa: DTZ001 - the naive time is the point
        (Leaf("a.b", datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5))), "x", "y"), "at"),
        (Leaf("a.b", NOW, "", "y"), "actor"),
        (Leaf("a.b", NOW, "x\x1b[31m", "y"), "actor"),
        (Leaf("a.b", NOW, "x", "y" * 257), "subject"),
        (leaf(Big="x"), "detail"),
        (leaf(number=2**53), "detail.number"),
        (leaf(number=-(2**53)), "detail.number"),
        (leaf(text="\ud800"), "detail"),
        (leaf(ratio=0.5), "detail.ratio"),  # type: ignore[arg-type]
        (leaf(nested={"a": "b"}), "detail.nested"),  # type: ignore[arg-type]
        (leaf(mixed=["a", 1]), "detail.mixed"),  # type: ignore[list-item]
        (leaf(text="x" * MAX_LEAF), "detail"),
    ],
)
def test_a_wrong_field_is_named(broken: Leaf, field: str) -> None:
    with pytest.raises(Malformed) as caught:
        encode(broken)
    assert caught.value.field == field


GOOD = encode(leaf(zone="icu", count=3))


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        b"\xff",
        b"[]",
        b"null",
        b"[" * 60_000,
        b"9" * 5000,
        GOOD + b" ",
        b" " + GOOD,
        GOOD.replace(b'"v":1', b'"v":2'),
        GOOD.replace(b'"v":1', b'"v":true'),
        GOOD.replace(b'"v":1', b'"v":1.0'),
        GOOD.replace(b'"count":3', b'"count":NaN'),
        GOOD.replace(b'"count":3', b'"count":3.0'),
        GOOD.replace(b'"count":3', b'"count":null'),
        GOOD.replace(b'"count":3', b'"count":3,"count":3'),
        GOOD.replace(b"icu", b"\\u0069cu"),
        GOOD.replace(b"icu", b"\\ud800"),
        GOOD.replace(b"000120Z", b"00012Z"),
        GOOD.replace(b"000120Z", b"000120+00:00"),
        GOOD.replace(b'"2026-11-22T06:31:05.000120Z"', b"7"),
        GOOD.replace(b"2026-11-22T06:31:05.000120Z", b"2026-11-22"),
        GOOD.replace(b"2026-11-22T06:31:05.000120Z", b"0001-01-01T00:00:00+05:00"),
        GOOD.replace(b"2026-11-22T", b"2026-13-22T"),
        GOOD.replace(b'"subject":"device-17"', b'"subject":17'),
        GOOD.replace(b'"kind":"certificate.issued"', b'"kind":[]'),
        GOOD.replace(b'"detail":{"count":3,"zone":"icu"}', b'"detail":[]'),
        json.dumps(json.loads(GOOD)).encode(),
        b"x" * (MAX_LEAF + 1),
    ],
)
def test_bytes_that_encode_would_not_write_are_malformed(wrong: bytes) -> None:
    with pytest.raises(Malformed):
        decode(wrong)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_leaf_or_a_typed_error(data: bytes) -> None:
    with pytest.raises(Malformed):
        decode(data)
