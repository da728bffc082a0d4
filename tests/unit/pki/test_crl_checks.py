"""An alternative signature stripped, swapped, moved or doubled in a list is found; so is a bad successor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from pki import asn1, extensions, oids, tbs
from pki.algorithms import KeyAlgorithm
from pki.crl import CertificateList, CrlReason, RevokedEntry, publication_findings, verify_crl
from pki.extensions import Extension, KeyUsage
from pki.keys import HybridPrivateKey, HybridPublicKey
from tests.unit.pki.path_fixtures import ROOT, issuing_recipe, keys
from tests.unit.pki.status_fixtures import CA_KEY, DAY, ENTRIES, ISSUING, NOW, crl, crl_der

Rewrite = Callable[[list[Extension]], list[Extension]]
SIGNED = crl()
OTHER = CertificateList.parse(crl_der(number=8))


def resealed(rewrite: Rewrite, entries: bytes | None = None) -> CertificateList:
    """The list with other extensions, or entries, signed anew by the classical key alone: the forger's."""
    listed = asn1.children(SIGNED.tbs, asn1.whole(SIGNED.tbs))
    fields = [asn1.encoded(SIGNED.tbs, field) for field in listed]
    found = tuple(e.encode() for e in rewrite(list(SIGNED.extensions)))
    body = b"".join(fields[2:5]) + (fields[5] if entries is None else entries)
    unsigned = tbs.Unsigned(fields[0], body, found, 0)
    algorithm = CA_KEY.classical.signs_with
    to_sign = unsigned.tbs(algorithm, None)
    return CertificateList.parse(tbs.seal(to_sign, algorithm, CA_KEY.classical.sign(to_sign)))


def rules(crl: CertificateList, **how: bool) -> list[str]:
    return [f.rule for f in verify_crl(crl, ISSUING, **how) if f.refuses]


def of_other(listed: list[Extension]) -> list[Extension]:
    return [*listed[:-1], OTHER.extensions[-1]]


def other_algorithm(listed: list[Extension]) -> list[Extension]:
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65).alternative
    assert key is not None
    named = tbs.alt_signature_algorithm(key.signs_with)
    kept = [e for e in listed if e.oid not in oids.CATALYST]
    return [*kept, named, tbs.alt_signature_value(key.sign(b"anything"))]


HOSTILE: dict[str, tuple[Rewrite, str]] = {
    "stripped": (lambda e: e[:-2], "hybrid.alternative_signature_missing"),
    "value stripped": (lambda e: e[:-1], "hybrid.alternative_signature_incomplete"),
    "algorithm stripped": (lambda e: [*e[:-2], e[-1]], "hybrid.alternative_signature_incomplete"),
    "swapped with another list's": (of_other, "hybrid.alternative_signature_invalid"),
    "moved before the algorithm": (
        lambda e: [*e[:-2], e[-1], e[-2]],
        "hybrid.alternative_signature_not_last",
    ),
    "moved to the front": (lambda e: [e[-1], *e[:-1]], "hybrid.alternative_signature_not_last"),
    "doubled": (lambda e: [*e, e[-1]], "hybrid.alternative_extension_repeated"),
    "critical": (
        lambda e: [*e[:-1], replace(e[-1], critical=True)],
        "hybrid.alternative_extension_critical",
    ),
    "of another algorithm": (other_algorithm, "hybrid.alternative_algorithm_not_the_issuers"),
    "no bit string": (
        lambda e: [*e[:-1], replace(e[-1], value=asn1.null())],
        "hybrid.alternative_signature_malformed",
    ),
}


