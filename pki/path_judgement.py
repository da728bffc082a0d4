"""One path judged, from the anchor down (RFC 5280 6.1.2 to 6.1.5): every level, then names, policies, status.

The working keys start as the pinned pair. A rule that meets malformed bytes, or crashes, is a finding; status
evidence is looked at only for a path that nothing else refuses, for only then are its issuers' keys
established.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import Final

from pki import oids, path_revocation, path_rules, path_structure, peer_name
from pki.errors import AlgorithmUnavailable, MalformedInput
from pki.findings import Finding, Severity, error
from pki.keys import HybridPublicKey
from pki.name_comparison import same
from pki.name_constraints import ConstraintState
from pki.path_lists import Asked
from pki.path_search import Path
from pki.path_signature import NOT_JUDGED, Demand, Strength, demand_of, vouched
from pki.path_verdict import STATUS_OF, Level, Question, Status, Verdict, VerifyPolicy
from pki.path_work import WorkExhausted
from pki.policy_tree import ASK_NOTHING, PolicyState
from pki.tbs import Certificate

_OF_POLICIES: Final = frozenset(
    {oids.CERTIFICATE_POLICIES, oids.POLICY_MAPPINGS, oids.POLICY_CONSTRAINTS, oids.INHIBIT_ANY_POLICY}
)


def judge(path: Path, question: Question) -> Verdict:
    """The verdict over one path; WorkExhausted where the call's limits end it."""
    try:
        walk = _Walk.begin(path, question, HybridPublicKey(*path.anchor.keys))
    except (AlgorithmUnavailable, MalformedInput) as gone:
        unusable = error("path.anchor_key_unusable", str(gone), path_rules.name_of(path.chain[-1]))
        return Verdict(Status.INVALID, (unusable,), path.chain)
    for place in range(len(path.chain) - 2, -1, -1):
        if walk.working is None:
            break
        walk.descend(place)
    walk.findings += _named(_run(path_rules.nesting_findings, path.chain), path.chain[0])
    if question.policy.revocation != "off" and not walk.refused:
        walk.findings += _named(_run(walk.ask_status), path.chain[0])
    weakest = min((level.vouched.strength for level in walk.levels), default=Strength.NONE)
    status = Status.INVALID if walk.refused else STATUS_OF[weakest]
    if status is not Status.INVALID and question.policy.mode == "pq_only":
        status = Status.PQ_ONLY_VALID
    levels = tuple(reversed((walk.top, *walk.levels) if len(path.chain) > 1 else walk.levels))
    policies = walk.policies.acceptable if walk.policies else frozenset()
    return Verdict(status, tuple(walk.findings), path.chain, levels, policies, question.work.signatures)


def _policies_matter(path: Path, policy: VerifyPolicy) -> bool:
    end, *above = path.chain
    if policy.policies != ASK_NOTHING or not _OF_POLICIES.isdisjoint([e.oid for e in end.extensions]):
        return True
    return any(_kept_says_policies(ca.der) for ca in above)


@lru_cache(maxsize=256)
def _kept_says_policies(ca: bytes) -> bool:
    return not _OF_POLICIES.isdisjoint([e.oid for e in Certificate.parse(ca).extensions])


