"""A process that enrols until it is killed: `python -m tests.integration.store.issuing_forever FOLDER`.

The spy writes each signature's serial to a file of its own, on disk before anybody can record it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pki.issuer import IssuanceToken, IssuedCertificate
from tests.unit.registry.faults import InterruptedIssuer
from tests.unit.registry.hospital import DISPLAY, Hospital, open_hospital


class Spy(InterruptedIssuer):
    """Remembers what was signed, whatever becomes of it."""

    __slots__ = ("path",)
    path: Path

    def issue(self, token: IssuanceToken) -> IssuedCertificate:
        """The signature, after a note of its serial."""
        note = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(note, f"{token.certificate_serial:x}\n".encode())
        os.fsync(note)
        os.close(note)
        return super().issue(token)


def main(folder: Path) -> None:
    """Devices and certificates without end."""
    hospital: Hospital = open_hospital(folder)
    spy = Spy(hospital.parts.issuer, lambda: None)
    spy.path = folder / "signed"
    hospital.parts = type(hospital.parts)(spy, hospital.parts.chain)
    for number in range(100_000):
        label = DISPLAY.replace("WALL-1", f"W{os.getpid()}-{number}")
        hospital.confirm(hospital.enroll(hospital.admit(label)))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
