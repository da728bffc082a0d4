"""Who issued it, by paths to what the caller trusts: for certificates, also lapsed ones, and for lists."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pki.algorithms import KeyAlgorithm
from pki.crl_list import CertificateList
from pki.tbs import Certificate
from service.issuer_search import IssuerFound, Trust, issuer_of_certificate, issuer_of_list
from tests.unit.pki.path_fixtures import (
    BUNDLE,
    DEVICE,
    ISSUING,
    NOW,
    ROOT,
    device_recipe,
    issuing_recipe,
    keys,
)
from tests.unit.pki.status_fixtures import crl, crl_der

DAY = timedelta(days=1)
BY_BUNDLE = Trust(BUNDLE)


def rules(found: IssuerFound) -> set[str]:
    assert found.certificate is None
    return {finding.rule for finding in found.findings}


def test_the_bundle_leads_to_the_issuer() -> None:
    assert issuer_of_certificate(DEVICE, BY_BUNDLE, NOW).certificate == ISSUING
    assert issuer_of_certificate(ISSUING, BY_BUNDLE, NOW).certificate == ROOT


def test_the_chain_that_came_along_helps() -> None:
    bare = replace(BUNDLE, intermediates=())
    assert rules(issuer_of_certificate(DEVICE, Trust(bare), NOW)) == {"path.no_path_to_a_trust_anchor"}
    assert issuer_of_certificate(DEVICE, Trust(bare, (ISSUING,)), NOW).certificate == ISSUING


def test_a_certificate_that_is_over_is_still_asked_about() -> None:
    over = device_recipe(not_after=NOW - DAY).make()
    early = device_recipe(not_before=NOW + DAY).make()
    assert issuer_of_certificate(over, BY_BUNDLE, NOW).certificate == ISSUING
    assert issuer_of_certificate(early, BY_BUNDLE, NOW).certificate == ISSUING


def test_a_ca_that_is_over_answers_nobody() -> None:
    gone = issuing_recipe(not_after=NOW - DAY).make()
    trust = Trust(replace(BUNDLE, intermediates=(gone.der,)))
    assert issuer_of_certificate(DEVICE, trust, NOW).certificate is None
    assert issuer_of_list(crl(), trust, NOW).certificate is None


def test_what_the_issuer_did_not_sign_is_nobodys() -> None:
    forged = device_recipe(issuer_key=keys("forger"), akid=keys("issuing").classical.public.key_identifier)
    assert issuer_of_certificate(forged.make(), BY_BUNDLE, NOW).certificate is None


def test_nobody_is_above_an_anchor() -> None:
    assert rules(issuer_of_certificate(ROOT, BY_BUNDLE, NOW)) == {"ocsp.nobody_to_ask"}


@pytest.mark.parametrize("ca", [ISSUING, ROOT], ids=["issuing", "root"])
def test_a_ca_that_is_named_is_believed_whoever_certified_it(ca: Certificate) -> None:
    below = DEVICE if ca is ISSUING else ISSUING
    assert issuer_of_certificate(below, Trust.pinned(ca, NOW), NOW).certificate == ca


def test_on_the_day_after_a_classical_issuer_vouches_for_nothing() -> None:
    classical = keys("classical", None)
    ca = issuing_recipe(key=classical, extra=()).make()
    leaf = device_recipe(issuer_key=classical).make()
    assert issuer_of_certificate(leaf, Trust.pinned(ca, NOW), NOW).certificate == ca
    hopeless = Trust.pinned(ca, NOW, post_quantum=True)
    assert issuer_of_certificate(leaf, hopeless, NOW).certificate is None
    assert issuer_of_certificate(DEVICE, replace(BY_BUNDLE, post_quantum=True), NOW).certificate == ISSUING


def test_a_lists_issuer_is_found_by_name_and_key() -> None:
    assert issuer_of_list(crl(), BY_BUNDLE, NOW).certificate == ISSUING
    assert rules(issuer_of_list(crl(), Trust(replace(BUNDLE, intermediates=())), NOW)) == {
        "crl.issuer_not_found"
    }
    namesake = issuing_recipe(key=keys("namesake", KeyAlgorithm.ML_DSA_44)).make()
    both = Trust(replace(BUNDLE, intermediates=()), (namesake, ISSUING))
    assert issuer_of_list(CertificateList.parse(crl_der()), both, NOW).certificate == ISSUING


def test_a_lists_issuer_must_lead_to_an_anchor() -> None:
    self_made = issuing_recipe(issuer_key=keys("forger")).make()
    found = issuer_of_list(crl(), Trust(replace(BUNDLE, intermediates=()), (self_made,)), NOW)
    assert "path.signature_invalid" in rules(found)