@dataclass(slots=True)
class _Walk:
    """The state variables of 6.1.2, and what was found so far."""

    path: Path
    question: Question
    demand: Demand
    top: Level
    working: HybridPublicKey | None
    constraints: ConstraintState
    policies: PolicyState | None
    """None: nobody asks, and no certificate says anything of policies."""
    levels: list[Level]
    keys: list[HybridPublicKey]
    """The established issuer's keys, as `levels`."""
    findings: list[Finding]

    @classmethod
    def begin(cls, path: Path, question: Question, pinned: HybridPublicKey) -> _Walk:
        top, anchor, policy = path.chain[-1], path.anchor, question.policy
        since, pq_only = anchor.alt_required_from, policy.mode == "pq_only"
        required = anchor.form != "classical" and (since is None or question.now >= since)
        demand = demand_of(anchor, alternative_required=required, pq_only=pq_only)
        walk = cls(
            path,
            question,
            demand,
            Level(top, NOT_JUDGED),
            pinned,
            ConstraintState(),
            PolicyState(len(path.chain) - 1, policy.policies) if _policies_matter(path, policy) else None,
            [],
            [],
            [],
        )
        walk.findings += _named(_run(walk.anchor_findings), top)
        return walk

    @property
    def refused(self) -> bool:
        return any(f.refuses for f in self.findings)

    def anchor_findings(self) -> Iterator[Finding]:
        """The pinned certificate itself, and what its extensions begin."""
        top, keys = self.path.chain[-1], self.working
        yield from path_rules.validity_findings(top, self.question.now)
        yield from path_structure.kept_findings(top)
        yield from path_rules.withdrawn_findings(top, self.question.withdrawn)
        if len(self.path.chain) > 1:
            yield from _kept_anchor(top.der)
        if self.question.policy.mode == "pq_only" and not self.demand.post_quantum_anchor:
            problem = "The anchor pins no key that stands without the classical one."
            yield error("hybrid.anchor_has_no_alternative_key", problem)
        self.constraints.add(top)
        if self.policies is not None:
            self.policies.anchor(top)
        if len(self.path.chain) == 1 and keys is not None:
            judged = vouched(top, keys, self.demand, self.question.work, keep=True)
            self.levels.append(Level(top, judged))
            self.keys.append(keys)
            yield from judged.findings

    def descend(self, place: int) -> None:
        """One level: what is asked of its issuer, of itself, and 6.1.4's preparation for the next."""
        chain, question = self.path.chain, self.question
        certificate, issuer, keys = chain[place], chain[place + 1], self.working
        if keys is None:
            return
        last = place == 0
        below = sum(not path_rules.is_self_issued(c) for c in chain[1 : place + 1])
        judged = vouched(certificate, keys, self.demand, question.work, keep=not last)
        found: list[Finding] = list(judged.findings)
        found += _run(path_rules.kept_ca_findings, issuer, below)
        if last:
            found += _run(_static_findings, certificate, issuer)
            found += _run(self._end_findings, certificate)
        else:
            found += _kept_static(certificate.der, issuer.der)
        found += _run(path_rules.validity_findings, certificate, question.now)
        found += _run(self._asked_findings, certificate, last)
        policies = self.policies
        if policies is not None:
            found += _run(partial(policies.certificate, certificate, last=last, who=""))
        self.levels.append(Level(certificate, judged))
        self.keys.append(keys)
        self.working, unusable = path_rules.keys_of(certificate)
        self.findings += _named([*found, *unusable], certificate)

    def _end_findings(self, certificate: Certificate) -> Iterator[Finding]:
        """What the caller asks of the end entity, and of the path's length."""
        policy, chain = self.question.policy, self.path.chain
        yield from peer_name.findings(certificate, policy.host, "")
        if policy.path_length is not None:
            counted = sum(not path_rules.is_self_issued(c) for c in chain[1:-1])
            if counted > policy.path_length:
                problem = f"{counted} CAs stand below the anchor; the caller allows {policy.path_length}."
                yield error("path.path_length_exceeded", problem)

    def _asked_findings(self, certificate: Certificate, last: bool) -> Iterator[Finding]:
        """What the bundle, the caller and the CAs above ask of every certificate."""
        if self.question.withdrawn:
            yield from path_rules.withdrawn_findings(certificate, self.question.withdrawn)
        if self.question.policy.purpose is not None:
            yield from path_rules.purpose_findings(certificate, self.question.policy.purpose)
        if last or not path_rules.is_self_issued(certificate):
            yield from self.constraints.findings(certificate, self.question.work, "")
        if not last:
            self.constraints.add(certificate)

    def ask_status(self) -> Iterator[Finding]:
        """Was any of them revoked? Every level by the keys that are established now."""
        question, chain = self.question, self.path.chain
        # A CA that rolled its key over tells of older certificates with the newer key, and the other way. But
        # only keys from above the certificate: one that was stolen would tell of itself.
        established = [(chain[len(chain) - 1 - place], keys) for place, keys in enumerate(self.keys)]
        for place, level in enumerate(self.levels if len(chain) > 1 else ()):
            issuer, keys = established[place]
            alike = [above for above in established[:place] if same(above[0].subject, issuer.subject)]
            asked = Asked(
                certificate=level.certificate,
                issuer=issuer,
                issuer_keys=keys,
                demand=self.demand,
                now=question.now,
                skew=question.policy.clock_skew,
                also_signing=tuple(alike),
                withdrawn=question.withdrawn,
            )
            status, found = path_revocation.judge(
                asked, question.evidence, question.policy.revocation, question.work
            )
            self.levels[place] = replace(level, status=status)
            yield from found


@lru_cache(maxsize=64)
def _kept_anchor(anchor: bytes) -> tuple[Finding, ...]:
    return tuple(path_rules.anchor_findings(Certificate.parse(anchor)))


def _static_findings(certificate: Certificate, issuer: Certificate) -> Iterator[Finding]:
    """What rests on the octets of a certificate and its issuer's alone."""
    yield from path_rules.link_findings(certificate, issuer)
    yield from path_structure.findings(certificate)


@lru_cache(maxsize=256)
def _kept_static(certificate: bytes, issuer: bytes) -> tuple[Finding, ...]:
    """`_static_findings` of a CA, which is asked about again."""
    return tuple(_run(_static_findings, Certificate.parse(certificate), Certificate.parse(issuer)))


def _run(rule: Callable[..., Iterable[Finding]], *given: object) -> list[Finding]:
    """What the rule finds; one that raises says so, and nothing else is heard of it."""
    try:
        return list(rule(*given))
    except MalformedInput as bad:
        return [error("path.extension_malformed", f"An extension does not read: {bad}")]
    except WorkExhausted:
        raise
    except Exception as crash:  # noqa: BLE001 - a rule that crashes is a fatal finding, never a pass
        problem = f"A rule of the verifier crashed ({type(crash).__name__}); the certificate is not believed."
        return [Finding("path.rule_crashed", Severity.FATAL, problem)]


def _named(found: Iterable[Finding], certificate: Certificate) -> list[Finding]:
    """The findings; those without a subject are about this certificate. Only then is its name read."""
    return [f if f.subject else replace(f, subject=path_rules.name_of(certificate)) for f in found]
