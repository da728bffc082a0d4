"""One path judged, from the anchor down (RFC 5280 6.1.2 to 6.1.5): every level, then names, policies, status.

The working keys start as the pinned pair. A rule that meets malformed bytes, or crashes, is a finding; status
evidence is looked at only for a path that nothing else refuses, for only then are its issuers' keys
established.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from pki import path_revocation, path_rules, path_structure, peer_name
from pki.errors import AlgorithmUnavailable, MalformedInput
from pki.findings import Finding, Severity, error
from pki.keys import HybridPublicKey
from pki.name_comparison import same
from pki.name_constraints import ConstraintState
from pki.path_lists import Asked
from pki.path_search import Path
from pki.path_signature import NOT_JUDGED, Demand, Strength, demand_of, vouched
from pki.path_verdict import STATUS_OF, Level, Question, Status, Verdict
from pki.path_work import WorkExhausted
from pki.policy_tree import PolicyState
from pki.tbs import Certificate


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
    walk.findings += _run(lambda: path_rules.nesting_findings(path.chain), path.chain[0])
    if not walk.refused:
        walk.findings += _run(walk.ask_status, path.chain[0])
    weakest = min((level.vouched.strength for level in walk.levels), default=Strength.NONE)
    status = Status.INVALID if walk.refused else STATUS_OF[weakest]
    if status is not Status.INVALID and question.policy.mode == "pq_only":
        status = Status.PQ_ONLY_VALID
    levels = tuple(reversed((walk.top, *walk.levels) if len(path.chain) > 1 else walk.levels))
    return Verdict(status, tuple(walk.findings), path.chain, levels, walk.policies.acceptable)


@dataclass(slots=True)
class _Walk:
    """The state variables of 6.1.2, and what was found so far."""

    path: Path
    question: Question
    demand: Demand
    top: Level
    working: HybridPublicKey | None
    constraints: ConstraintState
    policies: PolicyState
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
            PolicyState(len(path.chain) - 1, policy.policies),
            [],
            [],
            [],
        )
        walk.findings += _run(lambda: walk._anchor_findings(top), top)
        return walk

    @property
    def refused(self) -> bool:
        return any(f.refuses for f in self.findings)

    def _anchor_findings(self, top: Certificate) -> Iterator[Finding]:
        who, keys = path_rules.name_of(top), self.working
        yield from path_rules.validity_findings(top, self.question.now)
        yield from path_structure.kept_findings(top, who)
        yield from path_rules.withdrawn_findings(top, self.question.withdrawn)
        if len(self.path.chain) > 1:
            yield from path_rules.anchor_findings(top)
        if self.question.policy.mode == "pq_only" and not self.demand.post_quantum_anchor:
            problem = "The anchor pins no key that stands without the classical one."
            yield error("hybrid.anchor_has_no_alternative_key", problem, who)
        self.constraints.add(top)
        self.policies.anchor(top)
        if len(self.path.chain) == 1 and keys is not None:
            judged = vouched(top, keys, self.demand, self.question.work, keep=True, who=who)
            self.levels.append(Level(top, judged))
            self.keys.append(keys)
            yield from judged.findings

    def descend(self, place: int) -> None:
        """One level: what is asked of its issuer, of itself, and 6.1.4's preparation for the next."""
        chain, question = self.path.chain, self.question
        certificate, issuer, keys = chain[place], chain[place + 1], self.working
        if keys is None:
            return
        who, last = path_rules.name_of(certificate), place == 0
        below = sum(not path_rules.is_self_issued(c) for c in chain[1 : place + 1])
        judged = vouched(certificate, keys, self.demand, question.work, keep=not last, who=who)
        structure = path_structure.findings if last else path_structure.kept_findings
        rules: tuple[Callable[[], Iterable[Finding]], ...] = (
            lambda: path_rules.link_findings(certificate, issuer),
            lambda: judged.findings,
            lambda: path_rules.validity_findings(certificate, question.now),
            lambda: structure(certificate, who),
            lambda: path_rules.ca_findings(issuer, below),
            lambda: path_rules.withdrawn_findings(certificate, question.withdrawn),
            lambda: self._length_findings(place, who),
            lambda: path_rules.purpose_findings(certificate, question.policy.purpose),
            lambda: peer_name.findings(certificate, question.policy.host if last else "", who),
            lambda: self._name_findings(certificate, last=last, who=who),
            lambda: self.policies.certificate(certificate, last=last, who=who),
        )
        self.findings += [finding for rule in rules for finding in _run(rule, certificate)]
        self.levels.append(Level(certificate, judged))
        self.keys.append(keys)
        self.working, unusable = path_rules.keys_of(certificate)
        self.findings += unusable

    def _length_findings(self, place: int, who: str) -> Iterator[Finding]:
        most, chain = self.question.policy.path_length, self.path.chain
        if most is not None and place == 0:
            counted = sum(not path_rules.is_self_issued(c) for c in chain[1:-1])
            if counted > most:
                problem = f"{counted} CAs stand below the anchor; the caller allows {most}."
                yield error("path.path_length_exceeded", problem, who)

    def _name_findings(self, certificate: Certificate, *, last: bool, who: str) -> Iterator[Finding]:
        if last or not path_rules.is_self_issued(certificate):
            yield from self.constraints.findings(certificate, self.question.work, who)
        if not last:
            self.constraints.add(certificate)

    def ask_status(self) -> Iterator[Finding]:
        """Was any of them revoked? Every level by the keys that are established now."""
        question, chain = self.question, self.path.chain
        # A CA that rolled its key over tells of older certificates with the newer key, and the other way.
        established = [(chain[len(chain) - 1 - place], keys) for place, keys in enumerate(self.keys)]
        for place, level in enumerate(self.levels if len(chain) > 1 else ()):
            issuer, keys = established[place]
            alike = [s for s in established if s[0] is not issuer and same(s[0].subject, issuer.subject)]
            asked = Asked(
                certificate=level.certificate,
                issuer=issuer,
                issuer_keys=keys,
                demand=self.demand,
                now=question.now,
                skew=question.policy.clock_skew,
                also_signing=tuple(alike),
            )
            status, found = path_revocation.judge(
                asked, question.evidence, question.policy.revocation, question.work
            )
            self.levels[place] = replace(level, status=status)
            yield from found


def _run(rule: Callable[[], Iterable[Finding]], certificate: Certificate) -> list[Finding]:
    try:
        return list(rule())
    except MalformedInput as bad:
        who = path_rules.name_of(certificate)
        return [error("path.extension_malformed", f"An extension does not read: {bad}", who)]
    except WorkExhausted:
        raise
    except Exception as crash:  # noqa: BLE001 - a rule that crashes is a fatal finding, never a pass
        problem = f"A rule of the verifier crashed ({type(crash).__name__}); the certificate is not believed."
        return [Finding("path.rule_crashed", Severity.FATAL, problem, path_rules.name_of(certificate))]
