"""Which certificates may stand above which: paths to pinned anchors, best first, bounded in every direction.

RFC 4158's advice in short: names decide, key identifiers only sort. A step is taken only where the signature
holds, so a crowd of namesakes or a mesh of a stranger's own CAs ends at its first forged edge; a certificate
from which no anchor was reached is not tried again. `explained` walks by names alone, to say what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Final

from pki import path_rules
from pki.bundle import TrustAnchor, TrustBundle
from pki.errors import MalformedInput, PkiError
from pki.keys import HybridPublicKey
from pki.name_comparison import rdns
from pki.path_signature import Demand, link_holds
from pki.path_structure import is_ca
from pki.path_work import Work, WorkExhausted
from pki.tbs import Certificate

MAX_DEPTH: Final = 8
"""Certificates in a path, the anchor's included."""
MAX_CERTIFICATE_BYTES: Final = 64 * 1024
MAX_GIVEN: Final = 256
"""Intermediates of strangers that are looked at; those of the bundle come first."""
MAX_GIVEN_BYTES: Final = 1024 * 1024
_MAX_STEPS: Final = 512
_MAX_PATHS: Final = 16
_MAX_EXPLAINED: Final = 4


@dataclass(frozen=True, slots=True)
class Path:
    """One way up."""

    chain: tuple[Certificate, ...]
    """End entity first, the anchor's certificate last."""
    anchor: TrustAnchor


@dataclass(slots=True)
class Search:
    """The paths of one certificate, for one call."""

    certificate: Certificate
    bundle: TrustBundle
    given: Iterable[Certificate]
    now: datetime
    pq_only: bool
    work: Work
    limited: bool = False
    """Whether a limit kept it from looking everywhere."""
    _anchors: tuple[tuple[TrustAnchor, Certificate], ...] = field(init=False)
    _above: dict[object, list[Certificate]] = field(init=False)
    """By folded subject; the bundle's own first."""
    _dead: dict[bytes, int] = field(default_factory=dict)
    _found: set[tuple[bytes, ...]] = field(default_factory=set)
    _demand: Demand = field(init=False)
    _steps: int = 0
    _loops: int = 0
    _by_names: bool = False

    def __post_init__(self) -> None:
        self._demand = Demand(not self.pq_only, self.pq_only, post_quantum_anchor=True)
        self._anchors, self._above = _known(self.bundle.anchors, self.bundle.intermediates)
        given = {c.der: c for c in islice(self.given, MAX_GIVEN)}
        if given:
            self._above = {name: list(known) for name, known in self._above.items()}
            present = {c.der for known in self._above.values() for c in known}
            present.update(top.der for _, top in self._anchors)
            for c in given.values():
                if c.der not in present:
                    self._above.setdefault(_name_key(c.subject), []).append(c)

    def paths(self) -> Iterator[Path]:
        """Paths whose signatures hold, those with matching key identifiers first."""
        return islice(self._walk((self.certificate,)), _MAX_PATHS)

    def explained(self) -> Iterator[Path]:
        """Paths by names alone that `paths` did not give: one of them shows why there is none."""
        self._by_names, self._steps = True, 0
        self._dead.clear()
        return islice(self._walk((self.certificate,)), _MAX_EXPLAINED)

    def _walk(self, chain: tuple[Certificate, ...]) -> Iterator[Path]:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            self.limited = True
            return
        last, room = chain[-1], MAX_DEPTH - len(chain)
        found, loops = len(self._found), self._loops
        for anchor, top in self._anchors:
            whole = chain if top.der == last.der else (*chain, top)
            if self._ends(last, top) and self._is_new(whole):
                yield Path(whole, anchor)
        if room > 1:
            for parent in self._candidates(last):
                if any(_is_same_ca(parent, c) for c in chain):
                    self._loops += 1
                elif self._dead.get(parent.der, 0) < room - 1:
                    yield from self._walk((*chain, parent))
        if found == len(self._found) and loops == self._loops:
            self._dead[last.der] = room

    def _is_new(self, chain: tuple[Certificate, ...]) -> bool:
        key = tuple(c.der for c in chain)
        if key in self._found:
            return False
        self._found.add(key)
        return True

    def _ends(self, last: Certificate, top: Certificate) -> bool:
        if top.der == last.der:
            return True
        if _name_key(top.subject) != _name_key(last.issuer):
            return False
        return self._by_names or self._holds(last, top)

    def _candidates(self, last: Certificate) -> Iterator[Certificate]:
        above = self._above.get(_name_key(last.issuer), [])
        # Sorting is stable: the bundle's own come before a stranger's of the same rank.
        if len(above) > 1:
            above = sorted(above, key=lambda c: not _identifiers_match(last, c))
        for parent in above:
            if self._by_names or (self._may_issue(parent) and self._holds(last, parent)):
                yield parent

    def _may_issue(self, parent: Certificate) -> bool:
        if self.now < parent.not_before:
            return False
        in_time = self.now <= parent.not_after or self.now < parent.not_after + timedelta(seconds=1)
        return in_time and is_ca(parent)

    def _holds(self, certificate: Certificate, parent: Certificate) -> bool:
        try:
            keys = HybridPublicKey(parent.public_key, parent.alternative_public_key)
            keep = certificate is not self.certificate
            return link_holds(certificate, keys, self._demand, self.work, keep=keep)
        except WorkExhausted:
            raise
        except PkiError:
            return False


def _is_same_ca(one: Certificate, other: Certificate) -> bool:
    """RFC 4158 5.2: the same name with the same key again is a loop, whoever certified it."""
    return one.spki == other.spki and _name_key(one.subject) == _name_key(other.subject)


def _name_key(name: bytes) -> object:
    try:
        return rdns(name)
    except MalformedInput:
        return name


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


def given_certificates(ders: Iterable[bytes]) -> Iterator[Certificate]:
    """What parses of the intermediates that a stranger sends, up to 1 MiB together."""
    octets = 0
    for der in islice(ders, MAX_GIVEN):
        octets += len(der)
        if octets > MAX_GIVEN_BYTES:
            return
        found = parsed(der)
        if found is not None:
            yield found


def parsed(der: bytes) -> Certificate | None:
    """The certificate, or None where it does not parse."""
    try:
        return Certificate.parse(bounded(der))
    except MalformedInput:
        return None  # It only could have helped to build a path; without it there may be none.


@lru_cache(maxsize=16)
def _known(
    anchors: tuple[TrustAnchor, ...], intermediates: tuple[bytes, ...]
) -> tuple[tuple[tuple[TrustAnchor, Certificate], ...], dict[object, list[Certificate]]]:
    """A bundle's certificates, parsed once: they are asked for at every verification. Never changed after."""
    tops = tuple((a, c) for a in anchors if (c := parsed(a.certificate)) is not None)
    pinned, above = {top.der for _, top in tops}, dict[object, list[Certificate]]()
    for c in map(parsed, dict.fromkeys(intermediates)):
        if c is not None and c.der not in pinned:
            above.setdefault(_name_key(c.subject), []).append(c)
    return tops, above
