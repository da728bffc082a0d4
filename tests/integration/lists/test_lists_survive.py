"""Killed at any moment, two at once, the disk full: no number twice, no half list, nothing forgotten."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from audit.leaf import DetailValue
from pki.crl_checks import verify_crl
from pki.crl_list import CertificateList
from registry.audit_trail import entries, verify
from registry.list_scopes import scopes_changed
from registry.model.actor import job
from registry.model.certificate import CertificateState
from registry.model.errors import DependencyDown
from registry.publication import WHOLE
from registry.revocation import revoke_certificate
from service.home import Home
from service.publisher import Publisher, list_file
from tests.integration.lists.publishing_forever import keep_authority, signer_of
from tests.unit.registry.faults import server_certificate
from tests.unit.registry.hospital import ENGINEER, Hospital, authority, open_hospital

ROOT = Path(__file__).parents[3]
KILLS = 6


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A home's folders, and the CA's keys for the processes."""
    tmp_path.chmod(0o700)
    for name in ("public", "run"):
        (tmp_path / name).mkdir(mode=0o700)
    keep_authority(tmp_path)
    return tmp_path


def start(folder: Path, how_often: int = 0) -> subprocess.Popen[bytes]:
    command = [
        sys.executable,
        "-m",
        "tests.integration.lists.publishing_forever",
        str(folder),
        str(how_often),
    ]
    return subprocess.Popen(command, cwd=ROOT)


def signed(folder: Path) -> list[int]:
    path = folder / "signed"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def published(hospital: Hospital) -> list[dict[str, DetailValue]]:
    leaves = [leaf for _, leaf in entries(ports=hospital.ports, limit=100_000)]
    return [dict(leaf.detail) for leaf in leaves if leaf.kind == "crl.published"]


def check(hospital: Hospital, folder: Path) -> None:
    """Every promise about numbers, lists and files."""
    numbers, told = signed(folder), published(hospital)
    assert len(set(numbers)) == len(numbers)
    recorded = [int(str(detail["number"])) for detail in told]
    assert set(recorded) <= set(numbers)
    assert len(set(recorded)) == len(recorded)
    with hospital.store.read() as uow:
        heads = uow.lists.heads("issuing")
        stored = {scope: uow.lists.latest("issuing", scope) for scope in heads}
    for scope, each in stored.items():
        assert each is not None
        assert verify_crl(CertificateList.parse(each.der), authority()[1]) == ()
        of_scope = [int(str(d["number"])) for d in told if d.get("list", WHOLE) == scope]
        assert of_scope == sorted(of_scope)
        assert of_scope[-1] == each.crl_number
    for scope in heads:
        path = list_file(Home(folder), "issuing", scope)
        if path.exists():
            each = stored[scope]
            assert each is not None
            assert CertificateList.parse(path.read_bytes()).crl_number <= each.crl_number
    assert verify([], "", ports=hospital.ports).problems == ()


def test_killed_again_and_again_lists_keep_their_word(folder: Path) -> None:
    for kill in range(KILLS):
        before = len(signed(folder))
        process = start(folder)
        for _ in range(6000):
            if len(signed(folder)) >= before + 22 or process.poll() is not None:
                break
            time.sleep(0.01)
        time.sleep(kill * 0.003)
        process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL
        hospital = open_hospital(folder)
        hospital.now = datetime.now(UTC)
        check(hospital, folder)
        publisher = Publisher(Home(folder), hospital.ports)
        publisher.catch_up(["issuing"])
        assert publisher.catch_up(["issuing"]) == 0
        by = signer_of(hospital, folder / "signed")
        publisher.publish(by, scopes_changed(by, ports=hospital.ports), job("publisher"))
        check(hospital, folder)
        _nothing_is_forgotten(hospital)
        hospital.store.close()
    assert len(signed(folder)) >= 22 * KILLS


