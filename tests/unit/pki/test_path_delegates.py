"""OCSP delegates along a path: of every form, alive, not revoked, a moment ahead of our clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pki import asn1, oids
from pki.algorithms import KeyAlgorithm
from pki.bundle import TrustAnchor, TrustBundle
from pki.cert_id import CertId
from pki.crl import RevokedEntry
from pki.extensions import Extension
from pki.keys import HybridPrivateKey
from pki.ocsp_response import GOOD, Responder, SingleAnswer, build_response
from pki.path import CertificateStatus, Verdict, VerifyPolicy, verify
from pki.tbs import Certificate
from pki.trust_anchor import key_fingerprint
from tests.unit.pki.path_fixtures import BUNDLE, DAY, DEVICE, ISSUING, NOW, Recipe, keys
from tests.unit.pki.test_path_revocation import ROOTS, crl

HOUR = timedelta(hours=1)
SIGNER = HybridPrivateKey.generate(KeyAlgorithm.ML_DSA_44, None)
DELEGATE = Recipe("OCSP", "Issuing CA", SIGNER, keys("issuing"), purposes=(oids.EKU_OCSP_SIGNING,))


def good(signer: Certificate, *, ahead: timedelta = -HOUR, key: HybridPrivateKey = SIGNER) -> bytes:
    answer = SingleAnswer(CertId.of(ISSUING, DEVICE.serial).der, GOOD, NOW + ahead, NOW + DAY)
    return build_response(
        answers=[answer], responder=Responder(signer, key.classical), produced_at=NOW + ahead
    )


def judged(*responses: bytes, crls: tuple[bytes, ...] = (ROOTS,), **policy: object) -> Verdict:
    asked = replace(VerifyPolicy(), **policy)  # type: ignore[arg-type]
    return verify(DEVICE, bundle=BUNDLE, now=NOW, crls=crls, ocsp_responses=responses, policy=asked)


def refusals(verdict: Verdict) -> list[str]:
    return [f.rule for f in verdict.findings if f.refuses]


def test_a_client_a_second_behind_does_not_refuse_a_fresh_answer() -> None:
    fresh = good(DELEGATE.make(), ahead=timedelta(seconds=1))
    assert judged(fresh).levels[0].status is CertificateStatus.GOOD
    assert refusals(judged(fresh, clock_skew=timedelta(0))) == ["path.revocation_unknown"]
    far = good(DELEGATE.make(), ahead=timedelta(minutes=5, seconds=1))
    assert refusals(judged(far)) == ["path.revocation_unknown"]


def test_a_delegate_that_a_list_revokes_is_not_heard() -> None:
    """RFC 6960 4.2.2.2.1: ocsp-nocheck spares the asking, not the knowing."""
    delegate = DELEGATE.make()
    revoking = crl(ISSUING, [RevokedEntry(delegate.serial, NOW - DAY)])
    assert judged(good(delegate)).is_valid
    lapsed = crl(ISSUING, [RevokedEntry(delegate.serial, NOW - DAY)], age=9 * DAY)
    verdict = judged(good(delegate), crls=(ROOTS, lapsed))
    assert refusals(verdict) == ["path.revocation_unknown"]
    assert any("responder's own certificate was revoked" in f.message for f in verdict.findings)
    # The list itself tells that the device is good.
    assert judged(good(delegate), crls=(ROOTS, revoking)).is_valid


def test_a_delegate_whose_key_is_withdrawn_is_not_heard() -> None:
    delegate = DELEGATE.make()
    bundle = replace(BUNDLE, withdrawn=(key_fingerprint(delegate.spki),))
    verdict = verify(DEVICE, bundle=bundle, now=NOW, crls=(ROOTS,), ocsp_responses=(good(delegate),))
    assert judged(good(delegate)).is_valid
    assert refusals(verdict) == ["path.revocation_unknown"]
    assert any("withdrew the responder's key" in f.message for f in verdict.findings)


def test_a_delegate_with_an_unknown_critical_extension_is_not_heard() -> None:
    odd = replace(DELEGATE, extra=(Extension("1.2.3.4", True, asn1.null()),)).make()
    assert refusals(judged(good(odd))) == ["path.revocation_unknown"]


@pytest.mark.parametrize("ca", [KeyAlgorithm.ML_DSA_44, KeyAlgorithm.MLDSA44_ECDSA_P256_SHA256], ids=str)
@pytest.mark.parametrize(
    "signer", [KeyAlgorithm.ML_DSA_44, KeyAlgorithm.MLDSA44_ECDSA_P256_SHA256, KeyAlgorithm.EC_P256], ids=str
)
@pytest.mark.parametrize("mode", ["hybrid", "pq_only"])
def test_delegates_of_every_form_under_pure_and_composite_cas(
    ca: KeyAlgorithm, signer: KeyAlgorithm, mode: str
) -> None:
    root, own, leaf = (HybridPrivateKey.generate(kind, None) for kind in (ca, signer, signer))
    top = Recipe("Root", "Root", root, root, ca=True).make()
    end = Recipe("leaf", "Root", leaf, root).make()
    delegate = Recipe("OCSP", "Root", own, root, purposes=(oids.EKU_OCSP_SIGNING,)).make()
    answer = SingleAnswer(CertId.of(top, end.serial).der, GOOD, NOW - HOUR, NOW + DAY)
    response = build_response(
        answers=[answer], responder=Responder(delegate, own.classical), produced_at=NOW - HOUR
    )
    bundle = TrustBundle(1, NOW, (TrustAnchor.of(top),))
    policy = VerifyPolicy(mode=mode)  # type: ignore[arg-type]
    verdict = verify(end, bundle=bundle, now=NOW, ocsp_responses=(response,), policy=policy)
    assert verdict.is_valid is (signer is not KeyAlgorithm.EC_P256)
