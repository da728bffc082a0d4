"""What a naive verifier of alternative signatures accepts, one scenario a test: all of it is refused here."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from pki import asn1, oids, tbs
from pki.algorithms import KeyAlgorithm, PrivateKey, SignatureAlgorithm
from pki.bundle import TrustAnchor, TrustBundle
from pki.extensions import Extension
from pki.findings import Severity
from pki.keys import HybridPrivateKey
from pki.path import Status, Verdict, VerifyPolicy, verify
from pki.tbs import Certificate
from tests.unit.pki.path_fixtures import (
    ANCHOR,
    BUNDLE,
    DAY,
    DEVICE,
    ISSUING,
    NOW,
    bundle_of,
    device_recipe,
    issuing_recipe,
    keys,
    resealed,
    root_recipe,
)

OFF = VerifyPolicy(revocation="off")
PQ_ONLY = VerifyPolicy(revocation="off", mode="pq_only")
STOLEN = HybridPrivateKey(keys("issuing").classical)
"""The issuing CA's classical key in a forger's hands; the alternative key is not."""
VALUE, ALGORITHM, SUBJECT = (
    oids.ALT_SIGNATURE_VALUE,
    oids.ALT_SIGNATURE_ALGORITHM,
    oids.SUBJECT_ALT_PUBLIC_KEY_INFO,
)


def judged(
    certificate: Certificate, bundle: TrustBundle = BUNDLE, policy: VerifyPolicy = OFF, now: datetime = NOW
) -> Verdict:
    return verify(certificate, bundle=bundle, now=now, policy=policy)


def refusals(verdict: Verdict) -> set[str]:
    return {f.rule for f in verdict.findings if f.refuses}


def of(certificate: Certificate, dotted: str) -> Extension:
    return next(e for e in certificate.extensions if e.oid == dotted)


def without(*dotted: str) -> list[Extension]:
    return [e for e in DEVICE.extensions if e.oid not in dotted]


def forged(listed: list[Extension]) -> Certificate:
    """The device certificate with other extensions and a good classical signature."""
    return resealed(DEVICE, listed, STOLEN)


OTHER = device_recipe(name="pump-0002").make()
DOUBLE_SIGNED = Extension(ALGORITHM, False, of(DEVICE, ALGORITHM).value)
UNUSED_BITS = Extension(VALUE, False, asn1.tlv(asn1.BIT_STRING, b"\x01" + bytes(2420)))
PARAMETERS = Extension(ALGORITHM, False, asn1.sequence(asn1.oid(oids.ML_DSA_44), asn1.null()))
OTHER_LEVEL = tbs.alt_signature_algorithm(SignatureAlgorithm.ML_DSA_65)
CRITICAL_VALUE, CRITICAL_ALGORITHM = (replace(of(DEVICE, o), critical=True) for o in (VALUE, ALGORITHM))

FORGERIES: dict[str, tuple[list[Extension], str]] = {
    "73 and 74 stripped": (without(ALGORITHM, VALUE), "hybrid.alternative_signature_missing"),
    "72, 73 and 74 stripped": (without(SUBJECT, ALGORITHM, VALUE), "hybrid.alternative_signature_missing"),
    "72 stripped": (without(SUBJECT), "hybrid.alternative_signature_invalid"),
    "73 stripped": (without(ALGORITHM), "hybrid.alternative_signature_incomplete"),
    "74 stripped": (without(VALUE), "hybrid.alternative_signature_incomplete"),
    "74 of another certificate": (
        [*without(VALUE), of(OTHER, VALUE)],
        "hybrid.alternative_signature_invalid",
    ),
    "74 twice": ([*DEVICE.extensions, of(DEVICE, VALUE)], "hybrid.alternative_extension_repeated"),
    "73 twice": ([DOUBLE_SIGNED, *DEVICE.extensions], "hybrid.alternative_extension_repeated"),
    "72 twice": ([of(OTHER, SUBJECT), *DEVICE.extensions], "hybrid.alternative_extension_repeated"),
    "74 first": ([of(DEVICE, VALUE), *without(VALUE)], "hybrid.alternative_signature_not_last"),
    "74 critical": ([*without(VALUE), CRITICAL_VALUE], "hybrid.alternative_extension_critical"),
    "73 critical": (
        [*without(ALGORITHM, VALUE), CRITICAL_ALGORITHM, of(DEVICE, VALUE)],
        "hybrid.alternative_extension_critical",
    ),
    "74 with unused bits": ([*without(VALUE), UNUSED_BITS], "hybrid.alternative_signature_malformed"),
    "73 with parameters": (
        [*without(ALGORITHM, VALUE), PARAMETERS, of(DEVICE, VALUE)],
        "hybrid.alternative_signature_malformed",
    ),
    "73 of another level": (
        [*without(ALGORITHM, VALUE), OTHER_LEVEL, of(DEVICE, VALUE)],
        "hybrid.alternative_algorithm_not_the_issuers",
    ),
    "74 empty": (
        [*without(VALUE), tbs.alt_signature_value(b"")],
        "hybrid.alternative_signature_invalid",
    ),
    "another device's alternative key": (
        [tbs.subject_alt_public_key_info(keys("other").alternative.public.spki), *without(SUBJECT)],  # type: ignore[union-attr]
        "hybrid.alternative_signature_invalid",
    ),
}


@pytest.mark.parametrize(("listed", "rule"), FORGERIES.values(), ids=FORGERIES)
def test_a_forger_with_the_classical_key_is_refused(listed: list[Extension], rule: str) -> None:
    certificate = forged(listed)
    signed, issuer = certificate.signed, keys("issuing").classical.public
    assert issuer.verify(signed.algorithm, signed.signature, signed.tbs)  # every classical stack says OK
    for policy in (OFF, PQ_ONLY):
        assert rule in refusals(judged(certificate, policy=policy))


def test_a_new_certificate_by_a_forger_with_the_classical_key_is_refused() -> None:
    """The point of the whole thing: a name, a key and two signatures of the forger's own making."""
    mallory = HybridPrivateKey(STOLEN.classical, keys("mallory").alternative)
    made = device_recipe(name="pump-0666", key=keys("mallory"), issuer_key=mallory).make()
    assert refusals(judged(made)) == {"hybrid.alternative_signature_invalid"}


