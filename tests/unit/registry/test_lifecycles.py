"""Both lifecycle tables: complete, no dead end that nobody meant; an illegal move says what is legal."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.model import certificate, device
from registry.model.certificate import CERTIFICATE_LIFECYCLE, CertificateEvent, CertificateState
from registry.model.device import DEVICE_LIFECYCLE, DeviceEvent, DeviceState
from registry.model.errors import Conflict
from registry.publication import crl_reason
from registry.revocation import REASONS

_DEVICE_MOVES = list(product(DeviceState, DeviceEvent))
_CERTIFICATE_MOVES = list(product(CertificateState, CertificateEvent))


def _reachable(table: dict[tuple[DeviceState, DeviceEvent], DeviceState]) -> set[DeviceState]:
    found = {DeviceState.REGISTERED}
    for _ in DeviceState:
        found |= {after for (before, _), after in table.items() if before in found}
    return found


def test_every_device_state_is_reached_from_registration() -> None:
    assert _reachable(DEVICE_LIFECYCLE) == set(DeviceState)


def test_every_certificate_state_is_reached_from_an_intention() -> None:
    found = {CertificateState.INTENDED}
    for _ in CertificateState:
        found |= {after for (before, _), after in CERTIFICATE_LIFECYCLE.items() if before in found}
    assert found == set(CertificateState)


def test_every_event_is_used() -> None:
    assert {event for _, event in DEVICE_LIFECYCLE} == set(DeviceEvent)
    assert {event for _, event in CERTIFICATE_LIFECYCLE} == set(CertificateEvent)


@pytest.mark.parametrize("event", DeviceEvent)
def test_nothing_brings_a_retired_device_back(event: DeviceEvent) -> None:
    with pytest.raises(Conflict, match=r"retired: .* is not possible. Possible: nothing"):
        device.move(DeviceState.RETIRED, event)


@pytest.mark.parametrize("state", [state for state in DeviceState if state is not DeviceState.RETIRED])
def test_every_other_device_can_be_retired(state: DeviceState) -> None:
    assert device.move(state, DeviceEvent.RETIRE) is DeviceState.RETIRED


def test_a_revoked_device_comes_back_only_by_approval() -> None:
    ways = {event for state, event in DEVICE_LIFECYCLE if state is DeviceState.REVOKED}
    assert ways == {DeviceEvent.APPROVE, DeviceEvent.RETIRE}


@pytest.mark.parametrize(
    "state", [CertificateState.REVOKED, CertificateState.VOID, CertificateState.ABANDONED]
)
def test_what_is_over_for_good_has_no_way_out(state: CertificateState) -> None:
    assert not [event for before, event in CERTIFICATE_LIFECYCLE if before is state]


def test_only_an_intention_is_signed_and_only_once() -> None:
    assert [before for before, event in CERTIFICATE_LIFECYCLE if event is CertificateEvent.SIGN] == [
        CertificateState.INTENDED
    ]


def test_nothing_that_was_taken_back_becomes_good_but_a_hold() -> None:
    good = {CertificateState.PENDING, CertificateState.ACTIVE}
    back = {s for (s, _), after in CERTIFICATE_LIFECYCLE.items() if s.is_revoked and after in good}
    assert back == {CertificateState.HELD}


def test_these_states_and_no_others_count_as_revoked() -> None:
    revoked = {state.value for state in CertificateState if state.is_revoked}
    assert revoked == {"held", "superseded", "revoked", "void", "abandoned"}


@pytest.mark.parametrize("reason", [*REASONS, "certificateHold", ""])
def test_every_stored_reason_has_a_code_on_the_list(reason: str) -> None:
    assert crl_reason(reason).name.replace("_", "").lower() == (reason or "unspecified").lower()


@given(st.sampled_from(_DEVICE_MOVES))
def test_a_device_moves_by_the_table_or_the_conflict_names_what_is_possible(
    step: tuple[DeviceState, DeviceEvent],
) -> None:
    state, event = step
    if step in DEVICE_LIFECYCLE:
        assert device.move(state, event) is DEVICE_LIFECYCLE[step]
        return
    with pytest.raises(Conflict) as refused:
        device.move(state, event)
    possible = {e for s, e in DEVICE_LIFECYCLE if s is state}
    assert refused.value.field == "state"
    assert all(name in refused.value.next_step for name in possible)
    assert event not in possible


@given(st.sampled_from(_CERTIFICATE_MOVES))
def test_a_certificate_moves_by_the_table_or_the_conflict_names_what_is_possible(
    step: tuple[CertificateState, CertificateEvent],
) -> None:
    state, event = step
    if step in CERTIFICATE_LIFECYCLE:
        assert certificate.move(state, event) is CERTIFICATE_LIFECYCLE[step]
        return
    with pytest.raises(Conflict) as refused:
        certificate.move(state, event)
    possible = {e for s, e in CERTIFICATE_LIFECYCLE if s is state}
    assert all(name in refused.value.next_step for name in possible)
    assert (refused.value.next_step == "Possible: nothing.") == (not possible)


@given(st.lists(st.sampled_from(DeviceEvent), max_size=30))
def test_no_walk_reaches_active_without_approval_and_confirmation(events: list[DeviceEvent]) -> None:
    state, seen = DeviceState.REGISTERED, set()
    for event in events:
        if (state, event) in DEVICE_LIFECYCLE:
            state = device.move(state, event)
            seen.add(event)
    if state in (DeviceState.ACTIVE, DeviceState.CONTAINED):
        # A release from hold is a person's word; everything else needs the device's own proof.
        assert {DeviceEvent.APPROVE, DeviceEvent.ISSUE} <= seen
        assert seen & {DeviceEvent.CONFIRM, DeviceEvent.RELEASE}
