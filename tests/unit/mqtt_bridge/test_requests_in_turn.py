"""A request and its redelivery at the same time: both get the one certificate."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mqtt_bridge import messages
from mqtt_bridge.messages import Enroll, Signatures
from mqtt_bridge.octets import Octets
from mqtt_bridge.requests import Owner, Requests
from mqtt_bridge.topics import BootstrapTopic
from tests.unit.registry.faults import interrupted
from tests.unit.registry.hospital import PUMP, Hospital, authority, device_key, open_hospital


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    """A hospital on real SQLite."""
    opened = open_hospital(tmp_path)
    yield opened
    opened.store.close()


def test_the_redelivery_waits_and_gets_the_same_certificate(hospital: Hospital) -> None:
    device = hospital.admit(PUMP)
    asked = hospital.request(device, "r1")
    issuing, signing = authority()[1], threading.Event()

    def linger() -> None:
        # Between the signature and its record: the other request would find the challenge spent.
        signing.set()
        time.sleep(0.3)

    failures: list[Exception] = []
    requests = Requests(
        ports=hospital.ports,
        parts=interrupted(hospital, linger),
        owner=Owner(device_key(9), (issuing.der,), issuing.fingerprint),
        ops=messages.Endpoint(host="localhost", port=8883),
        report=lambda _, error: failures.append(error),
    )
    proof = Signatures(
        classical=Octets(asked.proof.classical), alternative=Octets(asked.proof.alternative or b"")
    )
    body = messages.encode(
        Enroll(rid="r1", csr=Octets(asked.csr), proof=proof, token_hmac=Octets(asked.token_hmac))
    )
    topic = BootstrapTopic(device.device_id, asked.session, "up", "enroll", "r1")
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(requests.bootstrap, topic, body)
        assert signing.wait(5.0)
        again = pool.submit(requests.bootstrap, topic, body)
        answers = [first.result(), again.result()]
    assert failures == []
    assert [answer.verb for answer in answers] == ["accepted", "accepted"]
    assert answers[0].payload == answers[1].payload