def test_a_whole_chain_by_a_forger_with_the_roots_classical_key_is_refused() -> None:
    stolen_root = HybridPrivateKey(keys("root").classical, keys("mallory").alternative)
    ca = issuing_recipe(key=keys("mallory ca"), issuer_key=stolen_root).make()
    made = device_recipe(issuer_key=keys("mallory ca")).make()
    bundle = bundle_of(ANCHOR, (ca,))
    assert refusals(judged(made, bundle)) == {"hybrid.alternative_signature_invalid"}
    plain = issuing_recipe(issuer_key=HybridPrivateKey(keys("root").classical)).make()
    assert "hybrid.alternative_signature_missing" in refusals(judged(DEVICE, bundle_of(ANCHOR, (plain,))))


def test_a_ca_without_an_alternative_key_vouches_for_nobody() -> None:
    lone = HybridPrivateKey(keys("issuing").classical)
    ca = issuing_recipe(key=lone).make()
    made = device_recipe(issuer_key=lone).make()
    verdict = judged(made, bundle_of(ANCHOR, (ca,)))
    assert refusals(verdict) == {"hybrid.issuer_has_no_alternative_key"}


def test_a_ca_whose_alternative_key_is_classical_vouches_for_nobody() -> None:
    weak = HybridPrivateKey(keys("issuing").classical, PrivateKey.generate(KeyAlgorithm.ED25519))
    ca = issuing_recipe(key=weak).make()
    made = device_recipe(issuer_key=weak).make()
    verdict = judged(made, bundle_of(ANCHOR, (ca,)))
    assert refusals(verdict) == {"hybrid.alternative_key_not_post_quantum"}


@pytest.mark.parametrize(
    ("issuer_key", "rule"),
    [
        (
            HybridPrivateKey(keys("issuing").classical, keys("other").alternative),
            "hybrid.alternative_signature_invalid",
        ),
        (HybridPrivateKey(keys("other").classical, keys("issuing").alternative), "path.signature_invalid"),
    ],
    ids=["classical from A, alternative from B", "alternative from A, classical from B"],
)
def test_one_half_by_the_issuer_and_one_by_another_is_refused(
    issuer_key: HybridPrivateKey, rule: str
) -> None:
    made = device_recipe(issuer_key=issuer_key, akid=keys("issuing").classical.public.key_identifier).make()
    assert refusals(judged(made)) == {rule}


