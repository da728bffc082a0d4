"""Hostile chains: however many and however large, the work is bounded; shown by counters, never by clocks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pki import asn1, extensions, oids
from pki.bundle import TrustAnchor, TrustBundle
from pki.errors import MalformedInput
from pki.keys import HybridPrivateKey
from pki.name_comparison import rdns
from pki.path import Status, Verdict, VerifyPolicy, verify, verify_bytes
from pki.path_search import MAX_CERTIFICATE_BYTES, MAX_DEPTH, MAX_GIVEN_BYTES
from pki.path_work import MAX_SIGNATURES
from pki.tbs import Certificate
from tests.unit.pki.naming import dns, san
from tests.unit.pki.path_fixtures import (
    ANCHOR,
    BUNDLE,
    DAY,
    DEVICE,
    ISSUING,
    NOW,
    ROOT,
    Recipe,
    bundle_of,
    device_recipe,
    issuing_recipe,
    keys,
    root_recipe,
)
from tests.unit.pki.test_path_lists import listed, point, scope
from tests.unit.pki.test_path_revocation import ROOTS, crl

OFF = VerifyPolicy(revocation="off")
BARE = bundle_of(TrustAnchor.of(ROOT), ())


def refusals(verdict: Verdict) -> set[str]:
    return {f.rule for f in verdict.findings if f.refuses}


def judged(leaf: Certificate, given: list[Certificate], bundle: TrustBundle = BARE) -> Verdict:
    verdict = verify(leaf, bundle=bundle, now=NOW, intermediates=given, policy=OFF)
    assert verdict.signatures <= MAX_SIGNATURES
    return verdict


def test_hundreds_of_namesakes_of_one_key_cost_one_signature() -> None:
    """A key is tried once for a certificate, however many certificates carry it."""
    identifier = keys("issuing").classical.public.key_identifier
    crowd = [
        _with_identifier(issuing_recipe(key=keys("mallory"), not_after=NOW + (n + 1) * DAY), identifier)
        for n in range(200)
    ]
    leaf = device_recipe(name="pump-of-the-crowd").make()
    verdict = judged(leaf, [*crowd, ISSUING])
    assert verdict.status is Status.HYBRID_VALID
    assert verdict.signatures <= 8


def test_namesakes_with_the_right_key_identifier_and_many_keys_end_at_the_limit() -> None:
    identifier = keys("issuing").classical.public.key_identifier
    crowd = [
        _with_identifier(issuing_recipe(key=HybridPrivateKey(keys(f"fake {n}", None).classical)), identifier)
        for n in range(MAX_SIGNATURES + 20)
    ]
    alone = judged(device_recipe(name="pump-unlucky").make(), [*crowd, ISSUING])
    assert alone.status is Status.INVALID
    assert "path.too_much_work" in refusals(alone)
    # The bundle's own intermediates come first: strangers cannot crowd them out.
    known = judged(device_recipe(name="pump-lucky").make(), crowd, BUNDLE)
    assert (known.status, known.signatures <= 6) == (Status.HYBRID_VALID, True)


def _with_identifier(recipe: Recipe, identifier: bytes) -> Certificate:
    wanted = extensions.subject_key_identifier(identifier)
    rewrite = lambda found: [wanted if e.oid == oids.SUBJECT_KEY_IDENTIFIER else e for e in found]  # noqa: E731
    return replace(recipe, issuer_key=keys("mallory", None), rewrite=rewrite).make()


def test_a_mesh_of_a_strangers_cas_ends_at_its_first_forged_edge() -> None:
    """Six layers of eight CAs that all certify each other, under the root's name without the root's key."""
    layers, width = 6, 6
    key = [[keys(f"mesh {n}-{m}", None) for m in range(width)] for n in range(layers)]
    mesh = []
    for n in range(layers):
        for m in range(width):
            for above in range(width if n + 1 < layers else 1):
                top = n + 1 == layers
                issuer = "Root" if top else f"layer {n + 1}"
                signer = keys("mallory", None) if top else key[n + 1][above]
                mesh.append(Recipe(f"layer {n}", issuer, key[n][m], signer, ca=True).make())
    leaf = Recipe("leaf", "layer 0", keys("device"), key[0][0]).make()
    verdict = judged(leaf, mesh)
    assert verdict.status is Status.INVALID
    assert verdict.signatures <= MAX_SIGNATURES


def test_a_mesh_with_valid_edges_that_reaches_no_anchor_ends() -> None:
    """RFC 4158 2.4.2: cross-certified CAs whose top is nobody's, with millions of ways through them."""
    names = [f"mesh {n}" for n in range(12)]
    pool = [
        Recipe(a, b, keys(a, None), keys(b, None), ca=True).make() for a in names for b in names if a != b
    ]
    leaf = Recipe("leaf", names[0], keys("device"), keys(names[0], None)).make()
    verdict = judged(leaf, pool)
    assert refusals(verdict) == {"path.no_path_to_a_trust_anchor"}
    assert "path.search_limited" in {f.rule for f in verdict.findings}
    assert verdict.signatures <= MAX_SIGNATURES


def test_a_cross_signed_ca_is_followed_to_the_anchor_that_is_pinned() -> None:
    """BetterTLS's plainest graph: the same CA under two roots, of which one is known."""
    stranger = keys("stranger")
    foreign = issuing_recipe(issuer="Stranger", issuer_key=stranger).make()
    top = root_recipe(name="Stranger", issuer="Stranger", key=stranger, issuer_key=stranger).make()
    for order in ([foreign, top, ISSUING], [ISSUING, top, foreign]):
        verdict = judged(DEVICE, order)
        assert (verdict.status, verdict.chain) == (Status.HYBRID_VALID, (DEVICE, ISSUING, ROOT))


