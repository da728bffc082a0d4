"""A process that revokes and publishes: `python -m tests.integration.lists.publishing_forever FOLDER TIMES`.

The spy writes the number of each list that is signed to a file of its own, on disk before it can be recorded.
TIMES 0 is without end. Two such processes on one folder are the same CA: its keys lie in the folder.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from pki import asn1, oids
from pki.algorithms import PrivateKey, PublicKey, SignatureAlgorithm
from pki.keys import HybridPrivateKey
from pki.tbs import Certificate
from registry.list_scopes import ListSigner, scopes_changed
from registry.model.actor import job
from registry.publication import WHOLE
from registry.revocation import hold_certificate, release_certificate, revoke_certificate
from service.home import Home
from service.publisher import Publisher
from tests.unit.registry import hospital as hospitals
from tests.unit.registry.faults import server_certificate
from tests.unit.registry.hospital import ENGINEER, Hospital, open_hospital

URL = "http://127.0.0.1/crl/issuing.crl"
_NUMBER = asn1.oid(oids.CRL_NUMBER) + b"\x04"


@dataclass(frozen=True)
class Spy:
    """Signs with a key, after a note of the list's number."""

    key: PrivateKey
    path: Path

    @property
    def signs_with(self) -> SignatureAlgorithm:
        """The key's."""
        return self.key.signs_with

    @property
    def public(self) -> PublicKey:
        """The key's."""
        return self.key.public

    def sign(self, data: bytes) -> bytes:
        """The key's, noted before."""
        at = data.rindex(_NUMBER) + len(_NUMBER) + 1
        number = asn1.int_value(data, asn1.read(data, at))
        note = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.write(note, f"{number}\n".encode())
        os.fsync(note)
        os.close(note)
        return self.key.sign(data)


def keep_authority(folder: Path) -> None:
    """The test CA, so that processes that start later are the same one."""
    root, issuing, key = hospitals.authority()
    halves = (key.classical.pkcs8(), key.alternative.pkcs8() if key.alternative else b"")
    (folder / "authority").write_text("\n".join(part.hex() for part in (root.der, issuing.der, *halves)))


def _take_authority(folder: Path) -> None:
    lines = (folder / "authority").read_text().split("\n")
    root, issuing, classical, alternative = map(bytes.fromhex, lines)
    key = HybridPrivateKey(PrivateKey.load(classical), PrivateKey.load(alternative))
    kept = (Certificate.parse(root), Certificate.parse(issuing), key)
    hospitals.authority = lambda: kept  # type: ignore[assignment]


def signer_of(hospital: Hospital, spy: Path | None = None) -> ListSigner:
    """Who signs whole lists, sixteen parts and deltas."""
    signer = replace(hospital.signer, url=URL, shards=16, deltas=True)
    if spy is None:
        return signer
    key = replace(signer.key, classical=cast(PrivateKey, Spy(signer.key.classical, spy)))
    return replace(signer, key=key)


def main(folder: Path, how_often: int) -> None:
    """Revocations, holds and releases, each published."""
    _take_authority(folder)
    hospital = open_hospital(folder)
    home = Home(folder)
    signer = signer_of(hospital, folder / "signed")
    publisher = Publisher(home, hospital.ports)
    turn = 0
    while not how_often or turn < how_often:
        turn += 1
        hospital.now = datetime.now(UTC)
        record = server_certificate(hospital, issuer="issuing")
        if turn % 3:
            revoke_certificate(record.certificate_serial, "superseded", ENGINEER, ports=hospital.ports)
        else:
            hold_certificate(record.certificate_serial, ENGINEER, ports=hospital.ports)
        publisher.publish(signer, scopes_changed(signer, ports=hospital.ports) or [WHOLE], job("publisher"))
        if not turn % 3:
            release_certificate(record.certificate_serial, ENGINEER, ports=hospital.ports)
    hospital.store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
