"""What our own issuer makes, our own verifier believes: certificates, lists and responses together."""

from __future__ import annotations

from datetime import timedelta

import pytest

from pki import oids
from pki.bundle import TrustAnchor, TrustBundle, open_bundle, sign_bundle
from pki.cert_id import CertId
from pki.crl import CrlReason, RevokedEntry, build_crl
from pki.issuer import Issuer
from pki.keys import HybridPrivateKey
from pki.ocsp_response import GOOD, Responder, SingleAnswer, build_response
from pki.path import Status, Verdict, VerifyPolicy, verify_bytes
from pki.profiles import DEVICE, DEVICE_CLASSICAL, OCSP_ML_DSA, SubjectFacts
from pki.providers.interface import KeyAlgorithm
from pki.tbs import Certificate
from tests.unit.pki.issuing_fixtures import NOW, house, issue

DAY = timedelta(days=1)
LATER = NOW + timedelta(minutes=5)


def bundle() -> TrustBundle:
    home = house()
    anchor = TrustAnchor.of(Certificate.parse(home.root.der))
    signed = sign_bundle(TrustBundle(1, NOW, (anchor,), (home.issuing.der,)), home.root_key)
    return open_bundle(signed, pinned_fingerprint=anchor.fingerprint)


def crl(issuer: Issuer, key: HybridPrivateKey, entries: tuple[RevokedEntry, ...] = ()) -> bytes:
    return build_crl(
        issuer_name=issuer.certificate.subject,
        authority_key_identifier=key.classical.public.key_identifier,
        key=key,
        entries=entries,
        crl_number=1,
        this_update=NOW,
        next_update=NOW + DAY,
    )


def judged(der: bytes, *, entries: tuple[RevokedEntry, ...] = (), mode: str = "hybrid") -> Verdict:
    home = house()
    lists = (crl(home.root_issuer, home.root_key), crl(home.issuer, home.issuing_key, entries))
    policy = VerifyPolicy(mode=mode, purpose=oids.EKU_CLIENT_AUTH)  # type: ignore[arg-type]
    return verify_bytes(der, bundle=bundle(), now=LATER, crls=lists, policy=policy)


@pytest.mark.parametrize("mode", ["hybrid", "pq_only"])
def test_an_issued_device_is_believed(mode: str) -> None:
    verdict = judged(issue(DEVICE).der, mode=mode)
    assert (verdict.status, verdict.findings) == (
        Status.HYBRID_VALID if mode == "hybrid" else Status.PQ_ONLY_VALID,
        (),
    )
    assert len(verdict.chain) == 3


def test_a_device_without_an_alternative_key_is_dual_signed_all_the_same() -> None:
    plain = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
    assert judged(issue(DEVICE_CLASSICAL, key=plain).der).status is Status.HYBRID_VALID


def test_a_revoked_device_is_not_believed() -> None:
    issued = issue(DEVICE)
    entry = RevokedEntry(issued.certificate_serial, NOW, CrlReason.KEY_COMPROMISE)
    assert [f.rule for f in judged(issued.der, entries=(entry,)).findings] == ["path.certificate_revoked"]


def test_a_response_of_our_own_post_quantum_responder_counts() -> None:
    home, key = house(), HybridPrivateKey.generate(KeyAlgorithm.ML_DSA_65, None)
    delegate = issue(OCSP_ML_DSA, SubjectFacts(common_name="OCSP responder", organization="Hospital"), key)
    issued = issue(DEVICE)
    cert_id = CertId.of(home.issuer.certificate, issued.certificate_serial)
    response = build_response(
        answers=[SingleAnswer(cert_id.der, GOOD, NOW, NOW + DAY)],
        responder=Responder(Certificate.parse(delegate.der), key.classical),
        produced_at=NOW,
    )
    verdict = verify_bytes(
        issued.der,
        bundle=bundle(),
        now=LATER,
        crls=(crl(home.root_issuer, home.root_key),),
        ocsp_responses=(response,),
    )
    assert (verdict.status, verdict.findings) == (Status.HYBRID_VALID, ())
