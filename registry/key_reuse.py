"""One key, one owner, and none once it was compromised: looked at before anything is signed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from pki.algorithms import PublicKey
from pki.keys import HybridPublicKey
from registry.model.certificate import CertificateSerial
from registry.model.device import DeviceId
from registry.model.errors import Refused
from registry.store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class KeyClaim:
    """A certificate that is about to exist, and whose it will be."""

    certificate_serial: CertificateSerial
    device_id: DeviceId | None
    """None: one of our own, or a server's."""
    public: HybridPublicKey


def claim_keys(claims: Iterable[KeyClaim], uow: UnitOfWork) -> None:
    """Records the keys, inside the intention's transaction; Refused where one is another's or compromised.

    Keys of intentions that were given up count too: whoever asked has proved that he holds them.
    """
    wanted = [(_digest(key), claim) for claim in claims for key in _keys(claim.public)]
    owners: dict[bytes, DeviceId | None] = {}
    for held in uow.certificates.holders_of({digest for digest, _ in wanted}):
        if held.reason == "keyCompromise":
            raise _refused(f"stands in {held.certificate_serial}, revoked as compromised")
        owners[held.key_sha256] = held.device_id
    for digest, claim in wanted:
        if owners.setdefault(digest, claim.device_id) != claim.device_id:
            # Not whose: the answer goes to a device, and the other one is none of its business.
            raise _refused("stands in another owner's certificate")
    uow.certificates.add_keys((digest, claim.certificate_serial) for digest, claim in wanted)


def _keys(public: HybridPublicKey) -> tuple[PublicKey, ...]:
    return (public.classical,) if public.alternative is None else (public.classical, public.alternative)


def _digest(key: PublicKey) -> bytes:
    return hashlib.sha256(key.spki).digest()


def _refused(why: str) -> Refused:
    return Refused(
        f"A key of the request {why}.", next_step="Make new keys and a new request.", field="csr.key"
    )
