"""Which lists may tell of a certificate: shards, scopes, rolled keys; the rest is indeterminate."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pki import asn1, extensions, oids, tbs
from pki.algorithms import KeyAlgorithm
from pki.bundle import TrustAnchor, TrustBundle
from pki.crl import build_crl
from pki.crl_checks import verify_crl
from pki.crl_list import CertificateList, CrlReason
from pki.extensions import Extension
from pki.keys import HybridPrivateKey
from pki.path import CertificateStatus, Status, Verdict, VerifyPolicy, verify
from pki.tbs import Certificate
from tests.unit.pki.path_fixtures import (
    BUNDLE,
    DAY,
    DEVICE,
    ISSUING,
    NOW,
    ROOT,
    Recipe,
    device_recipe,
    issuing_recipe,
    keys,
    root_recipe,
)
from tests.unit.pki.test_path_revocation import CLEAN, ROOTS, crl, revoked

HOUR = timedelta(hours=1)
SHARD, OTHER_SHARD = "http://status.example/crl/issuing/07.crl", "http://status.example/crl/issuing/08.crl"
POINTED = device_recipe(extra=(extensions.crl_distribution_points([SHARD]),)).make()


def listed(
    *extra: Extension,
    entries: bytes = b"",
    issuer: Certificate = ISSUING,
    key: HybridPrivateKey | None = None,
    number: bytes | None = None,
) -> bytes:
    """A dual-signed list with any extensions."""
    own = key or keys("issuing")
    found = [
        extensions.authority_key_identifier(own.classical.public.key_identifier),
        Extension(oids.CRL_NUMBER, False, number or asn1.integer(5)),
        *extra,
    ]
    if own.alternative:
        found.append(tbs.alt_signature_algorithm(own.alternative.signs_with))
    body = issuer.subject + asn1.time(NOW - HOUR) + asn1.time(NOW + DAY)
    body += asn1.sequence(entries) if entries else b""
    unsigned = tbs.Unsigned(asn1.integer(1), body, tuple(e.encode() for e in found), 0)
    return tbs.sign(unsigned, own)


def entry(certificate: Certificate) -> bytes:
    return asn1.sequence(asn1.integer(certificate.serial), asn1.time(NOW - DAY))


def scope(*parts: bytes) -> Extension:
    return Extension(oids.ISSUING_DISTRIBUTION_POINT, True, asn1.sequence(*parts))


def point(url: str) -> bytes:
    return asn1.explicit(0, asn1.tlv(0xA0, asn1.implicit(6, url.encode())))


TRUE = b"\xff"
USERS, CAS, SOME, INDIRECT, ATTRIBUTES = (
    asn1.implicit(1, TRUE),
    asn1.implicit(2, TRUE),
    asn1.implicit(3, b"\x06\x40"),
    asn1.implicit(4, TRUE),
    asn1.implicit(5, TRUE),
)


def judged(certificate: Certificate, *crls: bytes, revocation: str = "require") -> Verdict:
    policy = VerifyPolicy(revocation=revocation)  # type: ignore[arg-type]
    return verify(certificate, bundle=BUNDLE, now=NOW, crls=(ROOTS, *crls), policy=policy)


def refusals(verdict: Verdict) -> list[str]:
    return [f.rule for f in verdict.findings if f.refuses]


SPEAK: dict[str, tuple[bytes, Certificate, bool]] = {
    "its own shard": (listed(scope(point(SHARD))), POINTED, True),
    "another shard": (listed(scope(point(OTHER_SHARD))), POINTED, False),
    "a shard, and the certificate names none": (listed(scope(point(SHARD))), DEVICE, False),
    "a whole list, and the certificate names a shard": (listed(), POINTED, True),
    "users only": (listed(scope(USERS)), DEVICE, True),
    "CAs only": (listed(scope(CAS)), DEVICE, False),
    "attribute certificates only": (listed(scope(ATTRIBUTES)), DEVICE, False),
    "some reasons only": (listed(scope(SOME)), DEVICE, False),
    "an indirect list": (listed(scope(INDIRECT)), DEVICE, False),
    "a critical number": (
        listed(Extension(oids.DELTA_CRL_INDICATOR, True, asn1.integer(4))),
        DEVICE,
        False,
    ),
}


@pytest.mark.parametrize(("given", "certificate", "tells"), SPEAK.values(), ids=SPEAK)
def test_only_a_list_that_covers_the_certificate_makes_it_good(
    given: bytes, certificate: Certificate, tells: bool
) -> None:
    verdict = judged(certificate, given)
    assert refusals(verdict) == ([] if tells else ["path.revocation_unknown"])
    status = CertificateStatus.GOOD if tells else CertificateStatus.INDETERMINATE
    assert verdict.levels[0].status is status


@pytest.mark.parametrize("part", [point(OTHER_SHARD), SOME, CAS], ids=["shard", "reasons", "kind"])
def test_a_list_of_another_scope_that_names_the_certificate_is_heard(part: bytes) -> None:
    """Contradictions count to the worse: the issuer signed that this serial is revoked."""
    given = listed(scope(part), entries=entry(POINTED))
    assert refusals(judged(POINTED, CLEAN, given)) == ["path.certificate_revoked"]


def test_a_delta_changes_the_list_of_its_own_scope_only() -> None:
    shard = listed(scope(point(SHARD)))
    held = build_crl(
        issuer_name=ISSUING.subject,
        authority_key_identifier=keys("issuing").classical.public.key_identifier,
        key=keys("issuing"),
        entries=revoked(POINTED, CrlReason.CERTIFICATE_HOLD),
        crl_number=6,
        this_update=NOW - HOUR,
        next_update=NOW + DAY,
        base_crl_number=5,
        distribution_point=SHARD,
    )
    assert refusals(judged(POINTED, shard, held)) == ["path.certificate_revoked"]
    assert refusals(judged(POINTED, listed(), held)) == []


def test_a_critical_list_number_is_not_used() -> None:
    own = keys("issuing")
    odd = [
        extensions.authority_key_identifier(own.classical.public.key_identifier),
        Extension(oids.CRL_NUMBER, True, asn1.integer(5)),
        tbs.alt_signature_algorithm(own.alternative.signs_with),  # type: ignore[union-attr]
    ]
    body = ISSUING.subject + asn1.time(NOW - HOUR) + asn1.time(NOW + DAY)
    unsigned = tbs.Unsigned(asn1.integer(1), body, tuple(e.encode() for e in odd), 0)
    verdict = judged(DEVICE, tbs.sign(unsigned, own))
    assert refusals(verdict) == ["path.revocation_unknown"]
    assert any("cRLNumber is critical" in f.message for f in verdict.findings)


def test_a_ca_that_rolled_its_key_over_tells_of_older_certificates() -> None:
    """PKITS 4.5.3: new with old; the list is by the key that is established above on the path."""
    rolled = root_recipe(key=keys("root 2"), issuer_key=keys("root")).make()
    issuing = issuing_recipe(issuer_key=keys("root 2")).make()
    bundle = TrustBundle(1, NOW, (TrustAnchor.of(ROOT),), (rolled.der, issuing.der))
    by_old, by_new = crl(ROOT), crl(ROOT, key=keys("root 2"))
    own = listed(issuer=ROOT, key=keys("root 2"))

    def verdict(*crls: bytes) -> Verdict:
        return verify(DEVICE, bundle=bundle, now=NOW, crls=(CLEAN, *crls), policy=VerifyPolicy())

    assert verdict(by_old).is_valid
    assert verdict(by_old, own).is_valid
    # Under the old key's identifier, but signed by the new one: a forgery like any other.
    assert set(refusals(verdict(by_new))) == {"path.revocation_unknown"}
    ended = listed(issuer=ROOT, key=keys("root 2"), entries=entry(issuing))
    assert refusals(verdict(by_old, ended)) == ["path.certificate_revoked"]


def test_a_key_tells_nothing_of_its_own_certificate() -> None:
    """A rolled-over CA's older key was stolen and revoked; the thief holds the honest list back."""
    older = root_recipe(key=keys("root old"), issuer_key=keys("root")).make()
    issuing = issuing_recipe(issuer_key=keys("root old")).make()
    bundle = TrustBundle(1, NOW, (TrustAnchor.of(ROOT),), (older.der, issuing.der))
    by_thief = listed(issuer=ROOT, key=keys("root old"), number=asn1.integer(2**40))
    honest = listed(issuer=ROOT, key=keys("root"), entries=entry(older))

    def refused(*crls: bytes) -> list[str]:
        return refusals(verify(DEVICE, bundle=bundle, now=NOW, crls=(CLEAN, *crls), policy=VerifyPolicy()))

    assert refused(by_thief) == ["path.revocation_unknown"]
    assert refused(by_thief, honest) == ["path.certificate_revoked"]


