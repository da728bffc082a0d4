"""What a consumer must trust, out of a home: the CAs' certificates and their newest lists."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pki.tbs import Certificate
from registry.model.errors import NotFound
from registry.store.unit_of_work import UnitOfWork
from service.authorities import CaEntry, CaState, KeyPlace, read_register
from service.authority import certificate_file
from service.home import Home
from service.pem import read_certificate


@dataclass(frozen=True, slots=True)
class TrustedCa:
    """One CA as others see it."""

    name: str
    certificate: Certificate
    is_root: bool
    crl: bytes
    """The newest list, DER; empty where another house signs it and we have none."""
    crl_until: datetime


@dataclass(frozen=True, slots=True)
class Trusted:
    """All CAs in force, roots first; and those that the consumer cannot read, by name and reason."""

    cas: tuple[TrustedCa, ...]
    left_out: tuple[str, ...] = ()

    @property
    def roots(self) -> tuple[TrustedCa, ...]:
        """Those that signed themselves."""
        return tuple(ca for ca in self.cas if ca.is_root)

    def lapsed(self, now: datetime) -> tuple[str, ...]:
        """CAs whose newest list is over: a consumer that checks it refuses everybody."""
        return tuple(ca.name for ca in self.cas if ca.crl_until <= now)

    def readable(self, *, post_quantum: bool) -> Trusted:
        """Without what a TLS stack cannot read: composite for all, pure post-quantum for older ones."""
        kept = tuple(ca for ca in self.cas if _reads(ca, post_quantum=post_quantum))
        left = tuple(
            f"{ca.name} ({ca.certificate.public_key.algorithm})" for ca in self.cas if ca not in kept
        )
        return Trusted(kept, left)


def trusted(home: Home, uow: UnitOfWork) -> Trusted:
    """Every CA that is not distrusted; NotFound where one has no list yet."""
    entries = [entry for entry in read_register(home).entries if entry.state is not CaState.DISTRUSTED]
    cas = [_ca(home, entry, uow) for entry in entries]
    return Trusted(tuple(sorted(cas, key=lambda ca: not ca.is_root)))


def chain_of(home: Home, issuer: str) -> tuple[bytes, ...]:
    """The certificates of a CA and of those above it, the root's left out; DER."""
    above = read_register(home).above(issuer)
    return tuple(read_certificate(certificate_file(home, ca.name)).der for ca in above if not ca.is_root)


def _ca(home: Home, entry: CaEntry, uow: UnitOfWork) -> TrustedCa:
    certificate = read_certificate(certificate_file(home, entry.name))
    stored = uow.lists.latest(entry.name)
    if stored is None and entry.key_place is KeyPlace.FOREIGN:
        return TrustedCa(entry.name, certificate, entry.is_root, b"", certificate.not_after)
    if stored is None:
        raise NotFound(
            f"The CA {entry.name} has signed no revocation list yet.",
            next_step=f"medtrust crl publish --issuer {entry.name}.",
            field="crl",
        )
    return TrustedCa(
        entry.name,
        certificate,
        entry.is_root,
        stored.der,
        stored.next_update,
    )


def _reads(ca: TrustedCa, *, post_quantum: bool) -> bool:
    unreadable = ("mldsa", "slh-") if post_quantum else ("mldsa", "slh-", "ml-dsa-")
    made_of = (ca.certificate.public_key.algorithm, ca.certificate.signed.algorithm)
    return not any(algorithm.startswith(unreadable) for algorithm in made_of)
