"""What both engines promise: the declared schema, the whole walk, one writer, clashes without contents."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

from registry.audit_trail import verify
from registry.model.actor import job
from registry.model.certificate import CertificateState
from registry.model.device import DeviceState
from registry.model.errors import BadInput, Conflict, DependencyDown, RegistryError
from registry.publication import publish
from registry.revocation import release_device, revoke_certificate
from registry.store.engine import open_engine
from registry.store.unit_of_work import Store
from tests.unit.registry.hospital import DISPLAY, ENGINEER, PUMP, Hospital, device_key
from tests.unit.registry.telemetry import altered, behave, send, vouch_for_firmware


def test_a_migrated_store_is_the_declared_one(url: str) -> None:
    engine = open_engine(url)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
    engine.dispose()
    assert differences == []


def test_a_store_of_a_newer_medtrust_is_refused(url: str) -> None:
    open_engine(url).dispose()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(RegistryError, match="newer") as refused:
        open_engine(url)
    assert refused.value.field == "schema"
    engine.dispose()


def test_the_whole_walk(hospital: Hospital) -> None:
    vouch_for_firmware(hospital)
    device, old = hospital.active(DISPLAY)
    hospital.confirm(hospital.renew(device, old, key=device_key(1)), key=device_key(1))
    behave(hospital, device, 3, seq=1)
    send(hospital, device, altered(hospital, 10))
    assert hospital.device(device.device_id).state is DeviceState.HELD
    release_device(device.device_id, ENGINEER, ports=hospital.ports)
    revoke_certificate(old.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    assert publish(hospital.signer, job("publisher"), ports=hospital.ports).crl_number == 1
    assert [c.state for c in hospital.certificates()].count(CertificateState.ACTIVE) == 1
    assert verify([], "", ports=hospital.ports).problems == ()


def test_the_same_label_again_is_the_same_row(hospital: Hospital) -> None:
    device = hospital.admit(PUMP)
    with hospital.store.read() as uow:
        found = uow.devices.by_udi("gs1", device.udi_di or "", "PUMP-1")
    assert found == hospital.device(device.device_id)


def test_a_clash_names_the_place_and_never_the_content(hospital: Hospital) -> None:
    device = hospital.device(hospital.admit(PUMP).device_id)
    twin = replace(device, device_id=type(device.device_id)("mtd-twin-twin"))
    with pytest.raises(Conflict) as refused, hospital.store.write() as uow:
        uow.devices.add(twin)
    said = f"{refused.value} {refused.value.field}"
    assert "PUMP-1" not in said
    assert "INSERT" not in said.upper()
    assert "device" in refused.value.field
    assert hospital.device(device.device_id) == device


def test_writers_stand_in_a_queue_across_connections(url: str) -> None:
    Store.open(url).close()
    stores = [Store.open(url) for _ in range(4)]
    hospitals = [Hospital(store) for store in stores]
    failed: list[RegistryError] = []

    def work(hospital: Hospital) -> None:
        try:
            for _ in range(3):
                publish(hospital.signer, job("publisher"), ports=hospital.ports)
        except RegistryError as problem:
            failed.append(problem)

    threads = [threading.Thread(target=work, args=(hospital,)) for hospital in hospitals]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with stores[0].read() as uow:
        last = uow.lists.latest("issuing")
    assert last is not None
    assert last.crl_number == 12
    assert verify([], "", ports=hospitals[0].ports).problems == ()
    for store in stores:
        store.close()


def test_a_store_that_somebody_else_holds_is_a_dependency_and_changes_nothing(url: str) -> None:
    holder, waiting = Store.open(url), Hospital(Store.open(url))
    with holder.write(), pytest.raises(DependencyDown) as refused:
        waiting.admit(PUMP)
    assert refused.value.field == "store.url"
    with holder.read() as uow:
        assert (uow.devices.count(), uow.log.read_frontier().size) == (0, 0)
    waiting.admit(PUMP)
    holder.close()
    waiting.store.close()


def test_what_is_written_in_a_read_stays_nowhere(hospital: Hospital) -> None:
    device = hospital.admit(PUMP)
    try:
        with hospital.store.read() as uow:
            uow.devices.set_state(device.device_id, DeviceState.RETIRED)
    except DependencyDown:  # PostgreSQL refuses it at once
        pass
    assert hospital.device(device.device_id).state is DeviceState.APPROVED


@pytest.mark.parametrize("bad", ["", "nonsense", "oracle://user:hunter2@x/y", "sqlite:////nowhere/at/all.db"])
def test_a_url_that_leads_nowhere_is_a_sentence_without_the_url(bad: str) -> None:
    with pytest.raises(RegistryError) as refused:
        open_engine(bad)
    assert isinstance(refused.value, BadInput | DependencyDown)
    assert "hunter2" not in str(refused.value)
    assert refused.value.field == "store.url"
