"""Revocation lists: numbers only rise, nothing is forgotten, and others than we can read them."""

from __future__ import annotations

import multiprocessing
import subprocess
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from pki.crl import to_pem
from pki.crl_list import CertificateList, CrlReason, RevokedEntry
from registry.model.actor import job
from registry.model.certificate import CertificateState
from registry.model.errors import Refused, RegistryError
from registry.publication import publish
from registry.revocation import hold_device, release_device, revoke_certificate
from registry.store.lists import ListHead, StoredList
from registry.store.unit_of_work import Store
from tests.tools import require_tool
from tests.unit.registry.faults import server_certificate
from tests.unit.registry.hospital import DISPLAY, ENGINEER, PUMP, Hospital, authority, open_hospital

PUBLISHER = job("publisher")


def new_list(hospital: Hospital) -> CertificateList:
    hospital.wait(seconds=1)
    return CertificateList.parse(publish(hospital.signer, PUBLISHER, ports=hospital.ports).der)


def entries_of(crl: CertificateList) -> list[RevokedEntry]:
    return list(crl.entries())


def latest(hospital: Hospital) -> StoredList:
    with hospital.store.read() as uow:
        last = uow.lists.latest("issuing")
    assert last is not None
    return last


def numbers(hospital: Hospital) -> list[int]:
    with hospital.store.read() as uow:
        leaves = uow.log.read_entries(0, 10_000)
    return [int(leaf.split(b'"number":')[1].split(b"}")[0]) for leaf in leaves if b"crl.published" in leaf]


def test_numbers_rise_across_a_restart(hospital: Hospital, tmp_path: Path) -> None:
    assert [new_list(hospital).crl_number for _ in range(3)] == [1, 2, 3]
    hospital.store.close()
    again = open_hospital(tmp_path)
    again.now = hospital.now
    assert new_list(again).crl_number == 4
    again.store.close()


def test_a_number_whose_list_was_never_recorded_is_not_used_again(hospital: Hospital) -> None:
    new_list(hospital)
    with hospital.store.write() as uow:  # and here the process is killed
        [taken] = uow.lists.take_numbers([ListHead("issuing", 0, hospital.now, hospital.now)])
    last = latest(hospital)
    assert (taken, last.crl_number) == (2, 1)
    assert new_list(hospital).crl_number == 3


