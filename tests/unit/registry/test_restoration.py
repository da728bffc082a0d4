"""Yesterday's copy of the store: refused, or taken up with every revocation that was published."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from audit.keys import ed25519_signer
from pki.crl_list import CertificateList
from registry.audit_trail import sign
from registry.list_scopes import scopes_changed
from registry.model.actor import job
from registry.model.certificate import CertificateState
from registry.publication import WHOLE, publish, publish_lists
from registry.restoration import OlderStore, SeenOutside, accept_older, refuse_older
from registry.revocation import hold_device, revoke_certificate, revoke_device
from tests.unit.registry.hospital import (
    DISPLAY,
    ENGINEER,
    MONITOR,
    PUMP,
    VENTILATOR,
    Hospital,
    device_key,
    open_hospital,
)

ORIGIN = "medtrust/test"
SIGNER = ed25519_signer(ORIGIN, bytes(32))
PUBLISHER = job("publisher")


def _published(hospital: Hospital) -> SeenOutside:
    sign([SIGNER], ORIGIN, ports=hospital.ports)
    with hospital.store.read() as uow:
        note = uow.log.last_checkpoint()
    return SeenOutside(publish(hospital.signer, PUBLISHER, ports=hospital.ports).der, note)


def _copy(hospital: Hospital, folder: Path) -> Hospital:
    """What a backup of the file would hold now."""
    folder.mkdir()
    with hospital.store.write():
        for file in folder.parent.glob("registry.db*"):
            shutil.copy(file, folder)
    copy = open_hospital(folder)
    copy.now = hospital.now
    return copy


@pytest.fixture
def yesterday(hospital: Hospital, tmp_path: Path) -> tuple[Hospital, SeenOutside, str, str]:
    """(the copy, what was published after it, a serial it knows, one it does not); both revoked since."""
    known, record = hospital.active(PUMP)
    held, _ = hospital.active(DISPLAY)
    _published(hospital)
    copy = _copy(hospital, tmp_path / "copy")
    hospital.wait(hours=1)
    later = hospital.admit(VENTILATOR)
    key = device_key(1)
    newer = hospital.confirm(hospital.enroll(later, key=key), key=key)
    revoke_device(known.device_id, "keyCompromise", ENGINEER, ports=hospital.ports)
    revoke_device(later.device_id, "keyCompromise", ENGINEER, ports=hospital.ports)
    hold_device(held.device_id, "looked odd", ENGINEER, ports=hospital.ports)
    seen = _published(hospital)
    copy.now = hospital.now
    return copy, seen, record.certificate_serial, newer.certificate_serial


def test_the_present_store_is_not_old(hospital: Hospital) -> None:
    hospital.active(PUMP)
    seen = _published(hospital)
    refuse_older(seen, ports=hospital.ports)
    with hospital.store.read() as uow:
        assert uow.lists.latest("issuing") is not None


def test_an_older_copy_is_refused_by_its_list_and_by_its_log(
    yesterday: tuple[Hospital, SeenOutside, str, str],
) -> None:
    copy, seen, _, _ = yesterday
    for part in (SeenOutside(seen.last_list, None), SeenOutside(None, seen.checkpoint)):
        with pytest.raises(OlderStore, match="older copy") as refused:
            refuse_older(part, ports=copy.ports)
        assert "--accept-older-store" in refused.value.next_step


def test_accepted_it_takes_over_every_published_revocation(
    yesterday: tuple[Hospital, SeenOutside, str, str],
) -> None:
    copy, seen, known, unknown = yesterday
    assert copy.certificate(known).state is CertificateState.ACTIVE
    assert accept_older(seen, ENGINEER, ports=copy.ports) == 3
    assert copy.certificate(known).state is CertificateState.REVOKED
    assert copy.certificate(unknown).reason == "keyCompromise"
    before = CertificateList.parse(seen.last_list or b"")
    after = CertificateList.parse(publish(copy.signer, PUBLISHER, ports=copy.ports).der)
    assert after.crl_number == before.crl_number + 1
    assert set(before.serials) <= set(after.serials)
    assert copy.log_kinds()[-2:] == ["store.older_accepted", "crl.published"]


def test_parts_that_are_newer_than_the_whole_list_count_too(
    yesterday: tuple[Hospital, SeenOutside, str, str], hospital: Hospital
) -> None:
    copy, seen, *_ = yesterday
    by = replace(hospital.signer, url="http://127.0.0.1/crl/issuing.crl", shards=16, deltas=True)
    _, record = hospital.active(MONITOR)
    revoke_certificate(record.certificate_serial, "superseded", ENGINEER, ports=hospital.ports)
    scopes = [s for s in scopes_changed(by, ports=hospital.ports) if s != WHOLE]
    parts = publish_lists(by, scopes, PUBLISHER, ports=hospital.ports)
    ahead = replace(seen, last_list=None, checkpoint=None, parts={"issuing": [part.der for part in parts]})
    with pytest.raises(OlderStore, match=f"list {parts[-1].crl_number} of issuing"):
        refuse_older(ahead, ports=copy.ports)
    assert accept_older(ahead, ENGINEER, ports=copy.ports) >= 1
    assert copy.certificate(record.certificate_serial).state is CertificateState.REVOKED
    refuse_older(ahead, ports=copy.ports)
    assert publish(copy.signer, PUBLISHER, ports=copy.ports).crl_number == parts[-1].crl_number + 1