@pytest.mark.parametrize(("rewrite", "rule"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_tampered_alternative_signature_is_found(rewrite: Rewrite, rule: str) -> None:
    forged = resealed(rewrite)
    assert CA_KEY.classical.public.verify(forged.algorithm, forged.signature, forged.tbs)
    assert rules(forged) == [rule]


def test_the_same_list_sealed_anew_is_still_good() -> None:
    assert rules(resealed(lambda e: e)) == []


def test_entries_that_only_the_classical_key_signed_are_found() -> None:
    fewer = asn1.sequence(asn1.sequence(asn1.integer(0x1001), asn1.time(NOW)))
    assert rules(resealed(lambda e: e, fewer)) == ["hybrid.alternative_signature_invalid"]


def test_a_list_signed_by_the_alternative_key_alone_serves_the_day_after() -> None:
    broken = CertificateList.parse(SIGNED.der[:-1] + bytes((SIGNED.der[-1] ^ 1,)))
    assert rules(broken) == ["crl.signature_invalid"]
    assert rules(broken, classical=False) == []


def test_a_missing_alternative_only_warns_where_it_may_be_missing() -> None:
    plain = resealed(lambda e: e[:-2])
    found = verify_crl(plain, ISSUING, alternative=False)
    assert [(f.rule, f.refuses) for f in found] == [("hybrid.alternative_signature_missing", False)]
    assert rules(plain, alternative=False, classical=False) == ["hybrid.alternative_signature_missing"]


def test_without_an_alternative_key_nothing_is_left_for_the_day_after() -> None:
    classical_only = HybridPublicKey(CA_KEY.classical.public)
    found = verify_crl(SIGNED, classical_only)
    assert [(f.rule, f.refuses) for f in found] == [("hybrid.issuer_has_no_alternative_key", False)]
    for listed in (SIGNED, resealed(lambda e: e[:-2])):
        found = verify_crl(listed, classical_only, classical=False)
        assert [f.refuses for f in found] == [True]


def test_the_wrong_issuer_is_found_by_name_key_and_signature() -> None:
    found = {f.rule for f in verify_crl(SIGNED, ROOT)}
    assert found == {
        "crl.issuer_name_differs",
        "crl.authority_key_identifier_differs",
        "crl.signature_invalid",
        "hybrid.alternative_signature_invalid",
    }


def test_an_issuer_without_crl_sign_signs_no_lists() -> None:
    weak = issuing_recipe(usages=(KeyUsage.KEY_CERT_SIGN,)).make()
    assert [f.rule for f in verify_crl(SIGNED, weak)] == ["crl.issuer_may_not_sign_lists"]


def test_an_issuer_that_cannot_be_read_is_a_finding() -> None:
    odd = replace(ISSUING, spki=asn1.sequence(asn1.null()))
    assert "crl.issuer_unusable" in [f.rule for f in verify_crl(SIGNED, odd)]


def published(old: CertificateList | None, new: CertificateList, **how: object) -> list[str]:
    may_leave = how.get("may_leave", ())
    now = how.get("now", NOW)
    return [f.rule for f in publication_findings(old, new, ISSUING, now, may_leave=may_leave)]  # type: ignore[arg-type]


def test_the_next_list_follows() -> None:
    more = (*ENTRIES, RevokedEntry(0x1004, NOW))
    assert published(None, SIGNED) == []
    assert published(SIGNED, crl(more, number=8)) == []


@pytest.mark.parametrize("number", [6, 7])
def test_a_number_that_does_not_rise_is_refused(number: int) -> None:
    assert published(SIGNED, crl(number=number)) == ["crl.number_not_higher"]


def test_a_lost_entry_is_refused_unless_it_may_leave() -> None:
    fewer = crl(ENTRIES[1:], number=8)
    (lost,) = publication_findings(SIGNED, fewer, ISSUING, NOW)
    assert (lost.rule, lost.refuses) == ("crl.entries_lost", True)
    assert "1001" in lost.message
    assert published(SIGNED, fewer, may_leave={0x1001}) == []


def test_a_lapsed_list_and_one_from_the_future_are_refused() -> None:
    assert published(None, SIGNED, now=NOW + 7 * DAY) == ["crl.already_lapsed"]
    assert published(None, SIGNED, now=NOW - DAY) == ["crl.begins_in_the_future"]


def test_a_signers_clock_may_be_ahead_as_far_as_the_caller_says() -> None:
    early = NOW - timedelta(minutes=4)
    for skew, refused in ((timedelta(minutes=5), []), (timedelta(minutes=3), ["crl.begins_in_the_future"])):
        assert [f.rule for f in publication_findings(None, SIGNED, ISSUING, early, skew=skew)] == refused


def test_an_older_list_is_refused_whatever_its_number() -> None:
    older = CertificateList.parse(crl_der(number=8, this_update=NOW - DAY))
    assert published(SIGNED, older) == ["crl.this_update_goes_back"]


def test_a_failed_signature_and_a_wrong_issuer_are_refused() -> None:
    forged = CertificateList.parse(crl_der(number=8, key=keys("forger")))
    assert set(published(SIGNED, forged)) == {
        "crl.signature_invalid",
        "hybrid.alternative_signature_invalid",
    }
    assert "crl.issuer_changed" in published(replace(SIGNED, issuer=ROOT.subject), crl(number=8))


def test_a_delta_does_not_replace_a_complete_list() -> None:
    assert "crl.kind_changed" in published(SIGNED, crl(number=8, base=7))


def test_a_delta_may_forget_what_its_new_base_says_and_nothing_else() -> None:
    first = crl(number=8, base=7)
    assert published(first, crl(ENTRIES[1:], number=9, base=7)) == ["crl.entries_lost"]
    assert published(first, crl((), number=9, base=8)) == []
    assert published(first, crl(number=9, base=6)) == ["crl.delta_base_goes_back"]


def test_a_released_hold_is_told_in_a_delta() -> None:
    released = (*ENTRIES[:2], replace(ENTRIES[2], reason=CrlReason.REMOVE_FROM_CRL))
    delta = crl(released, number=9, base=7)
    assert published(crl(number=8, base=7), delta) == []
    entry = delta.revoked(0x1003)
    assert entry is not None
    assert entry.reason is CrlReason.REMOVE_FROM_CRL


def test_the_key_identifier_is_what_the_issuer_says() -> None:
    value = ISSUING.extension(oids.SUBJECT_KEY_IDENTIFIER)
    assert value is not None
    assert extensions.read_subject_key_identifier(value) == SIGNED.authority_key_identifier
