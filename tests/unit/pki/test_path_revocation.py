"""Status along a path: revoked refuses, held refuses, unknown fails closed, and only the issuer tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from pki.bundle import TrustAnchor
from pki.crl import CrlReason, RevokedEntry, build_crl
from pki.extensions import KeyUsage
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
    ROOT,
    bundle_of,
    issuing_recipe,
    keys,
)

HOUR = timedelta(hours=1)


def revoked(
    certificate: Certificate, reason: CrlReason = CrlReason.KEY_COMPROMISE
) -> tuple[RevokedEntry, ...]:
    return (RevokedEntry(certificate.serial, NOW - DAY, reason),)


def crl(
    issuer: Certificate,
    entries: Iterable[RevokedEntry] = (),
    *,
    number: int = 1,
    base: int | None = None,
    age: timedelta = HOUR,
    key: HybridPrivateKey | None = None,
) -> bytes:
    own = keys("root" if issuer is ROOT else "issuing")
    return build_crl(
        issuer_name=issuer.subject,
        authority_key_identifier=own.classical.public.key_identifier,
        key=key or own,
        entries=entries,
        crl_number=number,
        this_update=NOW - age,
        next_update=NOW - age + DAY,
        base_crl_number=base,
    )


ROOTS = crl(ROOT)
CLEAN = crl(ISSUING)
OTHERS = crl(ISSUING, [RevokedEntry(99, NOW - DAY)])


def judged(*crls: bytes, revocation: str = "require", mode: str = "hybrid") -> Verdict:
    policy = VerifyPolicy(revocation=revocation, mode=mode)  # type: ignore[arg-type]
    return verify(DEVICE, bundle=BUNDLE, now=NOW, crls=crls, policy=policy)


def refusals(verdict: Verdict) -> list[str]:
    return [f.rule for f in verdict.findings if f.refuses]


def remarks(verdict: Verdict) -> str:
    return " ".join(f.message for f in verdict.findings if f.rule == "path.revocation_list_not_used")


@pytest.mark.parametrize("mode", ["hybrid", "pq_only"])
def test_fresh_lists_of_both_issuers_that_do_not_name_the_chain_are_good(mode: str) -> None:
    verdict = judged(ROOTS, OTHERS, mode=mode)
    assert (verdict.is_valid, verdict.findings) == (True, ())


@pytest.mark.parametrize("given", [(), (ROOTS,), (CLEAN,)], ids=["none", "the root's", "the CA's"])
def test_a_list_that_is_missing_at_any_level_fails_closed(given: tuple[bytes, ...]) -> None:
    assert set(refusals(judged(*given))) == {"path.revocation_unknown"}
    lenient = judged(*given, revocation="if_available")
    assert lenient.status is Status.HYBRID_VALID
    assert {(f.rule, f.severity) for f in lenient.findings} == {("path.revocation_unknown", Severity.WARNING)}


@pytest.mark.parametrize("reason", [r for r in CrlReason if r is not CrlReason.REMOVE_FROM_CRL], ids=str)
@pytest.mark.parametrize("revocation", ["require", "if_available"])
def test_a_revoked_or_held_device_is_refused(reason: CrlReason, revocation: str) -> None:
    verdict = judged(ROOTS, crl(ISSUING, revoked(DEVICE, reason)), revocation=revocation)
    assert refusals(verdict) == ["path.certificate_revoked"]
    assert reason.name.lower().replace("_", " ") in verdict.findings[0].message


def test_a_revoked_issuing_ca_takes_its_devices_along() -> None:
    assert refusals(judged(crl(ROOT, revoked(ISSUING)), CLEAN)) == ["path.certificate_revoked"]


def test_a_serial_revoked_by_another_issuer_is_not_ours() -> None:
    assert judged(crl(ROOT, revoked(DEVICE)), CLEAN).is_valid


@pytest.mark.parametrize(
    "age", [DAY + timedelta(seconds=1), -timedelta(minutes=5, seconds=1)], ids=["lapsed", "future"]
)
def test_a_list_out_of_its_time_tells_nothing(age: timedelta) -> None:
    assert refusals(judged(ROOTS, crl(ISSUING, age=age))) == ["path.revocation_unknown"]


def test_a_client_whose_clock_is_behind_does_not_refuse_a_fresh_list() -> None:
    assert judged(ROOTS, crl(ISSUING, age=-timedelta(minutes=5))).is_valid


def test_a_list_counts_until_its_next_update() -> None:
    assert judged(ROOTS, crl(ISSUING, age=DAY)).is_valid


def test_hiding_the_fresh_list_does_not_undo_a_revocation_but_a_hold_may_have_ended() -> None:
    stale = crl(ISSUING, revoked(DEVICE), age=9 * DAY)
    assert refusals(judged(ROOTS, stale, revocation="if_available")) == ["path.certificate_revoked"]
    held = crl(ISSUING, revoked(DEVICE, CrlReason.CERTIFICATE_HOLD), age=9 * DAY)
    assert judged(ROOTS, held, crl(ISSUING, number=2)).is_valid


def test_the_highest_number_of_the_fresh_lists_counts() -> None:
    held = crl(ISSUING, revoked(DEVICE, CrlReason.CERTIFICATE_HOLD), number=2)
    for order in ((CLEAN, held), (held, CLEAN)):
        assert refusals(judged(ROOTS, *order)) == ["path.certificate_revoked"]


def test_a_delta_revokes_and_releases_upon_its_base() -> None:
    revoking = crl(ISSUING, revoked(DEVICE), number=2, base=1)
    assert refusals(judged(ROOTS, CLEAN, revoking)) == ["path.certificate_revoked"]
    held = crl(ISSUING, revoked(DEVICE, CrlReason.CERTIFICATE_HOLD))
    release = crl(ISSUING, revoked(DEVICE, CrlReason.REMOVE_FROM_CRL), number=2, base=1)
    assert judged(ROOTS, held, release).is_valid


def test_a_delta_alone_or_upon_a_later_base_tells_nothing_good() -> None:
    assert refusals(judged(ROOTS, crl(ISSUING, number=2, base=1))) == ["path.revocation_unknown"]
    held = crl(ISSUING, revoked(DEVICE, CrlReason.CERTIFICATE_HOLD))
    release = crl(ISSUING, revoked(DEVICE, CrlReason.REMOVE_FROM_CRL), number=9, base=8)
    assert refusals(judged(ROOTS, held, release)) == ["path.certificate_revoked"]


def test_an_old_delta_does_not_release_from_a_newer_list() -> None:
    held = crl(ISSUING, revoked(DEVICE, CrlReason.CERTIFICATE_HOLD), number=5)
    release = crl(ISSUING, revoked(DEVICE, CrlReason.REMOVE_FROM_CRL), number=2, base=1)
    assert refusals(judged(ROOTS, held, release)) == ["path.certificate_revoked"]


STOLEN = HybridPrivateKey(keys("issuing").classical)
MIXED = HybridPrivateKey(keys("issuing").classical, keys("mallory").alternative)


@pytest.mark.parametrize("key", [STOLEN, MIXED, keys("mallory")], ids=["stripped", "mixed", "another"])
def test_a_forgers_list_is_not_used_and_the_reason_is_told(key: HybridPrivateKey) -> None:
    """With the classical key alone, a forger would give every revoked device a clean list."""
    verdict = judged(ROOTS, crl(ISSUING, number=7, key=key))
    assert refusals(verdict) == ["path.revocation_unknown"]
    assert "signature" in remarks(verdict)
    beside = judged(ROOTS, crl(ISSUING, revoked(DEVICE)), crl(ISSUING, number=7, key=key))
    assert refusals(beside) == ["path.certificate_revoked"]


def test_on_the_day_after_a_list_stands_by_its_alternative_signature_alone() -> None:
    broken = HybridPrivateKey(keys("mallory").classical, keys("issuing").alternative)
    assert refusals(judged(ROOTS, crl(ISSUING, key=broken))) == ["path.revocation_unknown"]
    assert judged(ROOTS, crl(ISSUING, key=broken), mode="pq_only").status is Status.PQ_ONLY_VALID


def test_a_forgers_list_cannot_revoke() -> None:
    assert judged(ROOTS, CLEAN, crl(ISSUING, revoked(DEVICE), number=7, key=STOLEN)).is_valid


def test_a_classical_list_passes_with_a_warning_before_the_moment() -> None:
    bundle = bundle_of(replace(ANCHOR, alt_required_from=NOW + DAY))
    verdict = verify(DEVICE, bundle=bundle, now=NOW, crls=(ROOTS, crl(ISSUING, key=STOLEN)))
    assert verdict.is_valid
    assert [f.severity for f in verdict.findings] == [Severity.WARNING]


def test_an_issuer_without_crl_sign_tells_nothing() -> None:
    silent = issuing_recipe(usages=(KeyUsage.KEY_CERT_SIGN,)).make()
    bundle = bundle_of(TrustAnchor.of(ROOT), (silent,))
    verdict = verify(DEVICE, bundle=bundle, now=NOW, crls=(ROOTS, CLEAN))
    assert refusals(verdict) == ["path.revocation_unknown"]
    assert "cRLSign" in remarks(verdict)


@pytest.mark.parametrize("junk", [b"", b"junk", CLEAN[:-1], CLEAN + b"\x00", DEVICE.der])
def test_lists_that_do_not_read_are_no_evidence(junk: bytes) -> None:
    assert refusals(judged(ROOTS, junk)) == ["path.revocation_unknown"]
    assert judged(ROOTS, junk, CLEAN).is_valid
