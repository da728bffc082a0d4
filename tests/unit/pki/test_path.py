"""Paths under RFC 5280 section 6: what leads to a pinned anchor, and every reason why it does not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from pki import asn1, extensions, oids
from pki.bundle import TrustAnchor
from pki.extensions import Extension, KeyUsage
from pki.path import Status, Verdict, VerifyPolicy, verify, verify_bytes
from pki.path_search import MAX_CERTIFICATE_BYTES
from pki.tbs import Certificate
from tests.unit.pki.path_fixtures import (
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

OFF = VerifyPolicy(revocation="off")
SECOND = timedelta(seconds=1)


def judged(
    device: Certificate = DEVICE,
    *,
    issuing: Certificate = ISSUING,
    root: Certificate = ROOT,
    now: datetime = NOW,
    policy: VerifyPolicy = OFF,
) -> Verdict:
    return verify(device, bundle=bundle_of(TrustAnchor.of(root), (issuing,)), now=now, policy=policy)


def refusals(verdict: Verdict) -> set[str]:
    return {f.rule for f in verdict.findings if f.refuses}


def test_a_device_under_both_keys_of_a_pinned_root_is_hybrid_valid() -> None:
    verdict = judged()
    assert (verdict.status, verdict.findings) == (Status.HYBRID_VALID, ())
    assert judged(policy=replace(OFF, purpose=oids.EKU_CLIENT_AUTH)).is_valid
    assert verdict.chain == (DEVICE, ISSUING, ROOT)


def test_intermediates_may_come_from_the_peer() -> None:
    bundle = bundle_of(TrustAnchor.of(ROOT), ())
    alone = verify(DEVICE, bundle=bundle, now=NOW, policy=OFF)
    assert refusals(alone) == {"path.no_path_to_a_trust_anchor"}
    assert verify(DEVICE, bundle=bundle, now=NOW, intermediates=(ISSUING,), policy=OFF).is_valid
    given = verify_bytes(DEVICE.der, bundle=bundle, now=NOW, intermediates=(b"junk", ISSUING.der), policy=OFF)
    assert given.status is Status.HYBRID_VALID


def test_a_pinned_anchor_is_believed_itself_and_a_copy_with_another_byte_is_not() -> None:
    assert verify(ROOT, bundle=BUNDLE, now=NOW, policy=OFF).chain == (ROOT,)
    forged = bytearray(ROOT.der)
    forged[-1] ^= 1
    assert not verify_bytes(bytes(forged), bundle=BUNDLE, now=NOW, policy=OFF).is_valid


@pytest.mark.parametrize(
    ("now", "rule"),
    [
        (DEVICE.not_before, None),
        (DEVICE.not_before - SECOND, "path.certificate_not_yet_valid"),
        (DEVICE.not_after, None),
        (DEVICE.not_after + timedelta(microseconds=999_999), None),
        (DEVICE.not_after + SECOND, "path.certificate_expired"),
    ],
)
def test_validity_counts_its_last_second(now: datetime, rule: str | None) -> None:
    long_lived = {"not_before": NOW - 400 * DAY, "not_after": NOW + 4000 * DAY}
    verdict = judged(
        issuing=issuing_recipe(**long_lived).make(), root=root_recipe(**long_lived).make(), now=now
    )
    assert refusals(verdict) == ({rule} if rule else set())


@pytest.mark.parametrize("late", ["issuing", "root"])
def test_every_level_must_be_in_its_time(late: str) -> None:
    recipe = issuing_recipe if late == "issuing" else root_recipe
    verdict = judged(**{late: recipe(not_after=NOW - SECOND).make()})  # type: ignore[arg-type]
    assert refusals(verdict) == {"path.certificate_expired"}


UNKNOWN_CRITICAL = Extension("1.2.3.4", True, asn1.null())
NAME_CONSTRAINTS = Extension(oids.NAME_CONSTRAINTS, True, asn1.sequence())
BROKEN_USAGE = Extension(oids.KEY_USAGE, True, b"\x03\x01")

ODD_CHAINS: dict[str, tuple[Callable[[], Verdict], str]] = {
    "issuer is not a CA": (
        lambda: judged(issuing=issuing_recipe(ca=False, usages=(KeyUsage.KEY_CERT_SIGN,)).make()),
        "path.issuer_is_not_a_ca",
    ),
    "issuer has no basic constraints": (
        lambda: judged(issuing=issuing_recipe(without=frozenset({oids.BASIC_CONSTRAINTS})).make()),
        "path.issuer_is_not_a_ca",
    ),
    "issuer may sign lists only": (
        lambda: judged(issuing=issuing_recipe(usages=(KeyUsage.CRL_SIGN,)).make()),
        "path.issuer_may_not_sign_certificates",
    ),
    "path length of the root": (
        lambda: judged(root=root_recipe(path_length=0).make()),
        "path.path_length_exceeded",
    ),
    "unknown critical extension in the end entity": (
        lambda: judged(device_recipe(extra=(UNKNOWN_CRITICAL,)).make()),
        "path.critical_extension_unknown",
    ),
    "unknown critical extension in the CA": (
        lambda: judged(issuing=issuing_recipe(extra=(UNKNOWN_CRITICAL,)).make()),
        "path.critical_extension_unknown",
    ),
    "empty name constraints": (
        lambda: judged(issuing=issuing_recipe(extra=(NAME_CONSTRAINTS,)).make()),
        "path.extension_malformed",
    ),
    "empty name constraints in the root": (
        lambda: judged(root=root_recipe(extra=(NAME_CONSTRAINTS,)).make()),
        "path.extension_malformed",
    ),
    "repeated extension": (
        lambda: judged(device_recipe(extra=(extensions.subject_key_identifier(b"x" * 20),)).make()),
        "path.extension_repeated",
    ),
    "authority key identifier of another key": (
        lambda: judged(device_recipe(akid=b"another key's id 123").make()),
        "path.authority_key_identifier_differs",
    ),
    "malformed key usage": (
        lambda: judged(
            issuing=issuing_recipe(
                rewrite=lambda found: [*(e for e in found if e.oid != oids.KEY_USAGE), BROKEN_USAGE]
            ).make()
        ),
        "path.extension_malformed",
    ),
    "purpose": (
        lambda: judged(policy=replace(OFF, purpose=oids.EKU_SERVER_AUTH)),
        "path.purpose_not_allowed",
    ),
    "purpose of the CA": (
        lambda: judged(
            issuing=issuing_recipe(purposes=(oids.EKU_SERVER_AUTH,)).make(),
            policy=replace(OFF, purpose=oids.EKU_CLIENT_AUTH),
        ),
        "path.purpose_not_allowed",
    ),
    "an issuer of another name": (
        lambda: judged(device_recipe(issuer="Somebody").make()),
        "path.no_path_to_a_trust_anchor",
    ),
    "an unusable subject key": (
        lambda: judged(
            issuing=issuing_recipe(
                extra=(Extension(oids.SUBJECT_ALT_PUBLIC_KEY_INFO, False, b"0"),),
                rewrite=lambda found: [e for e in found if len(e.value) < 999],
            ).make()
        ),
        "path.public_key_unusable",
    ),
}


@pytest.mark.parametrize(("verdict", "rule"), ODD_CHAINS.values(), ids=ODD_CHAINS)
def test_an_odd_chain_is_refused_by_its_rule(verdict: Callable[[], Verdict], rule: str) -> None:
    found = verdict()
    assert found.status is Status.INVALID
    assert rule in refusals(found)
    assert all(f.message.endswith((".", ")")) and f.subject for f in found.findings)


def test_a_self_issued_ca_does_not_count_against_the_path_length() -> None:
    """RFC 5280 6.1.4 (l): the root's new key signed by its old one."""
    rolled = root_recipe(key=keys("root 2"), issuer_key=keys("root")).make()
    issuing = issuing_recipe(issuer_key=keys("root 2")).make()
    bundle = bundle_of(TrustAnchor.of(root_recipe(path_length=1).make()), (rolled, issuing))
    verdict = verify(DEVICE, bundle=bundle, now=NOW, policy=OFF)
    assert (refusals(verdict), len(verdict.chain)) == (set(), 4)


