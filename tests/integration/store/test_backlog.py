"""The log's backlog names, in steps of any size, every certificate whose status an act has moved."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from audit.leaf import Leaf
from registry.model.actor import job
from registry.model.certificate import CertificateState
from registry.publication import publish
from registry.registration import retire
from registry.revocation import hold_device, release_device, revoke_certificate, revoke_device
from registry.status import (
    NOT_ISSUED,
    Status,
    certificate_status,
    changes_between,
    changes_since,
    log_size,
)
from registry.store.unit_of_work import Store
from registry.upkeep import expire, reconcile_intentions, void_unconfirmed
from tests.integration.store.test_statuses import record
from tests.unit.registry.hospital import DISPLAY, ENGINEER, MONITOR, PUMP, START, Hospital, device_key

S = CertificateState


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    opened = Store.open(url)
    yield opened
    opened.close()


def statuses(hospital: Hospital) -> dict[int, Status]:
    with hospital.store.read() as uow:
        return {
            int(each.certificate_serial, 16): certificate_status(int(each.certificate_serial, 16), uow)
            for each in uow.certificates.all()
        }


class Followed:
    """A hospital whose every act is compared with what the log says that it has moved."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital = hospital
        self.before, self.size = statuses(hospital), 0
        self.moved: list[int] = []

    def check(self) -> set[int]:
        """What has changed since the last check; the log must have named all of it, and exactly."""
        after = statuses(self.hospital)
        changed = {
            serial for serial, status in after.items() if self.before.get(serial, NOT_ISSUED) != status
        }
        with self.hospital.store.read() as uow:
            told = changes_between(self.size, log_size(uow), uow)
        assert told.serials is not None
        assert changed <= told.serials
        self.before, self.size = after, told.log_size
        return changed


def test_the_log_names_every_status_that_any_act_moves(hospital: Hospital) -> None:
    followed = Followed(hospital)
    device, first = hospital.active(DISPLAY)
    assert followed.check() == {int(first.certificate_serial, 16)}
    renewed = hospital.confirm(hospital.renew(device, first, key=device_key(1)), key=device_key(1))
    assert followed.check() == {int(each.certificate_serial, 16) for each in (first, renewed)}
    hold_device(device.device_id, "looks odd", ENGINEER, ports=hospital.ports)
    assert len(followed.check()) == 1
    release_device(device.device_id, ENGINEER, ports=hospital.ports)
    assert len(followed.check()) == 1
    hospital.seen[device.device_id] = 1
    pending = hospital.renew(device, renewed, "n2", key=device_key(2))
    followed.check()
    revoke_certificate(renewed.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    assert len(followed.check()) == 2, f"{pending.device_id}'s heir ends with it"
    monitor, _ = hospital.active(MONITOR)
    followed.check()
    revoke_device(monitor.device_id, "superseded", ENGINEER, ports=hospital.ports)
    assert len(followed.check()) == 1
    pump = hospital.admit(PUMP)
    hospital.enroll(pump)
    assert len(followed.check()) == 1
    retire(pump.device_id, ENGINEER, ports=hospital.ports)
    assert len(followed.check()) == 1
    publish(hospital.signer, job("publisher"), ports=hospital.ports)
    assert followed.check() == set()


def test_what_time_does_is_named_too(hospital: Hospital) -> None:
    followed = Followed(hospital)
    pending = hospital.enroll(hospital.admit(DISPLAY))
    hospital.active(MONITOR)
    with hospital.store.write() as uow:
        orphan = record(0x77, S.INTENDED, "issuing", minutes=100, has_der=False, dated=False)
        uow.certificates.add([orphan])
    followed.check()
    hospital.wait(days=2)
    reconcile_intentions(job("upkeep"), ports=hospital.ports)
    assert followed.check() == {0x77}
    hospital.wait(days=30)
    void_unconfirmed(job("upkeep"), ports=hospital.ports)
    assert len(followed.check()) == 1, f"{pending.device_id} never confirmed"
    hospital.wait(days=4_000)
    assert expire(job("upkeep"), ports=hospital.ports) == 1
    assert followed.check() == set()


def test_a_backlog_of_any_length_is_walked_in_steps(hospital: Hospital) -> None:
    device, record_ = hospital.active(DISPLAY)
    leaf = Leaf(kind="trust.judged", at=START, actor="job:test", subject=device.device_id)
    for _ in range(3):
        with hospital.store.write() as uow:
            uow.log.append(*[leaf] * 1_000)
    with hospital.store.read() as uow:
        size = log_size(uow)
        assert changes_since(0, uow).serials is None
        assert changes_since(size - 2_000, uow).serials == frozenset()
        seen, found, steps = 0, set(), 0
        while seen < size:
            step = changes_between(seen, seen + 700, uow)
            assert step.serials is not None
            found |= step.serials
            seen, steps = step.log_size, steps + 1
    assert (seen, steps) == (size, -(-size // 700))
    assert found == {int(record_.certificate_serial, 16)}


def test_a_device_without_certificates_moves_none(hospital: Hospital) -> None:
    device = hospital.admit(DISPLAY)
    with hospital.store.read() as uow:
        seen = log_size(uow)
    retire(device.device_id, ENGINEER, ports=hospital.ports)
    with hospital.store.read() as uow:
        assert changes_since(seen, uow).serials == frozenset()


@pytest.mark.parametrize(("seen", "upto"), [(9, 12), (-1, 1)])
def test_a_log_that_is_shorter_than_what_was_seen_says_nothing_exact(
    store: Store, seen: int, upto: int
) -> None:
    with store.write() as uow:
        uow.log.append(Leaf(kind="crl.published", at=START, actor="job:test", subject="issuing"))
    with store.read() as uow:
        assert changes_between(seen, upto, uow).serials is None
        told = changes_between(0, 5, uow)
    assert (told.log_size, told.serials, told.lists) == (1, frozenset(), True)


def test_a_leaf_that_is_gone_or_names_no_serial_may_have_been_anything(store: Store) -> None:
    with store.write() as uow:
        leaf = Leaf(kind="certificate.issued", at=START, actor="job:test", subject="mtd-1")
        uow.log.append(leaf, leaf)
    with store.read() as uow:
        assert changes_between(0, 2, uow).serials is None
    with store.engine.begin() as connection:
        connection.execute(text("DELETE FROM audit_entry"))
    with store.read() as uow:
        assert changes_between(0, 2, uow).serials is None
