"""The trust bundle of a home: its roots as anchors, its CAs and cross certificates as help; signed by roots.

A new version is signed by every root whose key is at hand. One of them at least must be believed by who holds
the version before. The keys of distrusted CAs are withdrawn for ever, whoever certifies them.
"""

from __future__ import annotations

from datetime import datetime

from pki.bundle import TrustAnchor, TrustBundle, sign_bundle, voices
from service.authorities import CaState, KeyPlace, Register
from service.authority import BUNDLE_FILE, certificate_file, read_bundle
from service.ca_keys import KeyAway, Keyring
from service.home import Home, write_atomically
from service.pem import read_certificate


def publish_bundle(home: Home, register: Register, ring: Keyring, now: datetime) -> TrustBundle:
    """The next version, signed and in place; KeyAway where no root that is trusted today can sign."""
    previous = read_bundle(home) if (home.public / BUNDLE_FILE).exists() else None
    bundle = next_bundle(home, register, previous, now)
    signers = _signers(register, ring, previous, home)
    signed = sign_bundle(bundle, *(ring.signing(register.get(name)).key for name in signers))
    write_atomically(home.public / BUNDLE_FILE, signed)
    return bundle


def next_bundle(home: Home, register: Register, previous: TrustBundle | None, now: datetime) -> TrustBundle:
    """What the register says today; withdrawals and dates from which both signatures are a must are kept."""
    dates = {a.fingerprint: a.alt_required_from for a in previous.anchors} if previous else {}
    in_force = [entry for entry in register.entries if entry.state is not CaState.DISTRUSTED]
    certificates = {e.name: read_certificate(certificate_file(home, e.name)) for e in in_force}
    anchors = tuple(
        TrustAnchor.of(held, alt_required_from=dates.get(held.fingerprint))
        for held in (certificates[entry.name] for entry in in_force if entry.is_root)
    )
    below = [certificates[entry.name].der for entry in in_force if not entry.is_root]
    below += [
        read_certificate(certificate_file(home, cross.name)).der
        for cross in register.cross
        if cross.subject in certificates and cross.issuer in certificates
    ]
    version = previous.version + 1 if previous else 1
    # A cross certificate by another root would still lead to them, and a list can be held back.
    distrusted = (e.name for e in register.entries if e.state is CaState.DISTRUSTED)
    gone = {key for name in distrusted for key in _keys(home, name)}
    withdrawn = {*(previous.withdrawn if previous else ()), *gone}
    return TrustBundle(version, now.replace(microsecond=0), anchors, tuple(below), tuple(sorted(withdrawn)))


def _keys(home: Home, name: str) -> frozenset[str]:
    return TrustAnchor.of(read_certificate(certificate_file(home, name))).key_fingerprints


def absent_roots(register: Register, ring: Keyring) -> tuple[str, ...]:
    """Roots in force whose keys are not at hand: who knows only them does not accept what is signed now."""
    roots = [e for e in register.roots if e.state is not CaState.DISTRUSTED]
    return tuple(e.name for e in roots if e.key_place is not KeyPlace.FOREIGN and not ring.has(e))


def require_signer(home: Home, register: Register, ring: Keyring) -> None:
    """KeyAway where a new bundle could not be signed: asked before anything else is done."""
    if (home.public / BUNDLE_FILE).exists():
        _signers(register, ring, read_bundle(home), home)


def _signers(register: Register, ring: Keyring, previous: TrustBundle | None, home: Home) -> list[str]:
    roots = [entry for entry in register.roots if entry.state is not CaState.DISTRUSTED]
    at_hand = [entry for entry in roots if ring.has(entry)]
    known = {anchor.fingerprint for anchor in voices(previous.anchors)} if previous else None
    believed = [
        entry
        for entry in at_hand
        if known is None or read_certificate(certificate_file(home, entry.name)).fingerprint in known
    ]
    if not believed:
        names = ", ".join(entry.name for entry in roots)
        raise KeyAway(
            f"The trust bundle must be signed by a root that relying parties trust today: {names}.",
            next_step="Bring the medium with its key: --root DIR.",
            field="--root",
        )
    return [entry.name for entry in at_hand]
