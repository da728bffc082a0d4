"""Parts and deltas beside the whole list: each says the same, and only what changed is signed anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from pki.crl_list import CertificateList, CrlReason
from pki.crl_shard import all_shards, shard_of
from registry.list_scopes import ListSigner, is_scope, scopes_changed, scopes_due
from registry.model.actor import job
from registry.model.certificate import CertificateRecord
from registry.model.errors import Refused
from registry.publication import DELTA, WHOLE, publish_lists
from registry.revocation import hold_device, release_device, revoke_certificate
from tests.unit.registry.faults import server_certificate
from tests.unit.registry.hospital import DISPLAY, ENGINEER, Hospital

PUBLISHER = job("publisher")
URL = "http://127.0.0.1/crl/issuing.crl"


def signer(hospital: Hospital, shards: int = 16, *, deltas: bool = True) -> ListSigner:
    return replace(hospital.signer, url=URL, shards=shards, deltas=deltas)


def publish(hospital: Hospital, by: ListSigner, scopes: Iterable[str]) -> dict[str, CertificateList]:
    hospital.wait(seconds=1)
    lists = publish_lists(by, list(scopes), PUBLISHER, ports=hospital.ports)
    return {stored.scope: CertificateList.parse(stored.der) for stored in lists}


def revoked(hospital: Hospital, count: int) -> list[CertificateRecord]:
    records = [server_certificate(hospital, issuer="issuing", days=30) for _ in range(count)]
    for record in records:
        revoke_certificate(record.certificate_serial, "superseded", ENGINEER, ports=hospital.ports)
    return records


def part_of(record: CertificateRecord, count: int = 16) -> str:
    return str(shard_of(int(record.certificate_serial, 16), count))


def test_parts_hold_exactly_the_whole_list_between_them(hospital: Hospital) -> None:
    by = signer(hospital)
    records = revoked(hospital, 12)
    lists = publish(hospital, by, scopes_changed(by, ports=hospital.ports))
    assert set(lists) == {*map(str, all_shards(16)), WHOLE, DELTA}
    parts = [lists[str(shard)] for shard in all_shards(16)]
    assert frozenset().union(*(part.serials for part in parts)) == lists[WHOLE].serials
    assert sum(part.entry_count for part in parts) == 12
    for record in records:
        assert int(record.certificate_serial, 16) in lists[part_of(record)].serials
    assert {part.distribution_point for part in parts} == {
        (f"http://127.0.0.1/crl/issuing/{shard}.crl",) for shard in all_shards(16)
    }
    assert len({crl.crl_number for crl in lists.values()}) == len(lists)


def test_a_revocation_changes_its_part_the_whole_list_and_the_delta(hospital: Hospital) -> None:
    by = signer(hospital)
    publish(hospital, by, scopes_changed(by, ports=hospital.ports))
    assert scopes_changed(by, ports=hospital.ports) == []
    (record,) = revoked(hospital, 1)
    changed = scopes_changed(by, ports=hospital.ports)
    assert changed == [part_of(record), WHOLE, DELTA]
    lists = publish(hospital, by, changed)
    serials = {frozenset(crl.serials) for crl in lists.values()}
    assert serials == {frozenset({int(record.certificate_serial, 16)})}
    assert scopes_changed(by, ports=hospital.ports) == []


def test_a_release_leaves_the_part_and_is_said_by_the_delta(hospital: Hospital) -> None:
    by = signer(hospital)
    device, record = hospital.active(DISPLAY)
    serial = int(record.certificate_serial, 16)
    hold_device(device.device_id, "", ENGINEER, ports=hospital.ports)
    held = publish(hospital, by, scopes_changed(by, ports=hospital.ports))
    assert held[part_of(record)].revoked(serial) is not None
    release_device(device.device_id, ENGINEER, ports=hospital.ports)
    lists = publish(hospital, by, scopes_changed(by, ports=hospital.ports))
    assert lists[WHOLE].revoked(serial) is lists[part_of(record)].revoked(serial) is None
    entry = lists[DELTA].revoked(serial)
    assert entry is not None
    assert entry.reason is CrlReason.REMOVE_FROM_CRL


def test_a_delta_builds_upon_the_oldest_whole_list_in_force(hospital: Hospital) -> None:
    by = signer(hospital, shards=1)
    first = publish(hospital, by, [WHOLE])[WHOLE]
    one, two = revoked(hospital, 1)[0], None
    publish(hospital, by, [WHOLE, DELTA])
    two = revoked(hospital, 1)[0]
    delta = publish(hospital, by, [WHOLE, DELTA])[DELTA]
    assert delta.base_crl_number == first.crl_number
    assert delta.serials == {int(one.certificate_serial, 16), int(two.certificate_serial, 16)}
    hospital.now = first.next_update + timedelta(seconds=1)
    later = publish(hospital, by, [WHOLE, DELTA])[DELTA]
    assert later.base_crl_number is not None
    assert later.base_crl_number > first.crl_number


def test_a_delta_upon_nothing_is_refused(hospital: Hospital) -> None:
    by = signer(hospital)
    with pytest.raises(Refused, match="none is in force") as refused:
        publish(hospital, by, [DELTA])
    assert refused.value.field == "scope"


def test_the_whole_list_names_its_deltas_only_where_there_are_any(hospital: Hospital) -> None:
    named = publish(hospital, signer(hospital), [WHOLE])[WHOLE]
    plain = publish(hospital, signer(hospital, deltas=False), [WHOLE])[WHOLE]
    fresh = b"http://127.0.0.1/crl/issuing/delta.crl"
    assert fresh in named.der
    assert fresh not in plain.der


def test_parts_that_certificates_name_go_on_after_the_setting_changed(hospital: Hospital) -> None:
    before = signer(hospital)
    publish(hospital, before, scopes_changed(before, ports=hospital.ports))
    after = signer(hospital, shards=64)
    (record,) = revoked(hospital, 1)
    changed = scopes_changed(after, ports=hospital.ports)
    assert part_of(record, 16) in changed
    assert set(map(str, all_shards(64))) <= set(changed)
    lists = publish(hospital, after, changed)
    assert lists[part_of(record, 16)].serials == lists[part_of(record, 64)].serials != frozenset()
    whole_again = signer(hospital, shards=1)
    hospital.wait(hours=9)
    assert len(scopes_due(whole_again, ports=hospital.ports)) == 16 + 64 + 2


def test_lists_fall_due_at_a_third_of_their_life_and_when_the_clock_went_back(hospital: Hospital) -> None:
    by = signer(hospital)
    everything = scopes_due(by, ports=hospital.ports)
    assert len(everything) == 18
    publish(hospital, by, everything)
    assert scopes_due(by, ports=hospital.ports) == []
    hospital.wait(hours=8)
    assert scopes_due(by, ports=hospital.ports) == everything
    publish(hospital, by, everything[:4])
    assert scopes_due(by, ports=hospital.ports) == everything[4:]
    hospital.now -= timedelta(days=2)
    assert scopes_due(by, ports=hospital.ports) == everything


def test_a_part_that_would_forget_is_refused_and_the_last_one_stays(
    hospital: Hospital, tmp_path: Path
) -> None:
    by = signer(hospital)
    (record,) = revoked(hospital, 1)
    name = part_of(record)
    before = publish(hospital, by, [name])[name]
    engine = create_engine(f"sqlite:///{tmp_path / 'registry.db'}")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM revocation"))
        connection.execute(text("DELETE FROM certificate"))
    with pytest.raises(Refused, match="forgotten") as refused:
        publish(hospital, by, [name])
    assert refused.value.field == "crl.entries_lost"
    with hospital.store.read() as uow:
        stored = uow.lists.latest("issuing", name)
    assert stored is not None
    assert stored.crl_number == before.crl_number


def test_an_expired_entry_stays_on_one_more_part(hospital: Hospital) -> None:
    by = signer(hospital)
    (record,) = revoked(hospital, 1)
    name = part_of(record)
    hospital.now = record.not_after + timedelta(days=1)
    lengths = [publish(hospital, by, [name])[name].entry_count for _ in range(3)]
    assert lengths == [0, 0, 0]  # no list stood before it expired: none was owed
    (again,) = revoked(hospital, 1)
    name = part_of(again)
    publish(hospital, by, [name])
    hospital.now = again.not_after + timedelta(days=1)
    assert [publish(hospital, by, [name])[name].entry_count for _ in range(3)] == [1, 0, 0]


def test_old_octets_are_let_go_and_numbers_are_not(hospital: Hospital, tmp_path: Path) -> None:
    by = signer(hospital)
    for _ in range(4):
        publish(hospital, by, ["16-3", WHOLE, DELTA])
    engine = create_engine(f"sqlite:///{tmp_path / 'registry.db'}")
    with engine.connect() as connection:
        kept = connection.execute(
            text("SELECT scope, crl_number FROM crl JOIN crl_octets USING (issuer, crl_number)")
        ).all()
    assert sorted(kept) == [("16-3", 10), ("delta", 12), ("whole", 11)]
    hospital.wait(days=2)
    assert publish(hospital, by, ["16-3"])["16-3"].crl_number == 13
    with engine.connect() as connection:
        parts = connection.execute(text("SELECT crl_number FROM crl WHERE scope = '16-3'")).scalars().all()
    assert sorted(parts) == [10, 13]


@pytest.mark.parametrize(
    ("name", "is_one"),
    [(WHOLE, True), (DELTA, True), ("16-15", True), ("16-16", False), ("016-1", False), ("../x", False)],
)
def test_what_a_scope_may_be_called(name: str, is_one: bool) -> None:
    assert is_scope(name) is is_one
