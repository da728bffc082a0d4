"""The dialogue of enrolment, against a registry in a box: proofs, refusals, lost answers, crashes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import Struct

from mqtt_bridge import messages as m
from mqtt_bridge.device.device import Device
from mqtt_bridge.device.errors import (
    AlreadyEnrolled,
    AwaitingApproval,
    NoAnswer,
    OwnerNotProven,
    Rejected,
    RejectedConflict,
    RejectedNow,
    WrongInput,
)
from tests.unit.mqtt_bridge.device_authority import DEVICE, NOW, TOKEN, house
from tests.unit.mqtt_bridge.device_fixtures import BOOTSTRAP, BoxedRegistry, changed, device, enroll


def test_a_token_becomes_an_active_hybrid_certificate(tmp_path: Path) -> None:
    registry = BoxedRegistry()
    with device(tmp_path, registry) as made:
        mine = made.enroll(bootstrap=BOOTSTRAP, token=TOKEN, device_id=DEVICE)
        assert (made.state, made.is_connected) == ("active", True)
        assert registry.active == registry.issued == [mine.fingerprint]
    assert [verb for verb, _ in registry.asked] == ["hello", "enroll", "confirm"]
    first, second = registry.links
    assert first.settings.client_id in first.filters[0]
    assert (second.settings.client_id, second.settings.host) == (DEVICE, "ops.test")
    assert TOKEN.encode() not in b"".join(payload for _, payload in registry.asked)


def test_keys_are_for_their_owner_only(tmp_path: Path) -> None:
    enroll(tmp_path, BoxedRegistry())
    state = tmp_path / "state"
    assert state.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in state.rglob("*.pem")}
    assert modes.keys() == {"root.pem", "key.pem", "alternative-key.pem", "chain.pem"}
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize("verb", ["hello", "enroll", "confirm"])
def test_a_lost_answer_is_asked_for_with_the_same_bytes(tmp_path: Path, verb: str) -> None:
    registry = BoxedRegistry(lose={verb: 2})
    enroll(tmp_path, registry)
    sent = [payload for each, payload in registry.asked if each == verb]
    assert (len(sent), len(set(sent))) == (3, 1)
    assert len(registry.issued) == len(registry.active) == 1


@pytest.mark.parametrize(
    ("verb", "state"), [("hello", "enrolling"), ("enroll", "enrolling"), ("confirm", "issued")]
)
def test_a_device_that_died_goes_on_where_it_was(tmp_path: Path, verb: str, state: str) -> None:
    registry = BoxedRegistry(lose={verb: 3})
    with pytest.raises(NoAnswer, match="did not answer"):
        enroll(tmp_path, registry)
    with device(tmp_path, registry) as again:
        assert again.state == state
        assert again.needs_token is (verb == "hello")
        again.enroll(bootstrap=BOOTSTRAP, token=TOKEN if verb == "hello" else "", device_id=DEVICE)
        assert again.state == "active"
    sent = [payload for each, payload in registry.asked if each == verb]
    assert (len(sent), len(set(sent))) == (4, 1)
    assert len(registry.issued) == 1


def test_a_person_who_must_approve_is_waited_for(tmp_path: Path) -> None:
    registry = BoxedRegistry(change={"enroll": lambda _: m.Pending(rid="x", retry_after=60)})
    with pytest.raises(AwaitingApproval, match="60 s") as waiting:
        enroll(tmp_path, registry)
    assert waiting.value.retry_after == 60
    registry.change.clear()
    with device(tmp_path, registry) as again:
        assert (again.state, again.needs_token) == ("enrolling", True)  # its nonce will be gone by then
        again.enroll(bootstrap=BOOTSTRAP, token=TOKEN, device_id=DEVICE)
    assert registry.active == registry.issued[-1:]
    assert [verb for verb, _ in registry.asked] == ["hello", "enroll", "hello", "enroll", "confirm"]


def test_a_nonce_that_expired_over_a_crash_needs_the_token_again(tmp_path: Path) -> None:
    registry = BoxedRegistry(lose={"enroll": 3}, change={"enroll": _problem(410)})
    with pytest.raises(NoAnswer):
        enroll(tmp_path, registry)
    with pytest.raises(Rejected):
        enroll(tmp_path, registry, token="")
    with device(tmp_path, registry) as again:
        assert again.needs_token
    assert registry.active == []


def _problem(status: int) -> Callable[[Struct], Struct]:
    problem = m.Problem(status=status, title="No", detail="Not this one.", step="enroll.token", field="token")
    return lambda _: problem


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, Rejected, "refused"),
        (409, RejectedConflict, "conflict"),
        (422, Rejected, "refused"),
        (429, RejectedNow, "dependency"),
        (503, RejectedNow, "dependency"),
    ],
)
def test_a_rejection_says_which_step_and_field(
    tmp_path: Path, status: int, error: type[Rejected], kind: str
) -> None:
    registry = BoxedRegistry(change={"enroll": _problem(status)})
    with pytest.raises(error) as no:
        enroll(tmp_path, registry)
    assert (no.value.step, no.value.field, no.value.kind) == ("enroll.token", "token", kind)
    registry.change.clear()
    registry._answers.clear()
    enroll(tmp_path, registry)  # a final no starts afresh, a passing one goes on: both end well
    assert len(registry.active) == 1


def test_an_expired_nonce_is_followed_by_a_fresh_dialogue(tmp_path: Path) -> None:
    registry = BoxedRegistry(change={"enroll": _problem(410)})

    def once(_: Struct) -> Struct:
        del registry.change["enroll"]
        return _problem(410)(_)

    registry.change["enroll"] = once
    enroll(tmp_path, registry)
    assert [verb for verb, _ in registry.asked] == ["hello", "enroll", "hello", "enroll", "confirm"]


def test_a_certificate_not_confirmed_in_time_is_forgotten(tmp_path: Path) -> None:
    registry = BoxedRegistry(lose={"confirm": 3})
    with pytest.raises(NoAnswer):
        enroll(tmp_path, registry)
    late = Device(
        tmp_path / "state",
        house().root_pem,
        link_factory=registry.link,
        clock=lambda: NOW + timedelta(hours=2),
        timeout=0.02,
    )
    registry.change["hello"] = changed(expires_at="2026-11-22T09:00:00Z")
    with late, pytest.raises(OwnerNotProven, match="signature"):
        late.enroll(bootstrap=BOOTSTRAP, token=TOKEN, device_id=DEVICE)
    assert [verb for verb, _ in registry.asked][-1] == "hello"


def test_enrolling_twice_is_a_conflict_and_another_name_is_refused(tmp_path: Path) -> None:
    registry = BoxedRegistry()
    enroll(tmp_path, registry)
    with pytest.raises(AlreadyEnrolled, match="renew"):
        enroll(tmp_path, registry)
    with device(tmp_path, registry) as made, pytest.raises(WrongInput, match="belongs to"):
        made.enroll(bootstrap=BOOTSTRAP, token=TOKEN, device_id="other-device")
