"""What an issuer's own certificate and those above it leave to a certificate below (RFC 5280 6.1.4)."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from pki import oids
from pki.algorithms import PublicKey, component_spkis
from pki.errors import MalformedInput
from pki.extensions import read_basic_constraints
from pki.keys import HybridPublicKey
from pki.lint_context import ChainFacts
from pki.name_constraints import ConstraintState
from pki.profiles import Form
from pki.tbs import Certificate


@dataclass(frozen=True, slots=True)
class Above:
    """A chain's facts, and the time in which all of it is valid."""

    facts: ChainFacts
    not_before: datetime
    not_after: datetime


def form_of(public: HybridPublicKey) -> Form:
    """The form of whoever holds these keys."""
    if public.alternative is not None:
        return Form.CATALYST
    main = public.classical.algorithm
    if main.is_composite:
        return Form.COMPOSITE
    if main.is_kem:
        return Form.KEM
    return Form.PURE if main.is_post_quantum else Form.CLASSICAL


def read_above(issuer: Certificate, public: HybridPublicKey, above: Iterable[Certificate]) -> Above:
    """`above`: the certificates over the issuer's, nearest first, as far as they are known."""
    chain = (issuer, *above)
    state = ConstraintState()
    for certificate in reversed(chain):
        state.add(certificate)
    keys = [public.classical, public.alternative, *_keys(chain[1:])]
    facts = ChainFacts(
        form=form_of(public),
        resists_quantum=any(key.algorithm.resists_quantum for key in keys[:2] if key),
        path_length=_path_length(chain),
        constraints=state if state.permitted else None,
        keys=frozenset(spki for key in keys if key for spki in component_spkis(key)),
    )
    return Above(facts, max(c.not_before for c in chain), min(c.not_after for c in chain))


def _keys(chain: Iterable[Certificate]) -> Iterable[PublicKey | None]:
    for certificate in chain:
        # A foreign root may hold a key of a kind that nobody here could bring as a subject's.
        with suppress(MalformedInput):
            yield certificate.public_key
            yield certificate.alternative_public_key


def _path_length(chain: Iterable[Certificate]) -> int | None:
    """6.1.4 (l) and (m): every CA in between uses up one of those above it; self-issued ones do not."""
    left: list[int] = []
    used = 0
    for certificate in chain:
        value = certificate.extension(oids.BASIC_CONSTRAINTS)
        length = read_basic_constraints(value)[1] if value is not None else None
        if length is not None:
            left.append(length - used)
        if certificate.subject != certificate.issuer:
            used += 1
    return max(min(left), 0) if left else None
