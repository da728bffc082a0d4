"""The payloads: what goes out comes back, and nothing hostile gets in or is echoed."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mqtt_bridge import messages as m
from mqtt_bridge.octets import Octets

_SIGNATURES = m.Signatures(classical=Octets(b"\xfb\xff\xfe"), alternative=Octets(b"pq" * 1600))
_AT = "2026-11-22T06:00:00Z"
_EXAMPLES: tuple[msgspec.Struct, ...] = (
    m.Hello(rid="r1", device_id="pump-0001", algorithms=[m.HYBRID_ALGORITHMS], client="reference/1"),
    m.Challenge(
        rid="r1",
        nonce=Octets(bytes(32)),
        expires_at=_AT,
        csr=m.CsrAttributes(common_name="pump-0001", classical="ec-p256", alternative="ml-dsa-65"),
        issuer_fingerprints=["ab" * 32],
        signer_chain=[Octets(b"0\x01"), Octets(b"0\x02")],
        signature=_SIGNATURES,
    ),
    m.Enroll(rid="r1", csr=Octets(b"0" * 8000), proof=_SIGNATURES, token_hmac=Octets(bytes(32))),
    m.Accepted(rid="r1", chain=[Octets(b"0")], activate_before=_AT, ops=m.Endpoint(host="::1", port=8883)),
    m.ConfirmAccepted(rid="r1"),
    m.Pending(rid="r1", retry_after=60, detail="A person decides."),
    m.Problem(status=410, title="Gone", detail="The nonce expired.", rid="r1", step="enroll.nonce"),
    m.Confirm(rid="r1", fingerprint="0f" * 32, signature=_SIGNATURES),
    m.Renew(
        rid="r1",
        csr=Octets(b"0"),
        current_fingerprint="0f" * 32,
        proof=_SIGNATURES,
        current_proof=_SIGNATURES,
    ),
    m.Presence(state="online", boot=3, at=_AT),
    m.Notice(kind="certificate.held", detail="Call biomedical engineering.", at=_AT),
)


@pytest.mark.parametrize("message", _EXAMPLES, ids=lambda each: type(each).__name__)
def test_what_is_encoded_decodes_to_the_same(message: msgspec.Struct) -> None:
    assert m.decode(type(message), m.encode(message), "step") == message


def test_every_message_has_an_example_and_a_schema_of_its_own() -> None:
    assert {type(each) for each in _EXAMPLES} == set(m.MESSAGES)
    schemas = m.json_schemas()
    assert list(schemas) == [kind.__name__ for kind in m.MESSAGES]
    assert schemas["Enroll"]["$defs"]["Enroll"]["additionalProperties"] is False


def test_octets_travel_without_padding() -> None:
    wire = json.loads(m.encode(_EXAMPLES[7]))
    assert wire["signature"]["classical"] == "-__-"
    assert Octets.from_text("-__-") == b"\xfb\xff\xfe"


@pytest.mark.parametrize("text", ["", "A", "AB==", "AB", "+__-", "-__-\n", "AAAA AAA"])
def test_octets_have_one_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"base64url|stray"):
        Octets.from_text(text)


def _changed(message: msgspec.Struct, **fields: object) -> bytes:
    return json.dumps({**json.loads(m.encode(message)), **fields}).encode()


@pytest.mark.parametrize(
    ("number", "fields", "field"),
    [
        (0, {"rid": "../other"}, "rid"),
        (0, {"rid": "r1\n"}, "rid"),
        (0, {"device_id": "dev1/up/enroll"}, "device_id"),
        (0, {"v": 2}, "v"),
        (0, {"algorithms": []}, "algorithms"),
        (1, {"expires_at": "soon"}, "expires_at"),
        (1, {"signer_chain": ["AA"] * 9}, "signer_chain"),
        (1, {"signature": {"classical": 7}}, "signature.classical"),
        (2, {"csr": "A==="}, "csr"),
        (2, {"csr": None}, "csr"),
        (3, {"ops": {"host": "a b", "port": 1}}, "ops.host"),
        (5, {"retry_after": 0}, "retry_after"),
        (6, {"status": 200}, "status"),
        (7, {"fingerprint": "0F" * 32}, "fingerprint"),
    ],
)
def test_a_value_out_of_bounds_is_refused_by_its_path(
    number: int, fields: dict[str, object], field: str
) -> None:
    with pytest.raises(m.BadMessage) as refused:
        m.decode(type(_EXAMPLES[number]), _changed(_EXAMPLES[number], **fields), "enroll")
    assert (refused.value.field, refused.value.status, refused.value.step) == (field, 400, "enroll")


def test_unknown_fields_are_refused_without_their_name() -> None:
    with pytest.raises(m.BadMessage) as refused:
        m.decode(m.Hello, _changed(_EXAMPLES[0], **{"canary - at `$.canary": "canary"}), "hello")
    assert "canary" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_bad_value_is_not_echoed() -> None:
    with pytest.raises(m.BadMessage) as refused:
        m.decode(m.ConfirmAccepted, _changed(_EXAMPLES[4], state="canary"), "confirm")
    assert "canary" not in str(refused.value)


def test_a_missing_field_is_named() -> None:
    with pytest.raises(m.BadMessage, match="lacks the field csr"):
        m.decode(m.Enroll, b'{"rid": "r1"}', "enroll")


def test_an_oversize_message_is_refused_unread() -> None:
    with pytest.raises(m.BadMessage) as refused:
        m.decode(m.Hello, b" " * (m.MAX_MESSAGE_BYTES + 1), "hello")
    assert refused.value.status == 413


def _accepts_or_refuses(kind: type[msgspec.Struct], payload: bytes) -> bool:
    try:
        again = m.encode(m.decode(kind, payload, "step"))
    except m.BadMessage as bad:
        return bad.status in (400, 413) and bad.kind == "usage"
    return m.decode(kind, again, "step") is not None


@given(st.sampled_from(m.MESSAGES), st.binary(max_size=300))
def test_random_bytes_raise_only_bad_message(kind: type[msgspec.Struct], payload: bytes) -> None:
    assert _accepts_or_refuses(kind, payload)


@given(st.sampled_from(_EXAMPLES), st.integers(0, 200), st.binary(max_size=4))
def test_mutated_messages_raise_only_bad_message(message: msgspec.Struct, at: int, junk: bytes) -> None:
    wire = m.encode(message)
    assert _accepts_or_refuses(type(message), wire[:at] + junk + wire[at + len(junk) :])


@pytest.mark.parametrize("payload", [b"[" * 60_000, b'{"rid":"\xff"}', b'{"rid":"\\ud800"}', b"", b"null"])
def test_hostile_json_raises_only_bad_message(payload: bytes) -> None:
    with pytest.raises(m.BadMessage):
        m.decode(m.Hello, payload, "hello")
