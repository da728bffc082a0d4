"""Certificate policies along a path (RFC 5280 6.1, as a graph: RFC 9618), in time linear in what they say.

The tree of RFC 5280 doubles with every level of a hostile chain. Here a level holds each policy once, with
the policies above it that it follows from; that answers the same question.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from pki import asn1, oids
from pki.constraint_extensions import (
    read_certificate_policies,
    read_inhibit_any_policy,
    read_policy_constraints,
)
from pki.errors import MalformedInput
from pki.findings import Finding, error
from pki.name_comparison import same
from pki.tbs import Certificate

ANY: Final = oids.ANY_POLICY
ANY_SET: Final = frozenset({ANY})


@dataclass(frozen=True, slots=True)
class PolicyInputs:
    """6.1.1 (c) and (e) to (g): what the caller asks of policies; the default asks nothing."""

    acceptable: frozenset[str] = ANY_SET
    """user-initial-policy-set, dotted."""
    explicit: bool = False
    """A path without an acceptable policy is refused."""
    inhibit_mapping: bool = False
    inhibit_any: bool = False


ASK_NOTHING: Final = PolicyInputs()


@dataclass(slots=True)
class _Node:
    """A policy at one depth: what it follows from, and what it is called below."""

    parents: set[str]
    expected: set[str]


Level = dict[str, _Node]


@dataclass(slots=True)
class PolicyState:
    """6.1.2 (a) and (d) to (f), kept from the anchor down. `length` is the number of certificates below."""

    length: int
    inputs: PolicyInputs = ASK_NOTHING
    levels: list[Level] | None = field(default_factory=lambda: [{ANY: _Node(set(), {ANY})}])
    """None: the graph is NULL."""
    explicit: int = 0
    mapping: int = 0
    any_policy: int = 0

    def __post_init__(self) -> None:
        most = self.length + 1
        self.explicit = 0 if self.inputs.explicit else most
        self.mapping = 0 if self.inputs.inhibit_mapping else most
        self.any_policy = 0 if self.inputs.inhibit_any else most

    def anchor(self, certificate: Certificate) -> None:
        """RFC 5937 3.2: constraints in the pinned certificate itself begin the path."""
        self._constrain(certificate)

    def certificate(self, certificate: Certificate, *, last: bool, who: str) -> list[Finding]:
        """6.1.3 (d) to (f) for the next certificate down, then 6.1.4 or, for the last one, 6.1.5."""
        self_issued = same(certificate.subject, certificate.issuer)
        value = certificate.extension(oids.CERTIFICATE_POLICIES)
        if value is None:
            self.levels = None
        elif self.levels is not None:
            any_counts = self.any_policy > 0 or (self_issued and not last)
            self._grow(read_certificate_policies(value), any_counts=any_counts)
        if self.explicit == 0 and self.levels is None:
            return [_refusal("No policy holds from the anchor down, and one is required.", who)]
        if last:
            return self._wrap_up(certificate, who)
        self._map(certificate)
        if not self_issued:
            self.explicit, self.mapping, self.any_policy = (
                max(0, count - 1) for count in (self.explicit, self.mapping, self.any_policy)
            )
        self._constrain(certificate)
        return []

    def _grow(self, policies: tuple[str, ...], *, any_counts: bool) -> None:
        """6.1.3 (d)."""
        above = (self.levels or [])[-1]
        awaited: dict[str, set[str]] = defaultdict(set)
        for policy, node in above.items():
            for expected in node.expected:
                awaited[expected].add(policy)
        level: Level = {}
        for policy in policies:
            parents = awaited.get(policy) or ({ANY} if ANY in above else set())
            if policy != ANY and parents:
                level[policy] = _Node(set(parents), {policy})
        if ANY in policies and any_counts:
            for policy, parents in awaited.items():
                if policy not in level:
                    level[policy] = _Node(set(parents), {policy})
        if level:
            (self.levels or []).append(level)
            self._prune()
        else:
            self.levels = None

    def _prune(self) -> None:
        """6.1.3 (d) (3): policies above that nothing follows from."""
        levels = self.levels or []
        for depth in range(len(levels) - 2, -1, -1):
            followed = {parent for node in levels[depth + 1].values() for parent in node.parents}
            levels[depth] = {policy: node for policy, node in levels[depth].items() if policy in followed}

    def _map(self, certificate: Certificate) -> None:
        """6.1.4 (a) and (b)."""
        value = certificate.extension(oids.POLICY_MAPPINGS)
        if value is None:
            return
        mappings = read_policy_mappings(value)
        if self.levels is None:
            return
        level = self.levels[-1]
        for policy, subjects in mappings.items():
            if self.mapping == 0:
                level.pop(policy, None)
            elif policy in level:
                level[policy].expected = subjects
            elif ANY in level:
                level[policy] = _Node({ANY}, subjects)
        self._prune()
        if not level:
            self.levels = None

    def _constrain(self, certificate: Certificate) -> None:
        """6.1.4 (i) and (j)."""
        value = certificate.extension(oids.POLICY_CONSTRAINTS)
        if value is not None:
            found = read_policy_constraints(value)
            if found.require_explicit_policy is not None:
                self.explicit = min(self.explicit, found.require_explicit_policy)
            if found.inhibit_policy_mapping is not None:
                self.mapping = min(self.mapping, found.inhibit_policy_mapping)
        value = certificate.extension(oids.INHIBIT_ANY_POLICY)
        if value is not None:
            self.any_policy = min(self.any_policy, read_inhibit_any_policy(value))

    def _wrap_up(self, certificate: Certificate, who: str) -> list[Finding]:
        """6.1.5 (a), (b) and (g)."""
        explicit = max(0, self.explicit - 1)
        value = certificate.extension(oids.POLICY_CONSTRAINTS)
        if value is not None and read_policy_constraints(value).require_explicit_policy == 0:
            explicit = 0
        if explicit == 0 and not self.acceptable:
            return [_refusal("The policies of the path are not among those that are asked for.", who)]
        return []

    @property
    def acceptable(self) -> frozenset[str]:
        """user-constrained-policy-set (6.1.6): policies in the anchor's words that hold for the path."""
        levels = self.levels or []
        # Valid are policies that follow from anyPolicy: they are the anchor's own, before any mapping.
        own = {p for level in levels[1:] for p, node in level.items() if p != ANY and ANY in node.parents}
        holds_any = bool(levels) and ANY in levels[-1]
        asked = self.inputs.acceptable
        if ANY in asked:
            return frozenset(own | (ANY_SET if holds_any else frozenset()))
        return frozenset(asked if holds_any else own & asked)


def read_policy_mappings(value: bytes) -> dict[str, set[str]]:
    """4.2.1.5: issuer's policy to the subject's; MalformedInput for anyPolicy, which maps to nothing."""
    found: dict[str, set[str]] = defaultdict(set)
    for pair in asn1.children(value, asn1.whole(value, what="policyMappings")):
        parts = asn1.children(value, pair)
        if pair.tag != asn1.SEQUENCE or len(parts) != 2:
            raise MalformedInput("A mapping is not two policies.", field="policyMappings")
        issuers, subjects = (asn1.oid_value(value, part) for part in parts)
        if ANY in (issuers, subjects):
            raise MalformedInput("anyPolicy is mapped (6.1.4 (a)).", field="policyMappings")
        found[issuers].add(subjects)
    if not found:
        raise MalformedInput("policyMappings is empty.", field="policyMappings")
    return dict(found)


def _refusal(problem: str, who: str) -> Finding:
    return error("path.no_acceptable_policy", problem, who)
