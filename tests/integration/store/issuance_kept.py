"""What must hold of every store after any end of a process: rows for signatures, leaves for rows."""

from __future__ import annotations

from pathlib import Path

from registry.audit_trail import entries, verify
from registry.model.certificate import CertificateState
from tests.unit.registry.hospital import Hospital


def signed_serials(folder: Path) -> list[str]:
    """The serials that the spy on the key noted, in hex, in order."""
    path = folder / "signed"
    return path.read_text().split() if path.exists() else []


def check_issuance(hospital: Hospital, folder: Path) -> None:
    """No serial signed twice, no signature without a row, no row without its leaves, a log that verifies."""
    signed, records = signed_serials(folder), {c.certificate_serial: c for c in hospital.certificates()}
    leaves = [(leaf.kind, leaf.subject) for _, leaf in entries(ports=hospital.ports, limit=100_000)]
    assert len(set(signed)) == len(signed), "a serial was signed twice"
    assert set(signed) <= set(records)
    for serial, record in records.items():
        assert leaves.count(("certificate.intended", serial)) == 1
        assert leaves.count(("certificate.issued", serial)) == (record.der is not None)
        assert (record.state is CertificateState.INTENDED) == (record.der is None) or (
            record.state is CertificateState.ABANDONED
        )
    assert verify([], "", ports=hospital.ports).problems == ()
