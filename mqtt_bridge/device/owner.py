"""Is this our registry, and is this our certificate? Judged by the pinned root's two keys alone.

Not here: revocation of the issuing CA (the device has no list before it is enrolled).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mqtt_bridge.device.errors import OwnerNotProven
from mqtt_bridge.messages import Challenge, Signatures
from pki import names, oids, path
from pki.algorithms import signature_algorithm_of
from pki.bundle import TrustAnchor, TrustBundle
from pki.errors import PkiError
from pki.extensions import read_basic_constraints
from pki.keys import HybridPublicKey
from pki.tbs import Certificate
from registry.model import transcript

_POLICY = path.VerifyPolicy(revocation="off")
_MOST = 4


@dataclass(frozen=True, slots=True)
class Chain:
    """A certificate and its issuing CA's fingerprint, both proven up to the pinned root."""

    keys: HybridPublicKey
    common_names: tuple[str, ...]
    is_registry: bool
    """Every device has a certificate of the same CA; only the registry's carries no extended key usage."""
    issuing_fingerprint: bytes


def _must(holds: bool, problem: str, field: str) -> None:
    if not holds:
        raise OwnerNotProven(problem, next_step="Check the root file and the bootstrap address.", field=field)


def holds(keys: HybridPublicKey, signatures: Signatures, data: bytes) -> bool:
    """Whether every key has signed `data`."""
    classical = signature_algorithm_of(keys.classical.algorithm)
    if not keys.classical.verify(classical, signatures.classical, data):
        return False
    if keys.alternative is None:
        return signatures.alternative is None
    alternative = signature_algorithm_of(keys.alternative.algorithm)
    return signatures.alternative is not None and keys.alternative.verify(
        alternative, signatures.alternative, data
    )


def _read(leaf: Certificate, issuing: Certificate) -> Chain:
    constraints = leaf.extension(oids.BASIC_CONSTRAINTS)
    is_ca = constraints is not None and read_basic_constraints(constraints)[0]
    return Chain(
        HybridPublicKey(leaf.public_key, leaf.alternative_public_key),
        names.common_names(leaf.subject),
        leaf.extension(oids.EXTENDED_KEY_USAGE) is None and not is_ca,
        issuing.fingerprint,
    )


def verify_chain(chain: list[bytes], root: Certificate, now: datetime, field: str) -> Chain:
    """[certificate, issuing CA, others] under `root`, both signatures of each. Raises OwnerNotProven.

    The others help from the issuing CA to the root that is pinned here: an old root vouches for a new one.
    """
    _must(2 <= len(chain) <= _MOST, f"{field} holds {len(chain)} certificates, not 2 to {_MOST}.", field)
    try:
        leaf, issuing, *others = [Certificate.parse(der) for der in chain]
        proven = _read(leaf, issuing)
        pinned = TrustBundle(version=1, issued_at=now, anchors=(TrustAnchor.of(root),))
    except PkiError as bad:
        raise OwnerNotProven(f"The {field} cannot be read: {bad.problem}", field=field) from bad
    verdict = path.verify(leaf, bundle=pinned, now=now, intermediates=(issuing, *others), policy=_POLICY)
    why = next((f"{found.message} ({found.rule})" for found in verdict.findings if found.refuses), "")
    _must(verdict.is_valid, f"The {field} is not under the pinned root: {why}", field)
    straight = verdict.chain[:2] == (leaf, issuing) and verdict.chain[-1] == root
    _must(straight, f"The {field} leads elsewhere than it says.", field)
    return proven


def verify_challenge(
    challenge: Challenge, *, device_id: str, rid: str, root: Certificate, now: datetime
) -> None:
    """The registry's signature over our own dialogue. Raises OwnerNotProven."""
    chain = verify_chain(list(challenge.signer_chain), root, now, "signer_chain")
    _must(chain.is_registry, "The signer's certificate is not the registry's.", "signer_chain")
    issuing = chain.issuing_fingerprint
    _must(
        challenge.issuer_fingerprints[0] == issuing.hex(), "Another CA is announced.", "issuer_fingerprints"
    )
    _must(challenge.csr.common_name == device_id, "Another name is asked for.", "csr.common_name")
    _must(challenge.rid == rid, "The challenge answers another request.", "rid")
    _must(len(challenge.nonce) == 32, "The nonce is not 32 octets.", "nonce")
    _must(
        instant(challenge.expires_at, "expires_at") > now,
        "The nonce has expired; is the clock right?",
        "expires_at",
    )
    signed = transcript.challenge(challenge.nonce, device_id, rid, challenge.expires_at, issuing)
    _must(
        holds(chain.keys, challenge.signature, signed),
        "The registry's signature does not hold.",
        "signature",
    )


def verify_issued(
    chain: list[bytes], *, device_id: str, keys: HybridPublicKey, root: Certificate, now: datetime
) -> None:
    """A certificate for this device's name and these keys, under the root. Raises OwnerNotProven."""
    proven = verify_chain(chain, root, now, "chain")
    _must(proven.common_names == (device_id,), "The certificate is for another device.", "chain")
    _must(proven.keys == keys, "The certificate is for other keys.", "chain")


def instant(text: str, field: str) -> datetime:
    """An RFC 3339 time in UTC. Raises OwnerNotProven: the pattern of a message lets month 13 through."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as bad:
        raise OwnerNotProven(f"{field} is not a time.", field=field) from bad
