"""The log as a whole: what a hand with SQL does to it is found and named."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from audit.errors import LogDamaged
from audit.keys import ed25519_signer, ml_dsa_44_cosigner
from registry.audit_trail import entries, receipt, sign, verify
from registry.model.errors import NotFound
from service.clock import entropy
from tests.unit.registry.hospital import PUMP, Hospital

ORIGIN = "medtrust/test"
SIGNERS = (ed25519_signer(ORIGIN, bytes(32)), ml_dsa_44_cosigner(ORIGIN, entropy(32)))
KEYS = [signer.key for signer in SIGNERS]
TAMPERINGS = (
    "UPDATE audit_entry SET leaf = replace(CAST(leaf AS TEXT), 'engineer', 'nobody') WHERE \"index\" = 1",
    "UPDATE audit_entry SET leaf = x'00' WHERE \"index\" = 0",
    'DELETE FROM audit_entry WHERE "index" = 2',
    'UPDATE audit_node SET hash = zeroblob(32) WHERE level = 1 AND "index" = 0',
    "UPDATE audit_frontier SET size = size - 1",
)


def _tamper(folder: Path, sql: str) -> None:
    with sqlite3.connect(folder / "registry.db") as connection:
        assert connection.execute(sql).rowcount == 1


def test_a_clean_log_verifies_and_grows_under_its_checkpoints(hospital: Hospital) -> None:
    hospital.active(PUMP)
    assert sign(SIGNERS, ORIGIN, ports=hospital.ports) == 6
    assert sign(SIGNERS, ORIGIN, ports=hospital.ports) == 6
    hospital.admit("(01)09521000000025(21)V")
    assert sign(SIGNERS, ORIGIN, ports=hospital.ports) == 8
    verdict = verify(KEYS, ORIGIN, ports=hospital.ports)
    assert (verdict.entries, verdict.checkpoints, verdict.problems) == (8, 2, ())


@pytest.mark.parametrize("sql", TAMPERINGS)
def test_tampering_is_a_problem_and_never_a_crash(hospital: Hospital, tmp_path: Path, sql: str) -> None:
    hospital.active(PUMP)
    sign(SIGNERS, ORIGIN, ports=hospital.ports)
    _tamper(tmp_path, sql)
    assert verify(KEYS, ORIGIN, ports=hospital.ports).problems


def test_nothing_is_signed_over_a_log_that_was_shortened(hospital: Hospital, tmp_path: Path) -> None:
    hospital.active(PUMP)
    sign(SIGNERS, ORIGIN, ports=hospital.ports)
    _tamper(tmp_path, "UPDATE audit_frontier SET size = size - 1")
    with pytest.raises(LogDamaged):
        sign(SIGNERS, ORIGIN, ports=hospital.ports)


def test_the_newest_entries_are_listed_with_their_places(hospital: Hospital) -> None:
    hospital.active(PUMP)
    newest = entries(ports=hospital.ports, limit=2)
    assert [(index, leaf.kind) for index, leaf in newest] == [
        (4, "certificate.issued"),
        (5, "certificate.confirmed"),
    ]


def test_a_receipt_needs_a_checkpoint_that_holds_the_entry(hospital: Hospital) -> None:
    hospital.active(PUMP)
    with pytest.raises(NotFound):
        receipt(0, ports=hospital.ports)
    sign(SIGNERS, ORIGIN, ports=hospital.ports)
    assert receipt(5, ports=hospital.ports).index == 5
    with pytest.raises(NotFound):
        receipt(6, ports=hospital.ports)
