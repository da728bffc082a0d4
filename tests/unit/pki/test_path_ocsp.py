"""Responses along a path: good counts where both families of keys stand behind it, revoked always."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pki import asn1, oids
from pki.algorithms import KeyAlgorithm
from pki.bundle import TrustBundle
from pki.cert_id import CertId
from pki.crl import CrlReason
from pki.keys import HybridPrivateKey
from pki.ocsp_request import ResponseStatus
from pki.ocsp_response import (
    GOOD,
    UNKNOWN,
    CertStatus,
    Responder,
    Revoked,
    SingleAnswer,
    build_response,
    error_response,
)
from pki.path import Status, Verdict, VerifyPolicy, verify
from pki.tbs import Certificate
from tests.unit.pki.path_fixtures import ANCHOR, BUNDLE, DAY, DEVICE, ISSUING, NOW, Recipe, bundle_of, keys
from tests.unit.pki.test_path_revocation import CLEAN, MIXED, ROOTS, STOLEN

HOUR = timedelta(hours=1)
HELD = Revoked(NOW - DAY, CrlReason.CERTIFICATE_HOLD)
SIGNERS = {
    kind: HybridPrivateKey.generate(kind, None) for kind in (KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
}
CLASSICAL, POST_QUANTUM = SIGNERS


def delegate(kind: KeyAlgorithm, issuer_key: HybridPrivateKey | None = None) -> Certificate:
    key = issuer_key or keys("issuing")
    recipe = Recipe(f"OCSP {kind}", "Issuing CA", SIGNERS[kind], key, purposes=(oids.EKU_OCSP_SIGNING,))
    return recipe.make()


DELEGATES = {kind: delegate(kind) for kind in SIGNERS}


def response(
    status: CertStatus = GOOD,
    kind: KeyAlgorithm = POST_QUANTUM,
    *,
    certificate: Certificate = DEVICE,
    signer: Certificate | None = None,
    age: timedelta = HOUR,
    digest: str = oids.SHA256,
) -> bytes:
    cert_id = CertId.of(ISSUING, certificate.serial, digest)
    answer = SingleAnswer(cert_id.der, status, NOW - age, NOW - age + DAY)
    responder = Responder(signer or DELEGATES[kind], SIGNERS[kind].classical)
    return build_response(answers=[answer], responder=responder, produced_at=NOW - min(age, HOUR))


def judged(
    *responses: bytes, mode: str = "hybrid", bundle: TrustBundle = BUNDLE, crls: tuple[bytes, ...] = (ROOTS,)
) -> Verdict:
    policy = VerifyPolicy(mode=mode)  # type: ignore[arg-type]
    return verify(DEVICE, bundle=bundle, now=NOW, crls=crls, ocsp_responses=responses, policy=policy)


def refusals(verdict: Verdict) -> list[str]:
    return [f.rule for f in verdict.findings if f.refuses]


@pytest.mark.parametrize("digest", [oids.SHA1, oids.SHA256, oids.SHA384])
def test_a_post_quantum_good_is_good(digest: str) -> None:
    verdict = judged(response(digest=digest))
    assert (verdict.status, verdict.findings) == (Status.HYBRID_VALID, ())


def test_on_the_day_after_a_post_quantum_good_is_good() -> None:
    assert judged(response(), mode="pq_only").status is Status.PQ_ONLY_VALID


@pytest.mark.parametrize("mode", ["hybrid", "pq_only"])
def test_a_classical_good_is_not_enough_where_the_alternative_is_a_must(mode: str) -> None:
    verdict = judged(response(kind=CLASSICAL), mode=mode)
    assert refusals(verdict) == ["path.revocation_unknown"]
    assert "path.revocation_response_not_used" in {f.rule for f in verdict.findings}


def test_a_classical_good_is_enough_before_the_moment() -> None:
    bundle = bundle_of(replace(ANCHOR, alt_required_from=NOW + DAY))
    assert judged(response(kind=CLASSICAL), bundle=bundle).is_valid


@pytest.mark.parametrize("kind", SIGNERS, ids=str)
@pytest.mark.parametrize(
    "status", [HELD, Revoked(NOW - DAY, CrlReason.KEY_COMPROMISE)], ids=["hold", "revoked"]
)
def test_revoked_is_believed_of_either_and_outweighs_a_list(kind: KeyAlgorithm, status: CertStatus) -> None:
    assert refusals(judged(response(status, kind), crls=(ROOTS, CLEAN))) == ["path.certificate_revoked"]
    assert refusals(judged(response(), response(status, kind))) == ["path.certificate_revoked"]


@pytest.mark.parametrize(
    "given",
    [
        response(UNKNOWN),
        response(age=2 * DAY),
        response(age=-HOUR),
        response(certificate=ISSUING),
        error_response(ResponseStatus.UNAUTHORIZED),
        b"junk",
        response() + b"\x00",
    ],
    ids=["unknown", "lapsed", "future", "another certificate", "an error", "junk", "trailing byte"],
)
def test_what_tells_nothing_of_the_device_fails_closed(given: bytes) -> None:
    assert refusals(judged(given)) == ["path.revocation_unknown"]


@pytest.mark.parametrize("forger", [STOLEN, MIXED, keys("mallory")], ids=["stripped", "mixed", "another"])
@pytest.mark.parametrize("status", [GOOD, HELD], ids=["good", "revoked"])
def test_a_delegate_made_with_the_cas_classical_key_says_nothing(
    forger: HybridPrivateKey, status: CertStatus
) -> None:
    verdict = judged(response(status, signer=delegate(POST_QUANTUM, forger)))
    assert refusals(verdict) == ["path.revocation_unknown"]


def test_on_the_day_after_a_delegate_stands_by_its_alternative_signature_alone() -> None:
    broken = HybridPrivateKey(keys("mallory").classical, keys("issuing").alternative)
    given = response(signer=delegate(POST_QUANTUM, broken))
    assert refusals(judged(given)) == ["path.revocation_unknown"]
    assert judged(given, mode="pq_only").status is Status.PQ_ONLY_VALID


def test_a_flipped_bit_in_the_signed_part_is_not_used() -> None:
    garbled = response().replace(asn1.generalized_time(NOW - HOUR), asn1.generalized_time(NOW))
    assert refusals(judged(garbled)) == ["path.revocation_unknown"]


def test_a_response_speaks_for_its_own_issuers_serials_only() -> None:
    assert refusals(judged(response(certificate=ISSUING), response(), crls=())) == ["path.revocation_unknown"]
