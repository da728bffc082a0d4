"""A fleet in the store without issuing it: rows as issuance leaves them, a million within two minutes.

Each row has a serial of 16 octets of its own and the same small certificate beside it: who answers for the
fleet reads serials and states. Not there: keys, devices and log leaves.
"""

from __future__ import annotations

import secrets
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from bench.house import House
from registry.model.certificate import CertificateRecord, CertificateState, of_int
from registry.status import ISSUER, StatusKind, certificate_status

_AT_ONCE: Final = 20_000
_LIFETIME: Final = timedelta(days=365)
SERIAL_OCTETS: Final = 16
_LOWEST: Final = 1 << (8 * SERIAL_OCTETS - 2)
"""All serials have as many octets in DER as in the store: none is shorter, none needs a leading zero."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """What was put there."""

    serials: Sequence[int]
    seconds: float

    def __len__(self) -> int:
        return len(self.serials)


def fill(home: House, count: int) -> Fleet:
    """That many active certificates of the issuing CA; RuntimeError where one is not found good."""
    began = time.monotonic()
    serials = sorted(_distinct(count))
    now = home.ports.clock()
    der = _certificate(now)
    for start in range(0, count, _AT_ONCE):
        # Rows in the order of their key: SQLite appends to the table's index then and splits no page.
        records = [_record(serial, now, der) for serial in serials[start : start + _AT_ONCE]]
        with home.ports.store.write() as uow:
            uow.certificates.add(records)
        _progress(start + len(records), count, began)
    found = Fleet(serials, time.monotonic() - began)
    _check(home, found)
    return found


def _distinct(count: int) -> set[int]:
    serials: set[int] = set()
    while len(serials) < count:
        serials |= {_LOWEST | secrets.randbits(8 * SERIAL_OCTETS - 2) for _ in range(count - len(serials))}
    return serials


def _record(serial: int, now: datetime, der: bytes) -> CertificateRecord:
    """As it stands after confirmation; issued at some moment of the last year of its kind's life."""
    issued = now - timedelta(seconds=serial % int(_LIFETIME.total_seconds() * 0.9))
    return CertificateRecord(
        certificate_serial=of_int(serial),
        issuer=ISSUER,
        profile="device",
        subject=f"mtd-{serial:x}",
        state=CertificateState.ACTIVE,
        not_before=issued,
        not_after=issued + _LIFETIME,
        tbs_digest=serial.to_bytes(SERIAL_OCTETS, "big") * 2,
        intended_at=issued,
        der=der,
        fingerprint=f"{serial:032x}{serial:032x}",
        issued_at=issued,
        confirmed_at=issued,
    )


def _certificate(now: datetime) -> bytes:
    """A small certificate of nobody, DER: real ones with both signatures would be 6 GB for a million."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bench")])
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + _LIFETIME)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def _check(home: House, fleet: Fleet) -> None:
    sample = [secrets.choice(fleet.serials) for _ in range(100)]
    with home.ports.store.read() as uow:
        kinds = {certificate_status(serial, uow).kind for serial in sample}
    if kinds != {StatusKind.GOOD}:
        raise RuntimeError(f"the fleet's certificates are {', '.join(sorted(kinds))}, not good")


def _progress(done: int, count: int, began: float) -> None:
    if count > _AT_ONCE and (done % (10 * _AT_ONCE) == 0 or done == count):
        print(
            f"  fleet: {done:,} of {count:,} in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True
        )