def _nothing_is_forgotten(hospital: Hospital) -> None:
    revoked = {int(c.certificate_serial, 16) for c in hospital.certificates() if c.state.is_revoked}
    with hospital.store.read() as uow:
        lists = {
            scope: CertificateList.parse(uow.lists.octets(head)).serials
            for scope, head in uow.lists.heads("issuing").items()
        }
    assert lists[WHOLE] == revoked
    assert frozenset().union(*(lists[scope] for scope in lists if "-" in scope)) == revoked


def test_two_publishers_at_once_leave_the_newest_list_in_each_file(folder: Path) -> None:
    open_hospital(folder).store.close()
    both = [start(folder, 8), start(folder, 8)]
    assert [process.wait(120) for process in both] == [0, 0]
    hospital = open_hospital(folder)
    check(hospital, folder)
    with hospital.store.read() as uow:
        for scope, head in uow.lists.heads("issuing").items():
            assert list_file(Home(folder), "issuing", scope).read_bytes() == uow.lists.octets(head)
    held = [c for c in hospital.certificates() if c.state is CertificateState.REVOKED]
    assert len(held) >= 10
    hospital.store.close()


def revoked_one(hospital: Hospital) -> int:
    record = server_certificate(hospital, issuer="issuing")
    revoke_certificate(record.certificate_serial, "superseded", ENGINEER, ports=hospital.ports)
    return int(record.certificate_serial, 16)


@contextmanager
def files_no_longer_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_store_that_is_full_keeps_the_last_list_in_force(folder: Path) -> None:
    hospital = open_hospital(folder)
    publisher = Publisher(Home(folder), hospital.ports)
    by = signer_of(hospital)
    (first,) = publisher.publish(by, [WHOLE], ENGINEER)
    serial = revoked_one(hospital)
    hospital.wait(seconds=1)
    with files_no_longer_than(4096), pytest.raises(DependencyDown) as full:
        publisher.publish(by, [WHOLE], ENGINEER)
    assert full.value.next_step
    path = list_file(Home(folder), "issuing", WHOLE)
    assert path.read_bytes() == first.der
    with hospital.store.read() as uow:
        latest = uow.lists.latest("issuing")
    assert latest is not None
    assert latest.der == first.der
    (second,) = publisher.publish(by, [WHOLE], ENGINEER)
    assert CertificateList.parse(path.read_bytes()).serials == {serial}
    assert second.crl_number > first.crl_number
    hospital.store.close()


def test_a_file_that_cannot_be_written_keeps_the_list_before_it(folder: Path) -> None:
    hospital = open_hospital(folder)
    publisher = Publisher(Home(folder), hospital.ports)
    by = signer_of(hospital)
    (first,) = publisher.publish(by, [WHOLE], ENGINEER)
    revoked_one(hospital)
    hospital.wait(seconds=1)
    path = list_file(Home(folder), "issuing", WHOLE)
    in_the_way = path.with_name(f".{path.name}.{os.getpid()}.new")
    in_the_way.mkdir()
    with pytest.raises(DependencyDown, match="cannot be written") as refused:
        publisher.publish(by, [WHOLE], ENGINEER)
    assert "crl publish" in refused.value.next_step
    assert path.read_bytes() == first.der
    in_the_way.rmdir()
    assert publisher.catch_up(["issuing"]) == 1
    with hospital.store.read() as uow:
        latest = uow.lists.latest("issuing")
    assert latest is not None
    assert latest.crl_number > first.crl_number
    assert path.read_bytes() == latest.der
    hospital.store.close()


def test_a_slower_process_does_not_bring_an_older_list_back(folder: Path) -> None:
    hospital = open_hospital(folder)
    publisher = Publisher(Home(folder), hospital.ports)
    by = signer_of(hospital)
    (older,) = publisher.publish(by, [WHOLE], ENGINEER)
    hospital.wait(seconds=1)
    (newer,) = publisher.publish(by, [WHOLE], ENGINEER)
    publisher.write(older)
    assert list_file(Home(folder), "issuing", WHOLE).read_bytes() == newer.der
    hospital.store.close()