def test_an_anchor_of_the_same_name_with_other_keys_vouches_for_nobody() -> None:
    namesake = root_recipe(key=keys("other"), issuer_key=keys("other")).make()
    verdict = judged(DEVICE, bundle_of(TrustAnchor.of(namesake)))
    assert {"path.signature_invalid", "hybrid.alternative_signature_invalid"} <= refusals(verdict)
    both = TrustBundle(1, NOW, (TrustAnchor.of(namesake), ANCHOR), (ISSUING.der,))
    assert judged(DEVICE, both).status is Status.HYBRID_VALID


def test_the_pinned_keys_count_and_not_those_in_the_anchors_certificate() -> None:
    other = keys("other").public
    assert other.alternative is not None
    swapped = replace(ANCHOR, alternative_spki=other.alternative.spki)
    assert refusals(judged(DEVICE, bundle_of(swapped))) == {"hybrid.alternative_signature_invalid"}


PLAIN = {label: HybridPrivateKey(keys(label).classical) for label in ("root", "issuing", "device")}
PLAIN_ROOT = root_recipe(key=PLAIN["root"], issuer_key=PLAIN["root"]).make()
PLAIN_ISSUING = issuing_recipe(key=PLAIN["issuing"], issuer_key=PLAIN["root"]).make()
PLAIN_DEVICE = device_recipe(key=PLAIN["device"], issuer_key=PLAIN["issuing"]).make()


def test_a_plain_chain_is_classical_valid_under_an_anchor_of_form_classical_only() -> None:
    under_classical = judged(PLAIN_DEVICE, bundle_of(TrustAnchor.of(PLAIN_ROOT), (PLAIN_ISSUING,)))
    assert (under_classical.status, under_classical.findings) == (Status.CLASSICAL_VALID, ())
    assert judged(PLAIN_DEVICE, bundle_of(ANCHOR, (PLAIN_ISSUING,))).status is Status.INVALID


def test_a_hybrid_chain_under_an_anchor_of_form_classical_is_classical_valid_at_most() -> None:
    verdict = judged(DEVICE, bundle_of(TrustAnchor.of(PLAIN_ROOT)))
    assert verdict.status is Status.CLASSICAL_VALID
    after = judged(DEVICE, bundle_of(TrustAnchor.of(PLAIN_ROOT)), PQ_ONLY)
    assert refusals(after) == {"hybrid.anchor_has_no_alternative_key"}


def test_before_the_moment_a_missing_signature_is_a_warning_and_from_it_on_an_error() -> None:
    since = NOW + DAY
    bundle = bundle_of(replace(ANCHOR, alt_required_from=since))
    stripped = forged(without(ALGORITHM, VALUE))
    before = judged(stripped, bundle, now=since - timedelta(seconds=1))
    assert before.status is Status.CLASSICAL_VALID
    assert [(f.rule, f.severity) for f in before.findings] == [
        ("hybrid.alternative_signature_missing", Severity.WARNING)
    ]
    assert judged(stripped, bundle, now=since).status is Status.INVALID
    assert judged(DEVICE, bundle).status is Status.HYBRID_VALID


@pytest.mark.parametrize("name", [n for n in FORGERIES if "stripped" not in n or n == "72 stripped"])
def test_before_the_moment_a_wrong_signature_is_an_error_all_the_same(name: str) -> None:
    bundle = bundle_of(replace(ANCHOR, alt_required_from=NOW + DAY))
    assert judged(forged(FORGERIES[name][0]), bundle).status is Status.INVALID


def test_on_the_day_after_broken_classical_signatures_do_not_matter() -> None:
    garbled = Certificate.parse(
        tbs.seal(DEVICE.signed.tbs, DEVICE.signed.algorithm, b"not a signature of anything")
    )
    assert refusals(judged(garbled)) == {"path.signature_invalid"}
    assert judged(garbled, policy=PQ_ONLY).status is Status.PQ_ONLY_VALID


def test_the_day_after_does_not_wait_for_the_moment() -> None:
    bundle = bundle_of(replace(ANCHOR, alt_required_from=NOW + DAY))
    stripped = forged(without(ALGORITHM, VALUE))
    assert refusals(judged(stripped, bundle, PQ_ONLY)) == {"hybrid.alternative_signature_missing"}
