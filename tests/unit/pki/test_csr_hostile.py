"""Hostile requests: typed errors that name the field, at once, and never another exception."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pki import csr
from pki.errors import PkiError
from tests.unit.pki.request_fixtures import (
    request,
)

GOOD = request()


def refused_or_unproven(der: bytes) -> bool:
    try:
        return csr.verify_possession(csr.Request.parse(der)) != ()
    except PkiError:
        return True


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(1, 255))
def test_a_flipped_octet_is_refused_or_unproven(at: int, flip: int) -> None:
    der = bytearray(GOOD)
    der[at] ^= flip
    assert refused_or_unproven(bytes(der))


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_random_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(PkiError):
        csr.Request.parse(data)
