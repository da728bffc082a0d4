"""Trust bundles: only both keys of a trusted anchor make one, and versions only rise."""

from __future__ import annotations

import base64
import json
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pki.algorithms import KeyAlgorithm
from pki.bundle import PAYLOAD_TYPE, BundleRefused, TrustAnchor, TrustBundle, open_bundle, sign_bundle
from pki.errors import MalformedInput, PkiError
from pki.keys import HybridPrivateKey
from tests.unit.pki.path_fixtures import ANCHOR, BUNDLE, ISSUING, NOW, ROOT, Recipe, keys, root_recipe

SIGNED = sign_bundle(BUNDLE, keys("root"))
OTHER_ROOT = root_recipe(key=keys("other"), issuer_key=keys("other")).make()
PIN = ROOT.fingerprint


def open_pinned(data: bytes) -> TrustBundle:
    return open_bundle(data, pinned_fingerprint=PIN)


def rewritten(**members: object) -> bytes:
    return json.dumps(json.loads(SIGNED) | members).encode()


def signatures() -> list[dict[str, str]]:
    listed: list[dict[str, str]] = json.loads(SIGNED)["signatures"]
    return listed


def test_a_bundle_comes_back_as_it_was_signed() -> None:
    assert open_pinned(SIGNED) == BUNDLE


def test_the_envelope_is_dsse_with_two_signatures() -> None:
    document = json.loads(SIGNED)
    assert document["payloadType"] == PAYLOAD_TYPE
    assert [s["alg"] for s in document["signatures"]] == ["ecdsa-with-sha256", "ml-dsa-44"]
    assert json.loads(base64.b64decode(document["payload"]))["version"] == 1


def test_an_anchor_takes_both_keys_from_its_certificate() -> None:
    key = keys("root").public
    assert key.alternative is not None
    assert ANCHOR.keys == (key.classical, key.alternative)
    assert (ANCHOR.form, ANCHOR.fingerprint) == ("catalyst", ROOT.fingerprint)


def test_a_classical_root_is_an_anchor_of_form_classical() -> None:
    plain = keys("plain root", None)
    certificate = root_recipe(key=plain, issuer_key=plain).make()
    bundle = TrustBundle(7, NOW, (TrustAnchor.of(certificate),))
    opened = open_bundle(sign_bundle(bundle, plain), pinned_fingerprint=certificate.fingerprint)
    assert opened.anchors[0].form == "classical"


@pytest.mark.parametrize("kept", [0, 1])
def test_one_signature_of_two_is_not_enough(kept: int) -> None:
    with pytest.raises(BundleRefused, match="every key"):
        open_pinned(rewritten(signatures=[signatures()[kept]]))


@pytest.mark.parametrize("broken", [0, 1])
def test_a_broken_signature_is_refused(broken: int) -> None:
    listed = signatures()
    listed[broken]["sig"] = base64.b64encode(bytes(64)).decode()
    with pytest.raises(BundleRefused, match="every key"):
        open_pinned(rewritten(signatures=listed))


def test_a_signature_under_another_algorithms_name_is_refused() -> None:
    listed = signatures()
    listed[1]["alg"] = "ml-dsa-65"
    with pytest.raises(BundleRefused):
        open_pinned(rewritten(signatures=listed))


def test_a_changed_payload_is_refused() -> None:
    payload = replace(BUNDLE, version=2).payload()
    with pytest.raises(BundleRefused, match="every key"):
        open_pinned(rewritten(payload=base64.b64encode(payload).decode()))


def test_another_roots_bundle_is_refused_under_the_pin_even_when_it_lists_ours() -> None:
    theirs = TrustBundle(9, NOW, (TrustAnchor.of(OTHER_ROOT), ANCHOR))
    with pytest.raises(BundleRefused, match="every key"):
        open_pinned(sign_bundle(theirs, keys("other")))


def test_a_bundle_without_the_pinned_anchor_is_refused() -> None:
    theirs = TrustBundle(9, NOW, (TrustAnchor.of(OTHER_ROOT),))
    with pytest.raises(BundleRefused, match="no anchor that is trusted"):
        open_pinned(sign_bundle(theirs, keys("other")))


