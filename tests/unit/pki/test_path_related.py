"""Related pairs (RFC 9763): both halves stand, and one names the other; everything else is no pair."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Literal

import pytest

from pki import asn1, oids
from pki.algorithms import KeyAlgorithm
from pki.bundle import TrustAnchor, TrustBundle
from pki.extensions import Extension
from pki.path import Status, Verdict, VerifyPolicy, verify, verify_bytes
from pki.related import related_certificate, related_extension
from pki.tbs import Certificate
from tests.unit.pki.path_fixtures import DAY, NOW, Recipe
from tests.unit.pki.test_path_forms import CLASSICAL, PURE, one
from tests.unit.pki.test_path_lists import entry, listed

OFF = VerifyPolicy(revocation="off")


def root(kind: KeyAlgorithm) -> Recipe:
    return Recipe(f"Root {kind}", f"Root {kind}", one(kind, 0), one(kind, 0), ca=True)


def half(kind: KeyAlgorithm, *extra: Extension, name: str = "pump", **odd: object) -> Certificate:
    recipe = Recipe(name, f"Root {kind}", one(kind, 2), one(kind, 0), extra=extra)
    return replace(recipe, **odd).make()  # type: ignore[arg-type]


ROOTS = {kind: root(kind).make() for kind in (CLASSICAL, PURE)}
BUNDLE = TrustBundle(1, NOW, tuple(TrustAnchor.of(c) for c in ROOTS.values()))
TLS = half(CLASSICAL)
SIGNING = half(PURE, related_extension(related_certificate(TLS.der)))


def judged(one: Certificate, other: Certificate, policy: VerifyPolicy = OFF) -> Verdict:
    return verify(one, related=other, bundle=BUNDLE, now=NOW, policy=policy)


def refusals(verdict: Verdict) -> set[str]:
    return {f.rule for f in verdict.findings if f.refuses}


def test_a_bound_pair_of_both_families_is_hybrid_valid_whichever_comes_first() -> None:
    assert judged(TLS, SIGNING).status is Status.HYBRID_VALID
    assert judged(SIGNING, TLS).status is Status.HYBRID_VALID
    alone = [verify(c, bundle=BUNDLE, now=NOW, policy=OFF).status for c in (TLS, SIGNING)]
    assert alone == [Status.CLASSICAL_VALID, Status.PQ_ONLY_VALID]


def test_a_classical_half_that_names_anothers_certificate_is_not_stronger_for_it() -> None:
    """Who breaks classical keys makes this pair alone: the half that resists is a stranger's, replayed."""
    genuine = half(PURE)
    forged = half(CLASSICAL, related_extension(related_certificate(genuine.der)))
    for verdict in (judged(forged, genuine), judged(genuine, forged)):
        assert verdict.status is Status.CLASSICAL_VALID
        assert [f.rule for f in verdict.findings if f.rule.startswith("related.")] == [
            "related.named_by_the_weaker_half"
        ]


def test_two_halves_of_one_family_are_no_stronger_than_one() -> None:
    second = half(CLASSICAL, related_extension(related_certificate(TLS.der)), not_after=NOW + DAY)
    assert judged(TLS, second).status is Status.CLASSICAL_VALID


def digest(dotted: str, octets: bytes) -> Extension:
    value = asn1.sequence(asn1.sequence(asn1.oid(dotted)), asn1.octet_string(octets))
    return related_extension(value)


UNBOUND: dict[str, tuple[Certificate, Certificate, str]] = {
    "neither names the other": (TLS, half(PURE), "related.not_bound"),
    "it names another certificate": (half(CLASSICAL, not_after=NOW + DAY), SIGNING, "related.hash_differs"),
    "another subject": (
        half(CLASSICAL, name="thief"),
        half(PURE, related_extension(related_certificate(half(CLASSICAL, name="thief").der))),
        "related.subjects_differ",
    ),
    "a hash that is not allowed": (
        TLS,
        half(PURE, digest(oids.SHA1, bytes(20))),
        "related.hash_differs",
    ),
    "a certificate with itself": (SIGNING, SIGNING, "related.one_certificate_twice"),
    "an expired half": (
        TLS,
        half(PURE, related_extension(related_certificate(TLS.der)), not_after=NOW - DAY),
        "path.certificate_expired",
    ),
}


@pytest.mark.parametrize(("first", "second", "rule"), UNBOUND.values(), ids=UNBOUND)
def test_what_is_no_pair(first: Certificate, second: Certificate, rule: str) -> None:
    verdict = judged(first, second)
    assert verdict.status is Status.INVALID
    assert rule in refusals(verdict)


@pytest.mark.parametrize(("dotted", "size"), [(oids.SHA384, 48), (oids.SHA512, 64)])
def test_longer_hashes_bind_too(dotted: str, size: int) -> None:
    bound = digest(dotted, hashlib.new(f"sha{size * 8}", TLS.der).digest())
    assert judged(TLS, half(PURE, bound)).status is Status.HYBRID_VALID


def test_on_the_day_after_the_post_quantum_half_answers_for_the_one_it_names() -> None:
    after = replace(OFF, mode="pq_only")
    assert judged(TLS, SIGNING, after).status is Status.PQ_ONLY_VALID
    # The classical half naming the other proves nothing then: anybody can make it.
    named = half(CLASSICAL, related_extension(related_certificate(half(PURE).der)))
    assert judged(named, half(PURE), after).status is Status.INVALID
    lapsed = half(CLASSICAL, not_after=NOW - DAY)
    naming = half(PURE, related_extension(related_certificate(lapsed.der)))
    for one_half, other_half in ((lapsed, naming), (naming, lapsed)):
        assert judged(one_half, other_half, after).status is Status.INVALID


@pytest.mark.parametrize("mode", ["hybrid", "pq_only"])
def test_a_half_that_was_taken_back_takes_the_pair_with_it(mode: Literal["hybrid", "pq_only"]) -> None:
    good = listed(issuer=ROOTS[PURE], key=one(PURE, 0))
    unlisted, revoked = (
        listed(issuer=ROOTS[CLASSICAL], key=one(CLASSICAL, 0), entries=entries)
        for entries in ((), entry(TLS))
    )
    for pair in ((TLS, SIGNING), (SIGNING, TLS)):
        for lists, valid in (((good, unlisted), True), ((good, revoked), False), ((good,), False)):
            verdict = verify(
                pair[0], related=pair[1], bundle=BUNDLE, now=NOW, crls=lists, policy=VerifyPolicy(mode=mode)
            )
            assert verdict.is_valid is valid
        assert "path.revocation_unknown" in refusals(verdict)


def test_a_half_that_does_not_parse_is_an_invalid_verdict() -> None:
    verdict = verify_bytes(TLS.der, related=b"junk", bundle=BUNDLE, now=NOW, policy=OFF)
    assert refusals(verdict) == {"path.certificate_malformed"}
