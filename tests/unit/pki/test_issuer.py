"""Issuance: what is signed was linted, each token signs once, and nothing else reaches the key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from pki import asn1, csr
from pki.algorithms import PrivateKey
from pki.anchor import self_signed
from pki.errors import LintRefused, PkiError, RequestRefused
from pki.issuer import IssuanceToken, Issuer, TokenSpent
from pki.keys import HybridPrivateKey
from pki.profiles import DEVICE, ISSUING_CA, ROOT, SubjectFacts
from pki.providers.interface import KeyAlgorithm
from pki.tbs import Certificate, Unsigned, read_alternative
from pki.twin import sign_linted
from tests.unit.pki.issuing_fixtures import DEVICE_FACTS, NOW, URLS, entropy, house, issue

CA_FACTS = SubjectFacts(common_name="Another CA")


def token(**changed: object) -> IssuanceToken:
    home = house()
    arguments = {"now": NOW, "entropy": entropy} | changed
    return home.issuer.prepare(DEVICE, DEVICE_FACTS, home.request, **arguments)  # type: ignore[arg-type]


def test_a_device_gets_a_certificate_with_both_signatures() -> None:
    home = house()
    issued = home.issuer.issue(token())
    certificate = Certificate.parse(issued.der)
    alternative, findings = read_alternative(certificate.extensions)
    ca = home.issuing_key.public
    assert findings == ()
    assert alternative is not None
    assert ca.alternative is not None
    assert ca.alternative.verify(alternative.algorithm, alternative.value, certificate.pre_tbs)
    signed = certificate.signed
    assert ca.classical.verify(signed.algorithm, signed.signature, signed.tbs)
    assert certificate.spki == home.device_key.classical.public.spki
    assert certificate.alternative_public_key == home.device_key.public.alternative


def test_the_root_signs_itself_twice() -> None:
    root = Certificate.parse(house().root.der)
    alternative, findings = read_alternative(root.extensions)
    key = root.alternative_public_key
    assert findings == ()
    assert alternative is not None
    assert key is not None
    assert key.verify(alternative.algorithm, alternative.value, root.pre_tbs)
    assert root.public_key.verify(root.signed.algorithm, root.signed.signature, root.signed.tbs)
    assert root.issuer == root.subject


def test_the_token_carries_the_intention() -> None:
    mine = token()
    issued = house().issuer.issue(mine)
    assert issued.certificate_serial == mine.certificate_serial
    assert hashlib.sha256(Certificate.parse(issued.der).pre_tbs).digest() == mine.tbs_digest
    assert (issued.not_before, issued.not_after) == (mine.not_before, mine.not_after)
    assert mine.profile == "device"
    assert issued.fingerprint == hashlib.sha256(issued.der).digest()


def test_a_token_signs_once() -> None:
    mine = token()
    house().issuer.issue(mine)
    with pytest.raises(TokenSpent) as spent:
        house().issuer.issue(mine)
    assert spent.value.kind == "conflict"


def test_of_many_threads_one_spends_the_token() -> None:
    mine = token()

    def attempt(_number: int) -> bool:
        try:
            house().issuer.issue(mine)
        except TokenSpent:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(attempt, range(16))) == 1


def test_a_token_made_outside_is_worth_nothing() -> None:
    mine = token()
    forged = replace(mine)
    with pytest.raises(TokenSpent):
        house().issuer.issue(forged)
    assert house().issuer.issue(mine).certificate_serial == mine.certificate_serial


def test_another_issuers_token_is_worth_nothing() -> None:
    with pytest.raises(TokenSpent):
        house().root_issuer.issue(token())


def test_a_body_altered_after_the_lint_is_not_signed() -> None:
    mine = token()
    object.__setattr__(mine, "unsigned", token().unsigned)
    with pytest.raises(LintRefused, match="nothing was signed"):
        house().issuer.issue(mine)
    with pytest.raises(TokenSpent):
        house().issuer.issue(mine)


def test_a_body_of_the_same_octets_in_another_object_is_not_signed() -> None:
    mine = token()
    u = mine.unsigned
    object.__setattr__(mine, "unsigned", Unsigned(u.head, u.body, u.extensions, u.tag))
    with pytest.raises(LintRefused, match="altered after its lint"):
        house().issuer.issue(mine)


def test_an_alternative_signature_of_another_length_is_not_signed_over() -> None:
    home, mine = house(), token()
    linted = home.issuer._outstanding[mine]
    with pytest.raises(LintRefused, match="length that was linted"):
        sign_linted(mine.unsigned, linted, HybridPrivateKey(home.issuing_key.classical))
    assert sign_linted(mine.unsigned, linted, home.issuing_key).startswith(b"\x30\x82")


def test_a_key_that_signs_wrongly_is_found_before_anybody_gets_the_certificate() -> None:
    home = house()
    good = home.issuing_key.classical
    other = PrivateKey.generate(KeyAlgorithm.EC_P256)
    broken = HybridPrivateKey(
        PrivateKey(good.algorithm, good.public, other._handle), home.issuing_key.alternative
    )
    issuer = Issuer(home.issuer.certificate, broken, URLS)
    mine = issuer.prepare(DEVICE, DEVICE_FACTS, home.request, now=NOW, entropy=entropy)
    with pytest.raises(PkiError, match="does not verify"):
        issuer.issue(mine)


@pytest.mark.parametrize("octets", [bytes(16), b"\xff" * 16, b"\x80" + bytes(15)])
def test_a_serial_has_sixteen_octets_and_is_positive(octets: bytes) -> None:
    serial = token(entropy=lambda _size: octets).certificate_serial
    assert serial > 0
    assert len(asn1.integer(serial)) == 2 + 16


def test_a_serial_keeps_126_of_the_random_bits() -> None:
    low = (1 << 126) - 1
    random = 0x0123456789ABCDEF_FEDCBA9876543210
    made = token(entropy=lambda size: random.to_bytes(size, "big")).certificate_serial
    assert made & low == random & low


def test_validity_starts_now_less_five_minutes_and_counts_its_last_second() -> None:
    mine = token(lifetime=timedelta(days=10))
    assert mine.not_before == NOW.replace(microsecond=0) - timedelta(minutes=5)
    assert mine.not_after == mine.not_before + timedelta(days=10) - timedelta(seconds=1)


def test_a_certificate_ends_with_its_issuer_at_the_latest() -> None:
    end = house().issuing.not_after
    late = end - timedelta(days=3)
    assert token(now=late).not_after == end


def test_an_issuer_that_has_expired_issues_nothing() -> None:
    with pytest.raises(LintRefused, match="validity_reversed"):
        token(now=house().issuing.not_after + timedelta(days=1))


def test_an_issuer_that_is_not_valid_yet_issues_nothing() -> None:
    with pytest.raises(LintRefused, match="not_before_in_future"):
        token(now=NOW - timedelta(days=1))


@pytest.mark.parametrize("lifetime", [timedelta(), timedelta(days=-1), timedelta(days=365, seconds=1)])
def test_a_lifetime_beyond_the_profile_is_refused(lifetime: timedelta) -> None:
    with pytest.raises(RequestRefused) as refused:
        token(lifetime=lifetime)
    assert refused.value.field == "lifetime"


def test_a_request_without_proof_gets_no_token() -> None:
    home = house()
    stolen = csr.Request.parse(csr.build(home.device_key, common_name="device-0001"))
    unproven = replace(stolen, signature=stolen.signature[:-1] + bytes([stolen.signature[-1] ^ 1]))
    with pytest.raises(RequestRefused, match="classical_possession_unproven") as refused:
        home.issuer.prepare(DEVICE, DEVICE_FACTS, unproven, now=NOW, entropy=entropy)
    assert refused.value.kind == "refused"
    assert refused.value.field == "signature"


def test_nothing_of_a_request_but_its_keys_is_copied() -> None:
    home = house()
    certificate = Certificate.parse(home.issuer.issue(token()).der)
    assert certificate.subject != home.request.subject
    assert certificate.subject == Certificate.parse(issue().der).subject


REFUSED_INTENTIONS: dict[str, tuple[str, Callable[[], object]]] = {
    "a root under a CA": (
        "issuer.profile_self_issued",
        lambda: house().issuer.prepare(ROOT, CA_FACTS, house().root_key.public, now=NOW, entropy=entropy),
    ),
    "a CA under the issuing CA": (
        "issuer.path_length_exhausted",
        lambda: house().issuer.prepare(
            ISSUING_CA, CA_FACTS, house().device_key.public, now=NOW, entropy=entropy
        ),
    ),
    "the CA's own key": (
        "issuer.key_is_the_issuers",
        lambda: issue(key=house().issuing_key),
    ),
    "an anchor by a profile that needs an issuer": (
        "needs an issuer",
        lambda: self_signed(ISSUING_CA, CA_FACTS, house().issuing_key, now=NOW, entropy=entropy),
    ),
}


@pytest.mark.parametrize("case", REFUSED_INTENTIONS)
def test_what_a_ca_may_not_issue(case: str) -> None:
    message, attempt = REFUSED_INTENTIONS[case]
    with pytest.raises(RequestRefused, match=message):
        attempt()


def test_a_root_with_weak_keys_is_not_made() -> None:
    with pytest.raises(LintRefused, match="key_not_allowed"):
        self_signed(ROOT, CA_FACTS, house().device_key, now=NOW, entropy=entropy)


def test_an_issuer_needs_its_own_keys_and_a_cas_certificate() -> None:
    home = house()
    with pytest.raises(PkiError, match="keys are not"):
        Issuer(home.issuer.certificate, home.root_key, URLS)
    with pytest.raises(PkiError, match="keys are not"):
        Issuer(home.issuer.certificate, HybridPrivateKey(home.issuing_key.classical), URLS)
    device = Certificate.parse(issue().der)
    with pytest.raises(PkiError, match="not a CA's"):
        Issuer(device, home.device_key, URLS)
