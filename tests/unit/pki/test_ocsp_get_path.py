"""Requests in URLs (RFC 6960 A.1) come back however clients write them; what is none is refused by type."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.algorithms import SignatureAlgorithm
from pki.ocsp import OcspRequestRefused, build_request, decode_get_path, encode_get_path
from tests.unit.pki.path_fixtures import DEVICE
from tests.unit.pki.status_fixtures import ISSUING

PLAIN = build_request(DEVICE, ISSUING)
FULL = build_request(
    DEVICE,
    ISSUING,
    nonce=b"n" * 32,
    preferred=(SignatureAlgorithm.ML_DSA_65, SignatureAlgorithm.ECDSA_SHA256),
)
# In base64 this holds ++++ and ////.
AWKWARD = b"0\x82\x00" + b"\xfb\xef\xbe\xff\xff\xff" * 3


@pytest.mark.parametrize("data", [PLAIN, FULL, AWKWARD, AWKWARD + b"x", AWKWARD + b"xy"])
def test_a_path_comes_back_however_clients_write_it(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    escaped = encode_get_path(data)
    assert not set(escaped) & set("+/=")
    for path in (escaped, "/" + escaped, escaped.replace("%2F", "%2f")):
        assert decode_get_path(path) == data
    for path in (text, "/" + text, text.rstrip("="), quote(text, safe="/"), quote(text, safe="+=")):
        assert decode_get_path(path) == data


def test_the_awkward_octets_are_awkward() -> None:
    text = base64.b64encode(AWKWARD).decode()
    assert "+" in text
    assert "//" in text


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "MEow TzBN",
        "MEow%20TzBN",
        "MEow%252F",
        "MEow-_",
        "M",
        "MEow=TzBN",
        "MEow%",
        "MEow\n",
        "M" * 200_000,
    ],
)
def test_other_paths_are_refused(path: str) -> None:
    with pytest.raises(OcspRequestRefused) as refused:
        decode_get_path(path)
    assert refused.value.field == "path"


@given(st.text(max_size=60))
def test_any_text_is_octets_or_refused(path: str) -> None:
    try:
        decoded = decode_get_path(path)
    except OcspRequestRefused:
        return
    assert decoded
