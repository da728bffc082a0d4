"""One key, one owner, and none once it was compromised: looked at before anything is signed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from pki.algorithms import PublicKey, component_spkis
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
    """Records the keys, inside the intention's transaction; Refused where one is another's or compromised,
    or half of a composite that stands alone elsewhere.

    Keys of intentions that were given up count too: whoever asked has proved that he holds them.
    """
    uses = [(use, claim) for claim in claims for key in _keys(claim.public) for use in _uses(key)]
    owners: dict[bytes, DeviceId | None] = {}
    places: dict[bytes, set[str]] = {}
    wanted = {digest for use, _ in uses for digest in (use.digest, use.elsewhere)}
    for held in uow.certificates.holders_of(wanted):
        if held.reason == "keyCompromise":
            raise _refused(f"stands in {held.certificate_serial}, revoked as compromised")
        owners[held.key_sha256] = held.device_id
        places.setdefault(held.key_sha256, set()).add(held.certificate_serial)
    for use, claim in uses:
        places.setdefault(use.digest, set()).add(claim.certificate_serial)
    for use, claim in uses:
        if owners.setdefault(use.digest, claim.device_id) != claim.device_id:
            # Not whose: the answer goes to a device, and the other one is none of its business.
            raise _refused("stands in another owner's certificate")
        if use.parts_company(places):
            raise _refused("is half of a composite key and stands without its other half too")
    uow.certificates.add_keys((use.digest, claim.certificate_serial) for use, claim in uses)


@dataclass(frozen=True, slots=True)
class _Use:
    """One key as it stands in a certificate: alone, as a composite, or as half of one."""

    digest: bytes
    elsewhere: bytes
    """Of a lone key: its mark as half of a composite. Of a half: the composite."""
    is_half: bool = False

    def parts_company(self, places: dict[bytes, set[str]]) -> bool:
        """Whether the key stands both alone and in a composite, or in two (draft-19 section 9.3)."""
        other = places.get(self.elsewhere, set())
        return bool(places[self.digest] - other) if self.is_half else bool(other)


def _uses(key: PublicKey) -> list[_Use]:
    """A lone key is itself; a composite is itself, its halves, and a mark on each that says so."""
    itself, *halves = component_spkis(key)
    digest = _digest(itself)
    uses = [_Use(digest, _mark(itself))]
    for half in halves:
        uses += [_Use(_digest(half), digest, is_half=True), _Use(_mark(half), digest, is_half=True)]
    return uses


def _keys(public: HybridPublicKey) -> tuple[PublicKey, ...]:
    return (public.classical,) if public.alternative is None else (public.classical, public.alternative)


def _digest(spki: bytes) -> bytes:
    return hashlib.sha256(spki).digest()


def _mark(spki: bytes) -> bytes:
    return hashlib.sha256(b"half of a composite\0" + spki).digest()


def _refused(why: str) -> Refused:
    return Refused(
        f"A key of the request {why}.", next_step="Make new keys and a new request.", field="csr.key"
    )