def test_an_alternative_key_that_is_classical_vouches_for_no_list() -> None:
    """Extension 72 of a CA may hold any key; under a promise only a post-quantum one counts."""
    weak = HybridPrivateKey(
        keys("issuing").classical, HybridPrivateKey.generate(KeyAlgorithm.EC_P384, None).classical
    )
    judgement = verify_crl(CertificateList.parse(listed(key=weak)), weak.public)
    assert "hybrid.alternative_key_not_post_quantum" in {f.rule for f in judgement}
    ca = issuing_recipe(key=weak).make()
    leaf = device_recipe(issuer_key=weak).make()
    bundle = TrustBundle(1, NOW, (TrustAnchor.of(ROOT),), (ca.der,))
    given = (ROOTS, listed(key=weak))
    verdict = verify(leaf, bundle=bundle, now=NOW, crls=given, policy=VerifyPolicy())
    assert "hybrid.alternative_key_not_post_quantum" in refusals(verdict)
    later = TrustBundle(1, NOW, (TrustAnchor.of(ROOT, alt_required_from=NOW + DAY),), (ca.der,))
    assert verify(leaf, bundle=later, now=NOW, crls=given, policy=VerifyPolicy()).status is Status.INVALID


@pytest.mark.parametrize("kind", [KeyAlgorithm.ML_DSA_44, KeyAlgorithm.MLDSA44_ECDSA_P256_SHA256])
@pytest.mark.parametrize("mode", ["hybrid", "pq_only"])
def test_lists_by_pure_and_composite_cas_count_in_both_modes(kind: KeyAlgorithm, mode: str) -> None:
    root, leaf = (HybridPrivateKey.generate(kind, None) for _ in range(2))
    top = Recipe("Root", "Root", root, root, ca=True).make()
    end = Recipe("leaf", "Root", leaf, root).make()
    bundle = TrustBundle(1, NOW, (TrustAnchor.of(top),))
    policy = VerifyPolicy(mode=mode)  # type: ignore[arg-type]
    good = listed(issuer=top, key=root)
    assert verify(end, bundle=bundle, now=NOW, crls=(good,), policy=policy).is_valid
    forged = listed(issuer=top, key=replace(leaf), entries=entry(end))
    assert refusals(verify(end, bundle=bundle, now=NOW, crls=(forged,), policy=policy)) == [
        "path.revocation_unknown"
    ]
