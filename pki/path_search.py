"""Which certificates may stand above which: paths by names to pinned anchors, bounded in every direction.

RFC 4158's advice in short: names decide, key identifiers only sort. Nothing is verified here (path does).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from pki import path_rules
from pki.bundle import TrustAnchor, TrustBundle
from pki.errors import MalformedInput
from pki.tbs import Certificate

MAX_DEPTH: Final = 8
"""Certificates in a path, the anchor's included."""
MAX_CERTIFICATE_BYTES: Final = 64 * 1024
_MAX_STEPS: Final = 256
_MAX_PATHS: Final = 16


@dataclass(frozen=True, slots=True)
class Path:
    """One way up."""

    chain: tuple[Certificate, ...]
    """End entity first, the anchor's certificate last."""
    anchor: TrustAnchor


def search(certificate: Certificate, bundle: TrustBundle, given: Iterable[Certificate]) -> Iterator[Path]:
    """Paths by names, those with matching key identifiers first; bounded in depth, steps and number."""
    anchors = [(a, c) for a in bundle.anchors if (c := _pinned(a.certificate)) is not None]
    known = [c for c in map(_pinned, bundle.intermediates) if c is not None]
    pool = list({c.der: c for c in (*known, *given)}.values())
    waiting: list[tuple[Certificate, ...]] = [(certificate,)]
    steps = found = 0
    while waiting and steps < _MAX_STEPS and found < _MAX_PATHS:
        chain, steps = waiting.pop(), steps + 1
        for anchor, top in anchors:
            if top.der == chain[-1].der:
                found += 1
                yield Path(chain, anchor)
            elif top.subject == chain[-1].issuer:
                found += 1
                yield Path((*chain, top), anchor)
        if len(chain) < MAX_DEPTH - 1:
            # A stack: the best candidate goes on last. What is in the chain already would be a loop.
            above = [c for c in pool if c.subject == chain[-1].issuer and c not in chain]
            above.sort(key=lambda c: _identifiers_match(chain[-1], c))
            waiting += [(*chain, c) for c in above]


def _identifiers_match(certificate: Certificate, issuer: Certificate) -> bool:
    try:
        wanted = path_rules.authority_key(certificate)
        return wanted is not None and wanted == path_rules.subject_key(issuer)
    except MalformedInput:
        return False


def bounded(der: bytes) -> bytes:
    """The bytes, unless they are more than any certificate needs."""
    if len(der) > MAX_CERTIFICATE_BYTES:
        problem = f"The certificate is {len(der)} bytes; at most {MAX_CERTIFICATE_BYTES} are read."
        raise MalformedInput(problem, field="certificate")
    return der


def parsed(der: bytes) -> Certificate | None:
    """The certificate, or None where it does not parse."""
    try:
        return Certificate.parse(bounded(der))
    except MalformedInput:
        return None  # It only could have helped to build a path; without it there may be none.


_pinned = lru_cache(maxsize=256)(parsed)
"""For the bundle's own certificates, which are asked for at every verification: strangers' are not kept."""
