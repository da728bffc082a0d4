"""Certificate policies along a path (RFC 5280 6.1, RFC 9618): what each CA says, and what then holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from pki import asn1, oids
from pki.constraint_extensions import certificate_policies
from pki.extensions import Extension
from pki.path import PolicyInputs, Verdict
from pki.policy_tree import ANY, PolicyState
from tests.unit.pki.naming import OFF, chain, judged, refusals

A, B, C, D = (f"1.3.6.1.4.1.99999.{n}" for n in range(1, 5))


def says(*policies: str) -> Extension:
    return certificate_policies(policies)


def maps(*pairs: tuple[str, str]) -> Extension:
    listed = (asn1.sequence(asn1.oid(issuer), asn1.oid(subject)) for issuer, subject in pairs)
    return Extension(oids.POLICY_MAPPINGS, True, asn1.sequence(*listed))


def requires(explicit: int | None = None, mapping: int | None = None) -> Extension:
    parts = [
        asn1.implicit(tag, bytes((skip,))) for tag, skip in ((0, explicit), (1, mapping)) if skip is not None
    ]
    return Extension(oids.POLICY_CONSTRAINTS, True, asn1.sequence(*parts))


def inhibits_any(skip: int) -> Extension:
    return Extension(oids.INHIBIT_ANY_POLICY, True, asn1.integer(skip))


def path(*levels: Sequence[Extension], inputs: PolicyInputs | None = None) -> Verdict:
    return judged(chain(*levels), replace(OFF, policies=inputs or PolicyInputs()))


def demand(*policies: str, **flags: bool) -> PolicyInputs:
    return PolicyInputs(frozenset(policies or (ANY,)), explicit=True, **flags)


HOLDS: dict[str, tuple[list[list[Extension]], PolicyInputs, set[str]]] = {
    "nobody says anything and nobody asks": ([[], [], []], PolicyInputs(), set()),
    "the same policy all the way": ([[], [says(A)], [says(A)]], demand(A), {A}),
    "one of two policies": ([[], [says(A, B)], [says(B, C)]], demand(A, B), {B}),
    "anyPolicy above, a policy below": ([[], [says(ANY)], [says(A)]], demand(A), {A}),
    "anyPolicy all the way is any that is asked for": ([[], [says(ANY)], [says(ANY)]], demand(A), {A}),
    "a policy above, anyPolicy below": ([[], [says(A)], [says(ANY)]], demand(A), {A}),
    "mapped: the anchor's word counts": ([[], [says(A), maps((A, B))], [says(B)]], demand(A), {A}),
    "mapped twice": ([[], [says(A), maps((A, B))], [says(B), maps((B, C))], [says(C)]], demand(A), {A}),
    "mapped out of anyPolicy": ([[], [says(ANY), maps((A, B))], [says(B)]], demand(A), {A}),
    "required only further down": ([[], [requires(explicit=5)], []], PolicyInputs(), set()),
}
LACKS: dict[str, tuple[list[list[Extension]], PolicyInputs]] = {
    "nobody says anything and one is asked for": ([[], [], []], demand()),
    "another policy than the one asked for": ([[], [says(A)], [says(A)]], demand(B)),
    "policies that do not meet": ([[], [says(A)], [says(B)]], demand()),
    "the end entity says none": ([[], [says(A)], []], demand()),
    "a CA requires one": ([[], [requires(explicit=0)], []], PolicyInputs()),
    "the end entity requires one of itself": ([[], [says(A), requires(explicit=1)], []], PolicyInputs()),
    "the anchor itself requires one": ([[requires(explicit=0)], [], []], PolicyInputs()),
    "the subject's word is not the anchor's": ([[], [says(A), maps((A, B))], [says(B)]], demand(B)),
    "mapping inhibited by the caller": (
        [[], [says(A), maps((A, B))], [says(B)]],
        demand(A, inhibit_mapping=True),
    ),
    "mapping inhibited by a CA above": (
        [[], [says(A), requires(mapping=0)], [says(A), maps((A, B))], [says(B)]],
        demand(A),
    ),
    "anyPolicy inhibited by the caller": ([[], [says(A)], [says(ANY)]], demand(A, inhibit_any=True)),
    "anyPolicy inhibited by a CA above": ([[], [says(A), inhibits_any(0)], [says(ANY)]], demand(A)),
}


@pytest.mark.parametrize(("levels", "inputs", "expected"), HOLDS.values(), ids=HOLDS)
def test_policies_that_hold(levels: list[list[Extension]], inputs: PolicyInputs, expected: set[str]) -> None:
    verdict = path(*levels, inputs=inputs)
    assert (refusals(verdict), set(verdict.policies)) == ([], expected)


@pytest.mark.parametrize(("levels", "inputs"), LACKS.values(), ids=LACKS)
def test_policies_that_do_not(levels: list[list[Extension]], inputs: PolicyInputs) -> None:
    assert set(refusals(path(*levels, inputs=inputs))) == {"path.no_acceptable_policy"}


@pytest.mark.parametrize(
    "extension",
    [
        maps((ANY, A)),
        maps((A, ANY)),
        maps(),
        certificate_policies((A, A)),
        Extension(oids.POLICY_CONSTRAINTS, True, asn1.sequence()),
        Extension(oids.INHIBIT_ANY_POLICY, True, asn1.integer(-1)),
    ],
    ids=["any mapped", "mapped to any", "no mapping", "said twice", "empty constraints", "negative skip"],
)
def test_what_is_malformed_refuses_though_nobody_asks(extension: Extension) -> None:
    assert "path.extension_malformed" in refusals(path([], [extension], []))


def test_constraints_that_are_not_critical_are_judged_and_warned_of() -> None:
    """RFC 3280 let them be; 6.1.4 (i) does not ask."""
    loose = Extension(oids.POLICY_CONSTRAINTS, False, requires(explicit=0).value)
    verdict = path([], [says(A), loose], [says(A)])
    assert refusals(verdict) == []
    assert [f.rule for f in verdict.findings] == ["path.extension_must_be_critical"]
    assert refusals(path([], [loose], [])) == ["path.no_acceptable_policy"]


def test_the_graph_stays_as_small_as_what_the_certificates_say() -> None:
    """RFC 9618 1: in RFC 5280's tree, two policies mapped to both of each other double with every level."""
    both = [says(A, B), maps((A, A), (A, B), (B, A), (B, B))]
    made = chain([], *([both] * 6), [says(A, B)])
    state = PolicyState(7)
    for place, certificate in enumerate(made[1:]):
        assert state.certificate(certificate, last=place == 6, who="x") == []
        assert max(len(level) for level in state.levels or []) <= 2
    assert state.acceptable == {A, B}
