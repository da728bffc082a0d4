"""Withdrawn keys: a bundle can distrust, for ever, whoever certifies the key."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from dataclasses import replace

import pytest

from pki.bundle import BundleRefused, TrustAnchor, TrustBundle, open_bundle, sign_bundle
from pki.errors import MalformedInput
from pki.path import Status, Verdict, VerifyPolicy, verify
from pki.trust_anchor import key_fingerprint
from tests.unit.pki.path_fixtures import ANCHOR, BUNDLE, DEVICE, ISSUING, NOW, ROOT, keys, root_recipe

OFF = VerifyPolicy(revocation="off")
GONE = key_fingerprint(ISSUING.spki)
SECOND = root_recipe(name="Second", issuer="Second", key=keys("root 2"), issuer_key=keys("root 2")).make()


def judged(bundle: TrustBundle) -> Verdict:
    return verify(DEVICE, bundle=bundle, now=NOW, policy=OFF)


@pytest.mark.parametrize(
    "spki",
    [ISSUING.spki, DEVICE.spki, keys("issuing").alternative.public.spki],  # type: ignore[union-attr]
    ids=["the CA's", "the device's", "the CA's alternative one"],
)
def test_a_withdrawn_key_ends_every_path_through_it(spki: bytes) -> None:
    assert judged(BUNDLE).status is Status.HYBRID_VALID
    verdict = judged(replace(BUNDLE, withdrawn=(key_fingerprint(spki),)))
    assert {f.rule for f in verdict.findings if f.refuses} == {"path.key_withdrawn"}


def test_withdrawals_are_signed_kept_and_never_forgotten() -> None:
    with_one = replace(BUNDLE, version=2, withdrawn=(GONE,))
    opened = open_bundle(sign_bundle(with_one, keys("root")), pinned_fingerprint=None, previous=BUNDLE)
    assert opened.withdrawn == (GONE,)
    forgetful = sign_bundle(replace(BUNDLE, version=3), keys("root"))
    with pytest.raises(BundleRefused, match="forgets") as refused:
        open_bundle(forgetful, pinned_fingerprint=None, previous=opened)
    assert refused.value.field == "withdrawn"
    more = replace(with_one, version=3, withdrawn=tuple(sorted((GONE, "00" * 32))))
    assert open_bundle(sign_bundle(more, keys("root")), pinned_fingerprint=None, previous=opened) == more


def test_an_anchor_leaves_when_another_one_that_was_trusted_signs() -> None:
    both = TrustBundle(1, NOW, (ANCHOR, TrustAnchor.of(SECOND)), (ISSUING.der,))
    gone = tuple(sorted(ANCHOR.key_fingerprints))
    after = TrustBundle(2, NOW, (TrustAnchor.of(SECOND),), (ISSUING.der, ROOT.der), gone)
    opened = open_bundle(sign_bundle(after, keys("root 2")), pinned_fingerprint=None, previous=both)
    assert judged(opened).status is Status.INVALID


@pytest.mark.parametrize(
    "withdrawn",
    [
        ("zz" * 32,),
        ("00" * 31,),
        ("11" * 32, "00" * 32),
        ("00" * 32,) * 2,
        tuple(ANCHOR.key_fingerprints)[:1],
    ],
    ids=["no hex", "too short", "unsorted", "twice", "the anchor's own"],
)
def test_a_malformed_list_of_withdrawals_is_refused(withdrawn: tuple[str, ...]) -> None:
    with pytest.raises(MalformedInput, match="trust bundle"):
        sign_bundle(replace(BUNDLE, withdrawn=withdrawn), keys("root"))


def test_a_bundle_without_withdrawals_is_as_it_was() -> None:
    document = json.loads(sign_bundle(BUNDLE, keys("root")))
    payload = json.loads(b64decode(document["payload"]))
    assert "withdrawn" not in payload
    payload["withdrawn"] = []
    document["payload"] = b64encode(
        json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
    ).decode()
    with pytest.raises(MalformedInput):
        open_bundle(json.dumps(document).encode(), pinned_fingerprint=ROOT.fingerprint)
