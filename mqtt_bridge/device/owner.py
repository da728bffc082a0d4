"""Is this our registry, and is this our certificate? Judged by the pinned root's two keys alone.

Not here: revocation of the issuing CA (the device has no list before it is enrolled).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from mqtt_bridge.device.errors import OwnerNotProven
from mqtt_bridge.messages import Challenge, Signatures
from pki import names, oids
from pki.algorithms import signature_algorithm_of
from pki.errors import PkiError
from pki.extensions import KeyUsage, read_basic_constraints, read_key_usage
from pki.keys import HybridPublicKey
from pki.tbs import Certificate, read_alternative
from registry.model import transcript


@dataclass(frozen=True, slots=True)
class Chain:
    """A certificate under its issuing CA, both proven up to the pinned root."""

    leaf: Certificate
    issuing: Certificate


def _must(holds: bool, problem: str, field: str) -> None:
    if not holds:
        raise OwnerNotProven(problem, next_step="Check the root file and the bootstrap address.", field=field)


def _keys(certificate: Certificate) -> HybridPublicKey:
    return HybridPublicKey(certificate.public_key, certificate.alternative_public_key)


def signed_by(certificate: Certificate, issuer: HybridPublicKey) -> bool:
    """Both signatures (X.509 9.8): a hybrid issuer's certificate without the alternative one fails."""
    signed = certificate.signed
    if not issuer.classical.verify(signed.algorithm, signed.signature, signed.tbs):
        return False
    if issuer.alternative is None:
        return True
    found, findings = read_alternative(certificate.extensions)
    if found is None or findings:
        return False
    expected = signature_algorithm_of(issuer.alternative.algorithm)
    return found.algorithm is expected and issuer.alternative.verify(
        expected, found.value, certificate.pre_tbs
    )


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


def _is_ca(certificate: Certificate) -> bool:
    constraints = certificate.extension(oids.BASIC_CONSTRAINTS)
    usage = certificate.extension(oids.KEY_USAGE)
    return (
        constraints is not None
        and read_basic_constraints(constraints)[0]
        and usage is not None
        and KeyUsage.KEY_CERT_SIGN in read_key_usage(usage)
    )


def verify_chain(chain: list[bytes], root: Certificate, now: datetime, field: str) -> Chain:
    """[certificate, issuing CA] under `root`. Raises OwnerNotProven naming what failed."""
    _must(len(chain) == 2, f"{field} holds {len(chain)} certificates, not two.", field)
    try:
        leaf, issuing = Certificate.parse(chain[0]), Certificate.parse(chain[1])
        for child, issuer in ((issuing, root), (leaf, issuing)):
            _must(child.issuer == issuer.subject, "A certificate names another issuer.", field)
            _must(_is_ca(issuer), "An issuer is no certification authority.", field)
            _must(signed_by(child, _keys(issuer)), "A signature of the chain does not hold.", field)
        for each in (leaf, issuing, root):
            in_time = each.not_before <= now <= each.not_after
            _must(
                in_time,
                f"The certificate {names.show(each.subject)} is not valid at {now:%Y-%m-%d %H:%M}Z.",
                field,
            )
    except PkiError as bad:
        raise OwnerNotProven(f"The {field} cannot be read: {bad.problem}", field=field) from bad
    return Chain(leaf, issuing)


def verify_challenge(
    challenge: Challenge, *, device_id: str, rid: str, root: Certificate, now: datetime
) -> None:
    """The registry's signature over our own dialogue. Raises OwnerNotProven."""
    chain = verify_chain(list(challenge.signer_chain), root, now, "signer_chain")
    issuing = chain.issuing.fingerprint
    # Every device has a certificate of the same CA; only the registry's carries no extended key usage.
    _must(
        chain.leaf.extension(oids.EXTENDED_KEY_USAGE) is None and not _is_ca(chain.leaf),
        "The signer's certificate is not the registry's.",
        "signer_chain",
    )
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
        holds(_keys(chain.leaf), challenge.signature, signed),
        "The registry's signature does not hold.",
        "signature",
    )


def verify_issued(
    chain: list[bytes], *, device_id: str, keys: HybridPublicKey, root: Certificate, now: datetime
) -> None:
    """A certificate for this device's name and these keys, under the root. Raises OwnerNotProven."""
    leaf = verify_chain(chain, root, now, "chain").leaf
    _must(names.common_names(leaf.subject) == (device_id,), "The certificate is for another device.", "chain")
    _must(_keys(leaf) == keys, "The certificate is for other keys.", "chain")


def instant(text: str, field: str) -> datetime:
    """An RFC 3339 time in UTC. Raises OwnerNotProven: the pattern of a message lets month 13 through."""
    try:
        return datetime.fromisoformat(text)
    except ValueError as bad:
        raise OwnerNotProven(f"{field} is not a time.", field=field) from bad
