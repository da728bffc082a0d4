"""Every form of anchor, and paths that mix forms: a path is as strong as its weakest level."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pytest

from pki.algorithms import KeyAlgorithm, PrivateKey
from pki.bundle import TrustAnchor, TrustBundle, open_bundle, sign_bundle
from pki.keys import HybridPrivateKey
from pki.path import Status, Verdict, VerifyPolicy, verify
from pki.tbs import Certificate
from tests.unit.pki.path_fixtures import DAY, NOW, Recipe, keys

OFF = VerifyPolicy(revocation="off")
AFTER = replace(OFF, mode="pq_only")
CLASSICAL = KeyAlgorithm.EC_P256
PURE = KeyAlgorithm.ML_DSA_44
COMPOSITE = KeyAlgorithm.MLDSA44_ECDSA_P256_SHA256
DATA = Path(__file__).parents[4] / "shared" / "data" / "pki"


@lru_cache(maxsize=32)
def one(kind: KeyAlgorithm, place: int) -> HybridPrivateKey:
    """A key of one kind, as the root, a CA or a leaf holds it; catalyst keys are path_fixtures'."""
    return HybridPrivateKey(PrivateKey.generate(kind))


def made(*kinds: KeyAlgorithm | str) -> list[Certificate]:
    """A chain from the root's kind of key down to the leaf's; "catalyst" is both."""
    held = [
        keys(f"catalyst {n}") if k == "catalyst" else one(KeyAlgorithm(k), n) for n, k in enumerate(kinds)
    ]
    found, above, key = [], "Root", held[0]
    for place, own in enumerate(held):
        last = place == len(held) - 1
        name = "Root" if place == 0 else "leaf" if last else f"CA {place}"
        found.append(Recipe(name, above, own, key, ca=not last).make())
        above, key = name, own
    return found


def judged(
    chain: list[Certificate], policy: VerifyPolicy = OFF, *, anchor: TrustAnchor | None = None
) -> Verdict:
    top = anchor or TrustAnchor.of(chain[0])
    bundle = TrustBundle(1, NOW, (top,), tuple(c.der for c in chain[1:-1]))
    return verify(chain[-1], bundle=bundle, now=NOW, policy=policy)


def refusals(verdict: Verdict) -> set[str]:
    return {f.rule for f in verdict.findings if f.refuses}


STRENGTHS: dict[str, tuple[tuple[KeyAlgorithm | str, ...], Status, Status]] = {
    "classical": ((CLASSICAL, CLASSICAL, CLASSICAL), Status.CLASSICAL_VALID, Status.INVALID),
    "pure": ((PURE, PURE, PURE), Status.PQ_ONLY_VALID, Status.PQ_ONLY_VALID),
    "composite": ((COMPOSITE, COMPOSITE, CLASSICAL), Status.HYBRID_VALID, Status.PQ_ONLY_VALID),
    "catalyst": (("catalyst", "catalyst", "catalyst"), Status.HYBRID_VALID, Status.PQ_ONLY_VALID),
    "catalyst above composite": (("catalyst", COMPOSITE, PURE), Status.HYBRID_VALID, Status.PQ_ONLY_VALID),
    "composite above catalyst": (
        (COMPOSITE, "catalyst", "catalyst"),
        Status.HYBRID_VALID,
        Status.PQ_ONLY_VALID,
    ),
    "composite above pure": ((COMPOSITE, PURE, CLASSICAL), Status.PQ_ONLY_VALID, Status.PQ_ONLY_VALID),
    "catalyst above pure": (("catalyst", PURE, CLASSICAL), Status.PQ_ONLY_VALID, Status.PQ_ONLY_VALID),
    "pure above classical": ((PURE, CLASSICAL, CLASSICAL), Status.INVALID, Status.INVALID),
    "composite above classical": ((COMPOSITE, CLASSICAL, CLASSICAL), Status.INVALID, Status.INVALID),
    "catalyst above classical": (("catalyst", CLASSICAL, CLASSICAL), Status.INVALID, Status.INVALID),
    "classical above pure": ((CLASSICAL, PURE, PURE), Status.CLASSICAL_VALID, Status.INVALID),
    "classical above catalyst": ((CLASSICAL, "catalyst", "catalyst"), Status.CLASSICAL_VALID, Status.INVALID),
}


