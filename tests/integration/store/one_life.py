"""One short life of a registry, to be ended at any system call: `python -m ...one_life FOLDER`.

A device enrols and confirms, another is revoked, the list is published as a file; each act that somebody was
told of is noted in `acknowledged`, on disk, after it was done. The CA is the folder's, in every life.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from pki.algorithms import PrivateKey
from pki.issuer import IssuanceToken, IssuedCertificate, Issuer
from pki.keys import HybridPrivateKey
from pki.tbs import Certificate
from registry.model.errors import RegistryError
from registry.pending import IssuingParts
from registry.publication import ListSigner, publish
from registry.revocation import revoke_certificate
from service.errors import ServiceError
from service.home import write_atomically
from tests.unit.registry import hospital as hospitals
from tests.unit.registry.hospital import DISPLAY, ENGINEER, Hospital, authority, open_hospital

TOLD: Final = 3
"""The exit code of a process that stopped with a sentence of its own."""


def prepare(folder: Path) -> None:
    """The CA of all lives, and an empty store."""
    root, issuing, key = authority()
    assert key.alternative is not None
    parts = {"root": root.der, "issuing": issuing.der, "classical": key.classical.pkcs8()}
    for name, octets in {**parts, "alternative": key.alternative.pkcs8()}.items():
        (folder / name).write_bytes(octets)
    opened(folder).store.close()


def opened(folder: Path) -> Hospital:
    """The hospital of the folder, under the folder's CA."""
    issuing = Certificate.parse((folder / "issuing").read_bytes())
    key = HybridPrivateKey(
        *(PrivateKey.load((folder / n).read_bytes()) for n in ("classical", "alternative"))
    )
    hospital = open_hospital(folder)
    issuer = Spy(issuing, key, hospital.parts.issuer.urls)
    issuer.path = folder / "signed"
    hospital.parts = IssuingParts(issuer, (issuing.der,), "Test Hospital")
    hospital.signer = ListSigner("issuing", issuing, key, key.classical.public.key_identifier)
    return hospital


class Spy(Issuer):
    """Remembers what was signed, whatever becomes of it."""

    __slots__ = ("path",)
    path: Path

    def issue(self, token: IssuanceToken) -> IssuedCertificate:
        """The signature, after a note of its serial."""
        note(self.path, f"{token.certificate_serial:x}")
        return super().issue(token)


def note(path: Path, line: str) -> None:
    """One line, on disk when this returns."""
    with path.open("a") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())


def live(folder: Path) -> None:
    """The acts, each noted once it was done."""
    hospital, told = opened(folder), folder / "acknowledged"
    for place in range(2):
        device = hospital.admit(DISPLAY.replace("WALL-1", f"W{os.getpid()}-{place}"))
        record = hospital.confirm(hospital.enroll(device, rid=f"r{os.getpid()}{place}"))
        note(told, f"issued {record.certificate_serial}")
    revoke_certificate(record.certificate_serial, "keyCompromise", ENGINEER, ports=hospital.ports)
    note(told, f"revoked {record.certificate_serial}")
    stored = publish(hospital.signer, ENGINEER, ports=hospital.ports)
    write_atomically(folder / "issuing.crl", stored.der)
    note(told, f"published {stored.crl_number}")
    hospital.store.close()


def main() -> int:
    """0 lived to the end, 3 stopped with a typed error."""
    hospitals.device_key(0)
    try:
        live(Path(sys.argv[1]))
    except (RegistryError, ServiceError, OSError) as stopped:
        sys.stderr.write(f"{type(stopped).__name__}: {stopped}\n")
        return TOLD
    return 0


if __name__ == "__main__":
    sys.exit(main())