@pytest.mark.parametrize(
    "anchor",
    [
        replace(ANCHOR, form="classical", alternative_spki=None),
        replace(ANCHOR, alternative_spki=None),
        replace(ANCHOR, classical_spki=keys("other").public.classical.spki),
        replace(ANCHOR, alternative_spki=keys("other").public.alternative.spki),  # type: ignore[union-attr]
        replace(ANCHOR, form="related"),  # type: ignore[arg-type]
    ],
    ids=["classical", "no alternative key", "other classical key", "other alternative key", "unknown form"],
)
def test_an_anchor_that_differs_from_its_certificate_is_refused(anchor: TrustAnchor) -> None:
    """The real root's fingerprint with a forger's keys, or with its second key hidden."""
    with pytest.raises(MalformedInput, match="not those of its certificate"):
        sign_bundle(TrustBundle(1, NOW, (anchor,)), HybridPrivateKey(keys("other").classical))


def test_a_forger_with_the_classical_key_cannot_sign_alone() -> None:
    with pytest.raises(BundleRefused, match="signing keys"):
        sign_bundle(BUNDLE, HybridPrivateKey(keys("root").classical))


def test_versions_only_rise() -> None:
    newer = replace(BUNDLE, version=3)
    with pytest.raises(BundleRefused, match="3 is already known") as refused:
        open_bundle(SIGNED, pinned_fingerprint=PIN, previous=newer)
    assert refused.value.field == "version"
    assert open_bundle(sign_bundle(newer, keys("root")), pinned_fingerprint=None, previous=BUNDLE) == newer


def test_the_same_version_with_other_content_is_refused_and_the_same_bundle_is_not() -> None:
    twin = replace(BUNDLE, intermediates=())
    with pytest.raises(BundleRefused):
        open_bundle(SIGNED, pinned_fingerprint=PIN, previous=twin)
    assert open_bundle(SIGNED, pinned_fingerprint=PIN, previous=BUNDLE) == BUNDLE


def test_a_new_root_comes_in_by_the_old_roots_signature() -> None:
    both = TrustBundle(2, NOW, (ANCHOR, TrustAnchor.of(OTHER_ROOT)))
    with pytest.raises(BundleRefused, match="every key"):
        open_bundle(sign_bundle(both, keys("other")), pinned_fingerprint=None, previous=BUNDLE)
    opened = open_bundle(sign_bundle(both, keys("root")), pinned_fingerprint=None, previous=BUNDLE)
    alone = TrustBundle(3, NOW, (TrustAnchor.of(OTHER_ROOT),))
    assert open_bundle(sign_bundle(alone, keys("other")), pinned_fingerprint=None, previous=opened) == alone


def test_the_moment_from_which_the_alternative_is_required_is_kept() -> None:
    since = datetime(2027, 1, 1, 1, tzinfo=timezone(timedelta(hours=1)))
    bundle = TrustBundle(1, NOW, (TrustAnchor.of(ROOT, alt_required_from=since),), (ISSUING.der,))
    assert open_pinned(sign_bundle(bundle, keys("root"))).anchors[0].alt_required_from == since


@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"[]", b"null", b"[" * 50_000, b"\xff", b"9" * 5_000, rewritten(payloadType="text/plain")],
    ids=range(8),
)
def test_what_is_no_bundle_is_malformed_input(data: bytes) -> None:
    with pytest.raises(MalformedInput) as refused:
        open_pinned(data)
    assert refused.value.field == "bundle"


@pytest.mark.parametrize(
    "bundle",
    [TrustBundle(0, NOW, (ANCHOR,)), TrustBundle(True, NOW, (ANCHOR,)), TrustBundle(1, NOW, ())],
    ids=["version 0", "version true", "no anchors"],
)
def test_a_bundle_that_says_nothing_is_not_signed(bundle: TrustBundle) -> None:
    with pytest.raises(MalformedInput):
        sign_bundle(bundle, keys("root"))


@given(place=st.integers(0, len(SIGNED) - 1), octet=st.integers(0, 255))
def test_no_changed_byte_opens_to_anything_else(place: int, octet: int) -> None:
    opened = None
    with suppress(PkiError):
        opened = open_pinned(SIGNED[:place] + bytes((octet,)) + SIGNED[place + 1 :])
    assert opened in (None, BUNDLE)


def test_a_classical_root_does_not_speak_for_one_that_outlasts_it() -> None:
    """Who breaks the classical root of a mixed bundle must not be able to put the other one out."""
    broken = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
    weak = TrustAnchor.of(Recipe("Old", "Old", broken, broken, ca=True).make())
    both = replace(BUNDLE, anchors=(ANCHOR, weak))
    coup = sign_bundle(replace(BUNDLE, version=2, anchors=(weak,)), broken)
    with pytest.raises(BundleRefused, match="no anchor"):
        open_bundle(coup, pinned_fingerprint=None, previous=both)
    alone = replace(BUNDLE, anchors=(weak,))
    assert open_bundle(coup, pinned_fingerprint=None, previous=alone).version == 2
