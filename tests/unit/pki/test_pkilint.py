"""pkilint over everything that is emitted: certificates of every profile, lists, OCSP responses.

What it says and we leave standing is listed here, each with the reason; anything else fails.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from pki import oids, profiles
from pki.algorithms import KeyAlgorithm
from pki.cert_id import CertId
from pki.crl import CrlReason, RevokedEntry
from pki.ocsp_response import GOOD, UNKNOWN, Responder, Revoked, SingleAnswer, build_response
from pki.profiles import PROFILES, Kind
from tests.unit.pki import pkilint_door, status_fixtures
from tests.unit.pki.draft_certificate import Draft
from tests.unit.pki.form_fixtures import FORMS, allowed, certify, tree
from tests.unit.pki.status_fixtures import ISSUING, NOW, responder_certificate, responder_key

LEFT_STANDING = {
    # Information: the identifier was made by the first method of RFC 7093 2.
    "pkix.subject_key_identifier_rfc7093_method_1_identified",
    # Notices: pkilint knows no composite or SLH-DSA keys, and cannot verify ML-DSA in a root.
    "pkix.public_key_algorithm_unsupported",
    "pkix.aki_absent_self_issued_and_unsupported_algorithm",
}
URN = "pkix.invalid_uri_syntax"
"""pkilint wants `//` in every URI. `urn:udi:...` is an absolute URI without an authority (RFC 8141 2), which
RFC 5280 4.2.1.6 allows: a scheme and a scheme-specific part."""


def unexpected(found: dict[str, str]) -> dict[str, str]:
    kept = {code: said for code, said in found.items() if code not in LEFT_STANDING}
    if '"urn:udi:' in kept.get(URN, ""):
        del kept[URN]
    return kept


ISSUED = [
    (p.name, form)
    for form in FORMS
    for p in PROFILES.values()
    if p.kind is not Kind.ROOT and allowed(p, form)
]


@pytest.mark.parametrize(("name", "form"), ISSUED)
def test_certificates(name: str, form: str) -> None:
    assert unexpected(pkilint_door.of_certificate(certify(profiles.by_name(name), form).der)) == {}


@pytest.mark.parametrize("form", FORMS)
def test_roots(form: str) -> None:
    assert unexpected(pkilint_door.of_certificate(tree(form).root.certificate.der)) == {}


LISTS = {
    "full": status_fixtures.crl_der(),
    "empty": status_fixtures.crl_der(()),
    "delta": status_fixtures.crl_der(
        [RevokedEntry(0x1003, NOW, CrlReason.REMOVE_FROM_CRL)], number=9, base=7
    ),
}


@pytest.mark.parametrize("case", LISTS)
def test_lists(case: str) -> None:
    assert unexpected(pkilint_door.of_list(LISTS[case])) == {}


def test_what_is_wrong_is_not_left_standing() -> None:
    draft = Draft()
    draft.drop(oids.AUTHORITY_KEY_IDENTIFIER)
    assert "pkix.authority_key_identifier_extension_absent" in unexpected(
        pkilint_door.of_certificate(draft.der())
    )


@pytest.mark.parametrize("algorithm", [KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65])
def test_responses(algorithm: KeyAlgorithm) -> None:
    responder = Responder(responder_certificate(algorithm), responder_key(algorithm).classical)
    statuses = (GOOD, UNKNOWN, Revoked(NOW - timedelta(days=2), CrlReason.KEY_COMPROMISE))
    answers = [
        SingleAnswer(CertId.of(ISSUING, 0x2000 + at).der, status, NOW, NOW + timedelta(hours=1))
        for at, status in enumerate(statuses)
    ]
    der = build_response(answers=answers, responder=responder, produced_at=NOW, nonce=bytes(32))
    assert unexpected(pkilint_door.of_response(der)) == {}