def ladder(rungs: int) -> tuple[Certificate, list[Certificate]]:
    """An end entity under `rungs` CAs below the root."""
    above, key, found = "Root", keys("root"), []
    for rung in range(rungs):
        recipe = Recipe(f"CA {rung}", above, keys("issuing"), key, ca=True)
        found.append(recipe.make())
        above, key = recipe.name, recipe.key
    return Recipe("leaf", above, keys("device"), key).make(), found


@pytest.mark.parametrize(("rungs", "valid"), [(6, True), (7, False)])
def test_a_path_holds_at_most_eight_certificates(rungs: int, valid: bool) -> None:
    leaf, cas = ladder(rungs)
    verdict = verify(leaf, bundle=bundle_of(TrustAnchor.of(ROOT), ()), now=NOW, intermediates=cas, policy=OFF)
    assert verdict.is_valid is valid


def test_loops_end_and_a_crowd_of_namesakes_does_not_hide_the_right_issuer() -> None:
    first = Recipe("A", "B", keys("a"), keys("b"), ca=True).make()
    second = Recipe("B", "A", keys("b"), keys("a"), ca=True).make()
    leaf = Recipe("leaf", "A", keys("device"), keys("a")).make()
    looped = verify(leaf, bundle=BUNDLE, now=NOW, intermediates=(first, second), policy=OFF)
    assert refusals(looped) == {"path.no_path_to_a_trust_anchor"}
    crowd = [issuing_recipe(key=keys("other"), not_after=NOW + (n + 1) * DAY).make() for n in range(40)]
    bundle = bundle_of(TrustAnchor.of(ROOT), ())
    found = verify(DEVICE, bundle=bundle, now=NOW, intermediates=(*crowd, ISSUING, *crowd), policy=OFF)
    assert found.status is Status.HYBRID_VALID


def test_an_unknown_status_refuses_warns_or_is_not_asked_for() -> None:
    by_policy = {
        revocation: judged(policy=VerifyPolicy(revocation=revocation))
        for revocation in ("require", "if_available", "off")
    }
    assert verify(DEVICE, bundle=BUNDLE, now=NOW).status is Status.INVALID
    assert refusals(by_policy["require"]) == {"path.revocation_unknown"}
    assert by_policy["if_available"].status is Status.HYBRID_VALID
    assert {f.rule for f in by_policy["if_available"].findings} == {"path.revocation_unknown"}
    assert by_policy["off"].findings == ()


@pytest.mark.parametrize(
    "der", [b"", b"\x30\x00", b"junk", ROOT.der + b"\x00", bytes(MAX_CERTIFICATE_BYTES + 1)]
)
def test_bytes_that_are_no_certificate_are_an_invalid_verdict(der: bytes) -> None:
    verdict = verify_bytes(der, bundle=BUNDLE, now=NOW)
    assert (verdict.status, verdict.chain) == (Status.INVALID, ())
    assert refusals(verdict) == {"path.certificate_malformed"}
