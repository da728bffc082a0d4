"""Bytes nobody signed are never believed; other people's hybrid anchors are."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pki.bundle import TrustAnchor, TrustBundle
from pki.findings import Severity
from pki.path import Status, VerifyPolicy, verify, verify_bytes
from pki.tbs import Certificate
from tests.unit.pki.path_fixtures import ANCHOR, BUNDLE, DEVICE, ISSUING, NOW, bundle_of

OFF = VerifyPolicy(revocation="off")
CATALYST = Path(__file__).parents[4] / "shared" / "data" / "pki" / "catalyst"


@settings(max_examples=150)
@given(place=st.integers(0, len(DEVICE.der) - 1), bit=st.integers(0, 7))
def test_no_flipped_bit_is_believed(place: int, bit: int) -> None:
    mutated = bytearray(DEVICE.der)
    mutated[place] ^= 1 << bit
    assert not verify_bytes(bytes(mutated), bundle=BUNDLE, now=NOW, policy=OFF).is_valid


@settings(max_examples=100)
@given(start=st.integers(0, len(DEVICE.der)), size=st.integers(0, 64), junk=st.binary(max_size=64))
def test_no_cut_or_pasted_bytes_are_believed(start: int, size: int, junk: bytes) -> None:
    mutated = DEVICE.der[:start] + junk + DEVICE.der[start + size :]
    believed = verify_bytes(mutated, bundle=BUNDLE, now=NOW, policy=OFF).is_valid
    assert believed is (mutated == DEVICE.der)


@settings(max_examples=50)
@given(place=st.integers(0, len(ISSUING.der) - 1), octet=st.integers(0, 255))
def test_no_changed_intermediate_is_believed(place: int, octet: int) -> None:
    mutated = ISSUING.der[:place] + bytes((octet,)) + ISSUING.der[place + 1 :]
    found = verify_bytes(
        DEVICE.der, bundle=bundle_of(ANCHOR, ()), now=NOW, intermediates=(mutated,), policy=OFF
    )
    assert found.is_valid is (mutated == ISSUING.der)


def test_a_rule_that_crashes_is_a_fatal_finding_and_not_a_pass() -> None:
    """A clock without a zone is the caller's mistake, and no comparison with it succeeds."""
    verdict = verify(DEVICE, bundle=BUNDLE, now=NOW.replace(tzinfo=None), policy=OFF)
    assert verdict.status is Status.INVALID
    assert Severity.FATAL in {f.severity for f in verdict.findings}


@pytest.mark.parametrize("mode", ["hybrid", "pq_only"])
@pytest.mark.parametrize("pair", ["3.2_with_2.16.840.1.101.3.4.3.17", "3.4_with_2.16.840.1.101.3.4.3.19"])
def test_bouncy_castles_anchors_hold_under_both_keys(pair: str, mode: str) -> None:
    file = CATALYST / f"catalyst_1.2.840.10045.4.{pair}_ta.der"
    if not file.exists():
        pytest.skip("the shared data folder is not here")
    anchor = Certificate.parse(file.read_bytes())
    bundle = TrustBundle(1, NOW, (TrustAnchor.of(anchor),))
    policy = VerifyPolicy(revocation="off", mode=mode)  # type: ignore[arg-type]
    during = verify(anchor, bundle=bundle, now=datetime(2027, 7, 20, 12, 29, 30, tzinfo=UTC), policy=policy)
    after = verify(anchor, bundle=bundle, now=datetime(2027, 7, 20, 12, 29, 31, tzinfo=UTC), policy=policy)
    assert during.status is (Status.HYBRID_VALID if mode == "hybrid" else Status.PQ_ONLY_VALID)
    assert [f.rule for f in after.findings] == ["path.certificate_expired"]
