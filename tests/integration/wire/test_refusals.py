"""Every documented no of an enrolment, on the wire: status, step, field; nothing half-done; bridge alive."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from mqtt_bridge import messages
from mqtt_bridge.octets import Octets
from pki import asn1, csr
from registry.registration import Approval, approve
from registry.tokens import create_token
from tests.integration.wire.hand_made_client import OTHER_KEY, Joining
from tests.integration.wire.hospital_running import ENGINEER, RunningHospital, eventually

Rows = tuple[int, int, int]
Change = Callable[[dict[str, Any]], dict[str, Any] | bytes]


def rows(hospital: RunningHospital, device_id: str) -> Rows:
    """Certificates of the device, its spent tokens, and the length of the audit log."""
    with hospital.ports.store.read() as uow:
        certificates = uow.certificates.of_device(device_id)
        spent = [t for t in uow.enrollments.tokens_of(device_id) if t.spent_at is not None]
        return len(certificates), len(spent), uow.log.read_frontier().size


@pytest.fixture
def alive(both: RunningHospital) -> Iterator[RunningHospital]:
    """After each test another device still gets its answer, and nothing failed inside."""
    yield both
    honest = Joining(both, "mtd-honest0000000000")
    with honest.connect() as caller:
        assert len(honest.hello(caller)) == 32
    assert not [line for line in both.log_lines() if line["level"] == "error"]


def no_proof(which: str) -> Change:
    def change(body: dict[str, Any]) -> dict[str, Any]:
        body["proof"][which] = Octets(b"\x30\x03" + bytes(60)).text
        return body

    return change


def of_csr(change: Callable[[bytes], bytes]) -> Change:
    def changed(body: dict[str, Any]) -> dict[str, Any]:
        return body | {"csr": Octets(change(Octets.from_text(body["csr"]))).text}

    return changed


def without(name: str) -> Change:
    return lambda body: {key: value for key, value in body.items() if key != name}


CASES: dict[str, tuple[Change, tuple[int, str, str]]] = {
    "no_proof_of_the_classical_key": (no_proof("classical"), (401, "enroll", "proof.classical")),
    "no_proof_of_the_alternative_key": (no_proof("alternative"), (401, "enroll", "proof.alternative")),
    "alternative_proof_left_out": (
        lambda body: body | {"proof": {"classical": body["proof"]["classical"]}},
        (401, "enroll", "proof.alternative"),
    ),
    "proof_over_another_csr": (
        lambda body: body | {"csr": Octets(csr.build(OTHER_KEY, common_name="mtd-other")).text},
        (401, "enroll", "proof.classical"),
    ),
    "not_json": (lambda _: b"{", (400, "enroll", "")),
    "not_utf8": (lambda _: b'{"v":1,"rid":"\xff"}', (400, "enroll", "")),
    "a_list": (lambda _: b"[]", (400, "enroll", "")),
    "nested_deep": (lambda _: b'{"v":1,"rid":"r","csr":' + b"[" * 5000, (400, "enroll", "")),
    "unknown_field": (lambda body: body | {"admin": True}, (400, "enroll", "")),
    "wrong_version": (lambda body: body | {"v": 2}, (400, "enroll", "v")),
    "no_csr": (without("csr"), (400, "enroll", "csr")),
    "no_token": (without("token_hmac"), (400, "enroll", "token_hmac")),
    "another_rid_than_the_topic": (lambda body: body | {"rid": "zzz"}, (400, "enroll", "rid")),
    "csr_cut_short": (of_csr(lambda der: der[:-7]), (400, "enroll", "csr")),
    "csr_with_a_tail": (of_csr(lambda der: der + b"\x00"), (400, "enroll", "csr")),
    "csr_is_no_sequence": (of_csr(lambda _: asn1.integer(7)), (400, "enroll", "csr")),
    "csr_of_zeroes": (of_csr(lambda _: bytes(3000)), (400, "enroll", "csr")),
}


@pytest.mark.parametrize("name", CASES)
def test_refused_with_status_step_and_field(alive: RunningHospital, name: str) -> None:
    change, expected = CASES[name]
    device_id = alive.admit()
    joining, token = Joining(alive, device_id), alive.token(device_id)
    before = rows(alive, device_id)
    with joining.connect() as caller:
        said = joining.send(caller, change(joining.body(joining.hello(caller), token)))
    assert said.verb == "rejected"
    status, step, field = said.told
    assert (status, step, field.split(".")[0] if expected[2] == "csr" else field) == expected, said.body
    assert said.body["type"] == "urn:medtrust:problem:enroll"
    assert rows(alive, device_id) == before


def test_an_oversize_message_ends_there_and_harms_nobody(alive: RunningHospital) -> None:
    device_id = alive.admit()
    joining = Joining(alive, device_id)
    with joining.connect() as caller:
        caller.say(f"{joining.up}/enroll/{joining.rid}", b'{"v":"' + b"x" * 200_000 + b'"}')
        assert eventually(lambda: not caller.client.is_ready or not caller.heard.empty())
    assert rows(alive, device_id)[0] == 0


def test_a_wrong_token_is_refused(alive: RunningHospital) -> None:
    device_id = alive.admit()
    good = alive.token(device_id)
    before = rows(alive, device_id)
    said = Joining(alive, device_id).join("mtj1_aaaaaaaaaaaaaaaaaaaaaaaaaa")
    assert said.told == (401, "enroll", "token_hmac")
    assert rows(alive, device_id) == before
    assert Joining(alive, device_id).join(good).verb == "accepted"


def test_the_token_of_another_device_is_refused(alive: RunningHospital) -> None:
    mine, other = alive.admit(), alive.admit()
    assert Joining(alive, mine).join(alive.token(other)).told == (401, "enroll", "token_hmac")
    assert rows(alive, mine)[:2] == (0, 0)


def test_a_token_is_good_once(alive: RunningHospital) -> None:
    device_id = alive.admit()
    token = alive.token(device_id)
    assert Joining(alive, device_id).join(token).verb == "accepted"
    again = Joining(alive, device_id, OTHER_KEY).join(token)
    assert again.told == (409, "enroll", "token_hmac")
    assert rows(alive, device_id)[:2] == (1, 1)


def test_a_nonce_and_a_token_expire(alive: RunningHospital) -> None:
    device_id = alive.admit()
    short = timedelta(minutes=1)
    token, _ = create_token(device_id, ENGINEER, ports=alive.ports, lifetime=short)
    joining = Joining(alive, device_id)
    with joining.connect() as caller:
        body = joining.body(joining.hello(caller), token)
        # Less than five minutes: a job in between may see this time, and it is no backward jump afterwards.
        with alive.clock.turned(minutes=3):
            assert joining.send(caller, body).told == (410, "enroll", "nonce")
    with alive.clock.turned(minutes=3):
        assert Joining(alive, device_id).join(token).told == (401, "enroll", "token_hmac")
    assert rows(alive, device_id)[:2] == (0, 0)


def test_a_nonce_is_good_for_its_own_session_only(alive: RunningHospital) -> None:
    device_id = alive.admit()
    token, first, second = alive.token(device_id), Joining(alive, device_id), Joining(alive, device_id)
    with first.connect() as caller, second.connect() as other:
        nonce = first.hello(caller)
        assert second.send(other, second.body(nonce, token)).told == (410, "enroll", "nonce")
        second.hello(other)
        assert second.send(other, second.body(nonce, token)).told == (401, "enroll", "proof.classical")


def test_a_csr_that_names_another_device_is_refused(alive: RunningHospital) -> None:
    mine, other = alive.admit(), alive.admit()
    joining, token = Joining(alive, mine), alive.token(mine)
    with joining.connect() as caller:
        nonce = joining.hello(caller)
        for name in (other, f"{mine}/up/enroll", "medtrust broker"):
            said = joining.send(caller, joining.body(nonce, token, name=name))
            assert said.told == (422, "enroll", "csr.CN"), said.body
    assert rows(alive, mine)[:2] == (0, 0)
    assert rows(alive, other)[:2] == (0, 0)


def test_a_claim_in_the_topic_and_another_in_the_message_is_refused(alive: RunningHospital) -> None:
    mine, other = alive.admit(), alive.admit()
    joining = Joining(alive, mine)
    hello = messages.Hello(rid="r", device_id=other, algorithms=["x"])
    with joining.connect() as caller:
        said = caller.ask(f"{joining.up}/hello", messages.encode(hello))
    assert said.told == (403, "hello", "device_id")


def test_a_device_that_nobody_approved_waits(alive: RunningHospital) -> None:
    device_id = alive.register()
    with pytest.raises(Exception, match="not approved"):
        alive.token(device_id)
    approve(Approval(device_id), ENGINEER, ports=alive.ports)
    token = alive.token(device_id)
    with alive.ports.store.write() as uow:
        device = uow.devices.get(device_id)
        assert device is not None
        uow.devices.set_state(device.device_id, device.state.REGISTERED)
    said = Joining(alive, device_id).join(token)
    assert (said.verb, said.body["status"]) == ("pending", 202)
    assert said.body["retry_after"] > 0
    assert rows(alive, device_id)[:2] == (0, 0)


def test_a_device_that_nobody_knows_learns_nothing(alive: RunningHospital) -> None:
    said = Joining(alive, "mtd-nobodyknowsme000").join("mtj1_aaaaaaaaaaaaaaaaaaaaaaaaaa")
    known = Joining(alive, alive.admit()).join("mtj1_aaaaaaaaaaaaaaaaaaaaaaaaaa")
    assert said.told == (401, "enroll", "token_hmac")
    assert said.body["detail"] == known.body["detail"]


def test_the_same_request_five_times_is_one_certificate(alive: RunningHospital) -> None:
    device_id = alive.admit()
    joining = Joining(alive, device_id)
    with joining.connect() as caller:
        body = joining.body(joining.hello(caller), alive.token(device_id))
        answers = [joining.send(caller, body) for _ in range(5)]
        assert {answer.verb for answer in answers} == {"accepted"}
        assert len({json.dumps(answer.body) for answer in answers}) == 1
        other = joining.send(caller, body | {"token_hmac": Octets(bytes(32)).text})
        assert other.told == (409, "enroll", "rid")
    assert rows(alive, device_id)[:2] == (1, 1)