@pytest.mark.parametrize("bad", ["expired", "not a CA", "path length"])
def test_a_bad_copy_of_a_ca_does_not_hide_the_good_one(bad: str) -> None:
    odd = {
        "expired": issuing_recipe(not_after=NOW - DAY),
        "not a CA": issuing_recipe(ca=False),
        "path length": issuing_recipe(path_length=None),
    }[bad].make()
    for order in ([odd, ISSUING], [ISSUING, odd]):
        assert judged(DEVICE, order).status is Status.HYBRID_VALID


def test_many_expired_copies_of_a_ca_do_not_use_up_the_paths() -> None:
    expired = [issuing_recipe(not_after=NOW - (n + 1) * DAY).make() for n in range(40)]
    assert judged(DEVICE, [*expired, ISSUING]).status is Status.HYBRID_VALID


def test_a_long_ladder_is_left_at_the_depth_limit() -> None:
    above, key, made = "Root", keys("root"), []
    for rung in range(200):
        made.append(Recipe(f"CA {rung}", above, keys("issuing"), key, ca=True).make())
        above, key = f"CA {rung}", keys("issuing")
    verdict = judged(Recipe("leaf", above, keys("device"), key).make(), made)
    assert refusals(verdict) == {"path.no_path_to_a_trust_anchor"}
    assert verdict.signatures <= MAX_DEPTH


def test_a_certificate_as_large_as_is_read_is_judged_and_one_octet_more_is_not() -> None:
    filler = san(*(dns(f"{'h' * 50}{n}.example") for n in range(200)))
    big = device_recipe(extra=(filler,)).make()
    assert judged(big, [ISSUING]).status is Status.HYBRID_VALID
    over = verify_bytes(big.der + bytes(MAX_CERTIFICATE_BYTES), bundle=BARE, now=NOW, policy=OFF)
    assert refusals(over) == {"path.certificate_malformed"}


def test_of_intermediates_one_mebibyte_is_read() -> None:
    filler = san(*(dns(f"{'h' * 60}{n}.example") for n in range(800)))
    big = Recipe("Filler", "Nobody", keys("device"), keys("mallory"), ca=True, extra=(filler,)).make().der
    before, room = len(big), MAX_GIVEN_BYTES // len(big) - 1
    assert before > MAX_GIVEN_BYTES // 20

    def judged_behind(crowd: int) -> Verdict:
        given = (*[big] * crowd, ISSUING.der)
        return verify_bytes(DEVICE.der, bundle=BARE, now=NOW, intermediates=given, policy=OFF)

    assert judged_behind(room).status is Status.HYBRID_VALID
    assert refusals(judged_behind(room + 2)) == {"path.no_path_to_a_trust_anchor"}


def test_hundreds_of_lists_under_the_issuers_name_end_at_the_limit() -> None:
    lists = [crl(ISSUING, number=n + 1) for n in range(MAX_SIGNATURES)]
    verdict = verify(DEVICE, bundle=BUNDLE, now=NOW, crls=lists, policy=VerifyPolicy())
    assert "path.too_much_work" in refusals(verdict)


def test_all_parts_of_a_sharded_list_at_once_cost_no_more_than_the_right_one() -> None:
    url = "http://status.example/crl/issuing/{}.crl"
    parts = [listed(scope(point(url.format(n)))) for n in range(MAX_SIGNATURES)]
    pointed = device_recipe(extra=(extensions.crl_distribution_points([url.format(7)]),)).make()
    verdict = verify(pointed, bundle=BUNDLE, now=NOW, crls=(ROOTS, *parts), policy=VerifyPolicy())
    assert (verdict.status, verdict.signatures <= 12) == (Status.HYBRID_VALID, True)


def test_a_valid_path_stands_though_the_search_for_a_better_one_ends_at_the_limit() -> None:
    stranger = [keys(f"fake {n}", None) for n in range(MAX_SIGNATURES + 20)]
    root = Recipe("Plain", "Plain", stranger[0], stranger[0], ca=True).make()
    ca = Recipe("Plain CA", "Plain", stranger[1], stranger[0], ca=True).make()
    leaf = Recipe("leaf", "Plain CA", stranger[2], stranger[1]).make()
    crowd = [Recipe("Plain CA", "Plain", own, stranger[0], ca=True).make() for own in stranger[3:]]
    bundle = TrustBundle(1, NOW, (TrustAnchor.of(root),), (ca.der,))
    assert judged(leaf, crowd, bundle).status is Status.CLASSICAL_VALID


def test_what_a_call_may_cost_does_not_run_out_over_many_calls() -> None:
    for _ in range(3 * MAX_SIGNATURES):
        verdict = verify(DEVICE, bundle=TrustBundle(1, NOW, (ANCHOR,), (ISSUING.der,)), now=NOW, policy=OFF)
        assert verdict.signatures <= 4


def test_a_name_of_a_thousand_attributes_is_not_compared() -> None:
    """Eight kilobytes of them cost forty milliseconds a comparison, and a search makes thousands."""
    one = asn1.set_of([asn1.sequence(asn1.oid(oids.COMMON_NAME), asn1.utf8_string("a"))])
    assert len(rdns(asn1.sequence(one * 64))) == 64
    with pytest.raises(MalformedInput, match="64 attributes"):
        rdns(asn1.sequence(one * 65))