def test_a_revoked_certificate_stands_with_its_reason_and_time(hospital: Hospital) -> None:
    _, record = hospital.active(PUMP)
    revoke_certificate(record.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    (entry,) = entries_of(new_list(hospital))
    assert entry.certificate_serial == int(record.certificate_serial, 16)
    assert entry.reason is CrlReason.KEY_COMPROMISE
    assert entry.revoked_at == hospital.now - timedelta(seconds=1)


def test_a_hold_stands_while_it_lasts(hospital: Hospital) -> None:
    device, record = hospital.active(DISPLAY)
    hold_device(device.device_id, "", ENGINEER, ports=hospital.ports)
    (entry,) = entries_of(new_list(hospital))
    assert (entry.certificate_serial, entry.reason) == (
        int(record.certificate_serial, 16),
        CrlReason.CERTIFICATE_HOLD,
    )
    release_device(device.device_id, ENGINEER, ports=hospital.ports)
    assert not entries_of(new_list(hospital))


def test_an_expired_entry_stays_on_one_more_list(hospital: Hospital) -> None:
    record = server_certificate(hospital, issuer="issuing", days=1)
    revoke_certificate(record.certificate_serial, "superseded", ENGINEER, ports=hospital.ports)
    assert len(entries_of(new_list(hospital))) == 1
    hospital.wait(days=2)
    assert len(entries_of(new_list(hospital))) == 1
    assert not entries_of(new_list(hospital))


@pytest.mark.parametrize("milliseconds", [-500, 0, 1, 500, 999, 1000])
def test_no_moment_of_expiry_stops_the_lists_after_it(hospital: Hospital, milliseconds: int) -> None:
    record = server_certificate(hospital, issuer="issuing", days=1)
    revoke_certificate(record.certificate_serial, "superseded", ENGINEER, ports=hospital.ports)
    hospital.now = record.not_after + timedelta(milliseconds=milliseconds) - timedelta(seconds=2)
    lengths = [len(entries_of(new_list(hospital))) for _ in range(4)]
    assert lengths[0] == 1
    assert lengths[-1] == 0
    assert lengths == sorted(lengths, reverse=True)


def test_a_lost_row_stops_the_list_and_the_last_one_stays(hospital: Hospital, tmp_path: Path) -> None:
    _, record = hospital.active(PUMP)
    revoke_certificate(record.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    before = new_list(hospital)
    engine = create_engine(f"sqlite:///{tmp_path / 'registry.db'}")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM request"))
        connection.execute(text("DELETE FROM certificate"))
        connection.execute(text("DELETE FROM revocation"))
    with pytest.raises(Refused, match="forgotten") as refused:
        new_list(hospital)
    assert refused.value.field == "crl.entries_lost"
    last = latest(hospital)
    assert CertificateList.parse(last.der).crl_number == before.crl_number


def test_an_entry_that_was_lost_comes_back_from_the_certificate(hospital: Hospital, tmp_path: Path) -> None:
    _, record = hospital.active(PUMP)
    revoke_certificate(record.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    before = entries_of(new_list(hospital))
    engine = create_engine(f"sqlite:///{tmp_path / 'registry.db'}")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM revocation"))
    assert entries_of(new_list(hospital)) == before != []


def test_a_row_that_turned_good_again_without_a_release_still_counts_as_known(hospital: Hospital) -> None:
    device, record = hospital.active(DISPLAY)
    hold_device(device.device_id, "", ENGINEER, ports=hospital.ports)
    new_list(hospital)
    release_device(device.device_id, ENGINEER, ports=hospital.ports)
    assert hospital.certificate(record.certificate_serial).state is CertificateState.ACTIVE
    assert new_list(hospital).crl_number == 2


def test_threads_publish_at_once(hospital: Hospital) -> None:
    failed: list[Exception] = []

    def work() -> None:
        try:
            for _ in range(3):
                publish(hospital.signer, PUBLISHER, ports=hospital.ports)
        except RegistryError as problem:
            failed.append(problem)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert numbers(hospital) == sorted(set(numbers(hospital)))
    assert latest(hospital).crl_number == 12


def _publish_many(url: str, count: int) -> None:
    hospital = Hospital(Store.open(url))
    for _ in range(count):
        publish(hospital.signer, PUBLISHER, ports=hospital.ports)
    hospital.store.close()


def test_processes_publish_at_once_and_no_number_is_used_twice(hospital: Hospital, tmp_path: Path) -> None:
    authority()  # before the fork: both processes are the same CA
    _, record = hospital.active(PUMP)
    revoke_certificate(record.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    hospital.store.close()
    url = f"sqlite:///{tmp_path / 'registry.db'}"
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=_publish_many, args=(url, 5)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    again = open_hospital(tmp_path)
    assert numbers(again) == sorted(set(numbers(again)))
    last = latest(again)
    assert last.crl_number == 10
    assert len(entries_of(CertificateList.parse(last.der))) == 1
    again.store.close()


def test_openssl_reads_and_verifies_the_list(hospital: Hospital, tmp_path: Path) -> None:
    openssl = require_tool("openssl", "another pair of eyes on our lists")
    _, record = hospital.active(PUMP)
    revoke_certificate(record.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    stored = publish(hospital.signer, PUBLISHER, ports=hospital.ports)
    (tmp_path / "issuing.crl").write_text(to_pem(stored.der))
    (tmp_path / "issuing.der").write_bytes(authority()[1].der)
    pem = [openssl, "x509", "-inform", "DER", "-in", "issuing.der", "-out", "issuing.pem"]
    subprocess.run(pem, cwd=tmp_path, check=True)
    read = [openssl, "crl", "-in", "issuing.crl", "-CAfile", "issuing.pem", "-noout", "-text"]
    shown = subprocess.run(read, cwd=tmp_path, check=True, capture_output=True, text=True)
    assert "verify OK" in shown.stderr
    assert record.certificate_serial.upper() in shown.stdout
    assert "Key Compromise" in shown.stdout
