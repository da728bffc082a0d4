"""Statements that go to the driver as they are: the same answers, errors and rows on both engines."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from registry.model.certificate import CertificateRecord, CertificateState, of_int
from registry.model.errors import Conflict
from registry.store.unit_of_work import Store
from tests.unit.registry.hospital import DISPLAY, Hospital

NOW = datetime(2026, 11, 22, 10, 0, 0, 123_000, tzinfo=UTC)


def intention(number: int) -> CertificateRecord:
    return CertificateRecord(
        certificate_serial=of_int(1 << 120 | number),
        issuer="issuing",
        profile="device",
        subject=f"mtd-{number:08}",
        state=CertificateState.INTENDED,
        not_before=NOW,
        not_after=NOW + timedelta(days=1),
        tbs_digest=hashlib.sha256(b"%d" % number).digest(),
        intended_at=NOW,
    )


def signed(record: CertificateRecord) -> CertificateRecord:
    der = b"\x00\xff" + record.tbs_digest
    active, print_ = CertificateState.ACTIVE, hashlib.sha256(der).hexdigest()
    return replace(record, state=active, der=der, fingerprint=print_, issued_at=NOW, confirmed_at=NOW)


def test_a_record_comes_back_as_it_went(hospital: Hospital) -> None:
    records = [intention(number) for number in range(3)]
    with hospital.store.write() as uow:
        uow.certificates.add(records)
        assert uow.certificates.record_signed([signed(record) for record in records])
    with hospital.store.read() as uow:
        found = [uow.certificates.get(record.certificate_serial) for record in records]
        by_print = uow.certificates.by_fingerprint(signed(records[1]).fingerprint or "")
    assert found == [signed(record) for record in records]
    assert by_print == found[1]


@pytest.mark.parametrize("count", [1, 5])
def test_one_that_is_no_longer_open_refuses_the_whole_batch(hospital: Hospital, count: int) -> None:
    records = [intention(number) for number in range(count)]
    with hospital.store.write() as uow:
        uow.certificates.add(records)
        uow.certificates.save(replace(records[0], state=CertificateState.ABANDONED, revoked_at=NOW))
        assert not uow.certificates.record_signed([signed(record) for record in records])


@pytest.mark.parametrize("again", [[7], [8, 7]], ids=["one row", "several rows"])
def test_a_clash_is_a_conflict_without_the_content(hospital: Hospital, again: list[int]) -> None:
    with hospital.store.write() as uow:
        uow.certificates.add([intention(7)])
    with pytest.raises(Conflict) as refused, hospital.store.write() as uow:
        uow.certificates.add([intention(number) for number in again])
    assert "certificate" in refused.value.field
    assert "mtd-" not in f"{refused.value} {refused.value.field}"
    with hospital.store.read() as uow:
        assert uow.certificates.get(intention(8).certificate_serial) is None


@pytest.mark.parametrize("asked", [1, 2, 3, 511, 512, 513, 1300])
def test_any_number_of_keys_finds_each_holder_once(hospital: Hospital, asked: int) -> None:
    keys = [hashlib.sha256(b"key %d" % number).digest() for number in range(asked)]
    held = {keys[0]: intention(1), keys[-1]: intention(2)}
    with hospital.store.write() as uow:
        uow.certificates.add([intention(1), intention(2)])
        uow.certificates.add_keys((key, record.certificate_serial) for key, record in held.items())
        found = uow.certificates.holders_of(keys)
    assert {holder.key_sha256: holder.certificate_serial for holder in found} == {
        key: record.certificate_serial for key, record in held.items()
    }
    assert len(found) == len(held)


def test_no_keys_have_no_holders(hospital: Hospital) -> None:
    with hospital.store.read() as uow:
        assert uow.certificates.holders_of([]) == []


def test_a_naive_time_never_reaches_the_store(hospital: Hospital) -> None:
    with pytest.raises(TypeError, match="naive"), hospital.store.write() as uow:
        uow.certificates.add([replace(intention(1), intended_at=NOW.replace(tzinfo=None))])
    with hospital.store.read() as uow:
        assert uow.certificates.all() == []


def test_products_with_their_lists_come_back_as_they_went(hospital: Hospital) -> None:
    device = hospital.admit(DISPLAY)
    with hospital.store.read() as uow:
        found, listed = uow.devices.get(device.device_id), uow.devices.all()
    assert [found] == listed
    assert found is not None
    assert found.product == device.product


def test_a_held_store_is_asked_again_and_again_and_had_when_it_is_free(url: str) -> None:
    holder, waiting = Store.open(url), Store.open(url)
    entered = threading.Event()

    def hold() -> None:
        with holder.write():
            entered.set()
            time.sleep(0.3)

    thread = threading.Thread(target=hold)
    thread.start()
    entered.wait(10)
    with waiting.write() as uow:
        uow.certificates.add([intention(1)])
    thread.join()
    with holder.read() as uow:
        assert uow.certificates.get(intention(1).certificate_serial) == intention(1)
    holder.close()
    waiting.close()
