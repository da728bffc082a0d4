"""A batch of certificates: one commit for the intentions, one for the facts, and what each may write."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from pki.csr import Request, build
from pki.profiles import DEVICE
from registry.issuance import Issuance, IssuanceOrder, issue_batch
from registry.model.certificate import CertificateState
from registry.model.device import Device
from registry.pending import facts_of
from tests.unit.registry.hospital import DISPLAY, ENGINEER, Hospital, device_key


def order(hospital: Hospital, device: Device) -> IssuanceOrder:
    request = Request.parse(build(device_key(), common_name=device.device_id))
    return IssuanceOrder(
        DEVICE, facts_of(device, hospital.parts), request, DEVICE.lifetime, device_id=device.device_id
    )


def issued(hospital: Hospital, orders: list[IssuanceOrder]) -> list[Issuance]:
    return issue_batch(orders, ENGINEER, ports=hospital.ports, issuer=hospital.parts.issuer)


def test_a_batch_is_logged_in_order_intentions_first(hospital: Hospital) -> None:
    device = hospital.admit(DISPLAY)
    with hospital.store.read() as uow:
        before = uow.log.read_frontier().size
    done = issued(hospital, [order(hospital, device) for _ in range(3)])
    assert [one.log_index for one in done] == [before + 3, before + 4, before + 5]
    with hospital.store.read() as uow:
        kept = [uow.certificates.get(one.record.certificate_serial) for one in done]
    assert [record.state if record else None for record in kept] == [CertificateState.ACTIVE] * 3
    assert [record.der if record else None for record in kept] == [one.record.der for one in done]


def test_what_an_intention_says_is_not_written_again(hospital: Hospital) -> None:
    (done,) = issued(hospital, [order(hospital, hospital.admit(DISPLAY))])
    forged = replace(done.record, tbs_digest=b"another", profile="root", state=CertificateState.REVOKED)
    with hospital.store.write() as uow:
        uow.certificates.save(forged)
        kept = uow.certificates.get(done.record.certificate_serial)
    assert kept is not None
    assert kept.state is CertificateState.REVOKED
    assert (kept.tbs_digest, kept.profile) == (done.record.tbs_digest, DEVICE.name)


def test_the_clock_is_noted_to_the_second_and_never_back(hospital: Hospital) -> None:
    device = hospital.admit(DISPLAY)
    start = hospital.now
    seen = []
    for moment in (timedelta(0), timedelta(milliseconds=999), timedelta(seconds=1), timedelta(seconds=-60)):
        hospital.now = start + moment
        issued(hospital, [order(hospital, device)])
        with hospital.store.read() as uow:
            seen.append(uow.operations.clock_seen())
    assert seen == [start, start, start + timedelta(seconds=1), start + timedelta(seconds=1)]