@pytest.mark.parametrize(("kinds", "today", "day_after"), STRENGTHS.values(), ids=STRENGTHS)
def test_a_path_is_as_strong_as_its_weakest_level(
    kinds: tuple[KeyAlgorithm | str, ...], today: Status, day_after: Status
) -> None:
    chain = made(*kinds)
    assert judged(chain).status is today
    assert judged(chain, AFTER).status is day_after


@pytest.mark.parametrize("kind", [PURE, COMPOSITE])
def test_before_the_moment_a_classical_level_is_warned_of(kind: KeyAlgorithm) -> None:
    chain = made(kind, CLASSICAL, CLASSICAL)
    later = TrustAnchor.of(chain[0], alt_required_from=NOW + DAY)
    verdict = judged(chain, anchor=later)
    assert (verdict.status, [f.rule for f in verdict.findings]) == (
        Status.CLASSICAL_VALID,
        ["hybrid.issuer_has_no_alternative_key"],
    )
    assert refusals(judged(chain, anchor=TrustAnchor.of(chain[0], alt_required_from=NOW))) == {
        "hybrid.issuer_has_no_alternative_key"
    }


@pytest.mark.parametrize("kind", [PURE, COMPOSITE])
def test_a_signature_by_another_key_of_the_kind_does_not_hold(kind: KeyAlgorithm) -> None:
    root, _, _ = made(kind, kind, kind)
    forged = Recipe(
        "leaf", "Root", one(kind, 7), one(kind, 8), akid=one(kind, 0).classical.public.key_identifier
    )
    for policy in (OFF, AFTER):
        assert refusals(judged([root, forged.make()], policy)) == {"path.signature_invalid"}


@pytest.mark.parametrize(
    ("kind", "form"), [(CLASSICAL, "classical"), (PURE, "pure"), (COMPOSITE, "composite")]
)
def test_a_bundle_is_signed_and_opened_by_a_root_of_any_form(kind: KeyAlgorithm, form: str) -> None:
    root = Recipe("Root", "Root", one(kind, 0), one(kind, 0), ca=True).make()
    anchor = TrustAnchor.of(root, alt_required_from=None if form == "classical" else NOW + DAY)
    bundle = TrustBundle(1, NOW, (anchor,))
    opened = open_bundle(sign_bundle(bundle, one(kind, 0)), pinned_fingerprint=root.fingerprint)
    assert (opened, opened.anchors[0].form) == (bundle, form)


def test_levels_tell_what_vouches_for_each() -> None:
    verdict = judged(made("catalyst", COMPOSITE, PURE))
    assert [(x.vouched.main, x.vouched.alternative, x.vouched.strength.name) for x in verdict.levels] == [
        (True, None, "HYBRID"),
        (True, True, "HYBRID"),
        (None, None, "NONE"),
    ]
    assert tuple(x.certificate for x in verdict.levels) == verdict.chain


@pytest.mark.parametrize(
    ("pattern", "status"),
    [
        ("composite/bc__*.der", Status.HYBRID_VALID),
        ("composite/composite-sigs-ref-impl__*.der", Status.HYBRID_VALID),
        ("mldsa/*_ta.der", Status.PQ_ONLY_VALID),
        ("catalyst/*.der", Status.HYBRID_VALID),
    ],
)
def test_anchors_of_other_implementations_stand_and_altered_ones_do_not(pattern: str, status: Status) -> None:
    files = sorted(DATA.glob(pattern))
    if not files:
        pytest.skip("the shared data folder is not here")
    for file in files:
        anchor = Certificate.parse(file.read_bytes())
        at = anchor.not_before + DAY
        bundle = TrustBundle(1, at, (TrustAnchor.of(anchor),))
        assert verify(anchor, bundle=bundle, now=at, policy=OFF).status is status, file.name
        torn = Certificate.parse(anchor.der[:-1] + bytes((anchor.der[-1] ^ 1,)))
        pinned_torn = TrustBundle(1, at, (TrustAnchor.of(torn),))
        assert verify(torn, bundle=pinned_torn, now=at, policy=OFF).status is Status.INVALID, file.name
