"""What the fuzzers feed: every parser of the PKI that reads bytes of strangers, with good inputs to begin.

A target may refuse with the PKI's own typed error. Whatever else it raises is a defect.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from pki import (
    bundle,
    chameleon,
    csr,
    csr_build,
    envelope,
    name_constraints,
    names,
    oids,
    path,
    path_rules,
    profiles,
)
from pki.algorithms import KeyAlgorithm, SignatureAlgorithm
from pki.cert_id import CertId
from pki.constraint_extensions import NameConstraints, Subtrees
from pki.constraint_extensions import name_constraints as name_constraints_extension
from pki.crl_checks import verify_crl
from pki.crl_list import CertificateList
from pki.csr_build import Holder
from pki.errors import PkiError
from pki.findings import Severity
from pki.keys import HybridPrivateKey, HybridPublicKey
from pki.ocsp import verify_response
from pki.ocsp_parse import parse_response
from pki.ocsp_request import OcspRequest, build_request
from pki.ocsp_response import Good, Responder, SingleAnswer, build_response
from pki.request_rules import check_request
from pki.tbs import Certificate, read_alternative, seal
from tests.unit.pki import path_fixtures as fixtures
from tests.unit.pki import status_fixtures as status
from tests.unit.pki.test_chameleon import base_with, delta_of, described

NOW: Final = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
_CHAIN: Final = (fixtures.DEVICE, fixtures.ISSUING, fixtures.ROOT)
ISSUER: Final = HybridPublicKey(fixtures.ISSUING.public_key, fixtures.ISSUING.alternative_public_key)


@dataclass(frozen=True)
class Target:
    """A parser under attack."""

    name: str
    feed: Callable[[bytes], object]
    """May raise PkiError, nothing else."""
    seeds: Callable[[], Iterable[bytes]]

    def survives(self, data: bytes) -> bool:
        """Whether the input was taken (else it was refused); anything but a typed error passes through."""
        try:
            self.feed(data)
        except PkiError as refused:
            if not refused.problem or not str(refused):
                raise AssertionError("a refusal without a sentence") from refused
            return False
        return True


def _certificate(data: bytes) -> None:
    found = Certificate.parse(data)
    read_alternative(found.extensions)
    names.show(found.subject)
    path_rules.keys_of(found)
    path_rules.key_usages(found)
    path_rules.authority_key(found)
    chameleon.delta_certificate(found)
    constraints = found.extension(oids.NAME_CONSTRAINTS)
    if constraints is not None:
        name_constraints.read(constraints)


class _Invalid(PkiError):
    """The verifier's answer, where it is no: for it, this is a refusal."""


def _verify(data: bytes) -> None:
    policy = path.VerifyPolicy(revocation="if_available")
    verdict = path.verify_bytes(
        data, bundle=fixtures.BUNDLE, now=NOW, intermediates=[data], crls=[data], policy=policy
    )
    crashed = [f for f in verdict.findings if f.severity is Severity.FATAL]
    if crashed:
        raise AssertionError(crashed[0].message)
    if not verdict.is_valid:
        raise _Invalid(verdict.findings[0].message)


def _list(data: bytes) -> None:
    found = CertificateList.parse(data)
    verify_crl(found, ISSUER)
    for entry in found.entries():
        found.revoked(entry.certificate_serial)


def _request(data: bytes) -> None:
    found = csr.Request.parse(csr.der_from_pem_or_der(data))
    csr.verify_possession(found)
    facts = profiles.SubjectFacts(common_name="mtd-0001", organization="Hospital")
    check_request(found, profiles.DEVICE, facts)


def _response(data: bytes) -> None:
    verify_response(parse_response(data), _question(), fixtures.ISSUING, NOW)


def _signed_certificate(tbs: bytes) -> None:
    """Whatever a CA that went mad might sign: the signature holds, the rest is the input's."""
    algorithm = fixtures.keys("issuing").classical.signs_with
    _verify(seal(tbs, algorithm, fixtures.keys("issuing").classical.sign(tbs)))


def _signed_list(tbs: bytes) -> None:
    algorithm = fixtures.keys("issuing").classical.signs_with
    der = seal(tbs, algorithm, fixtures.keys("issuing").classical.sign(tbs))
    _list(der)
    path.verify(fixtures.DEVICE, bundle=fixtures.BUNDLE, now=NOW, crls=[der])


def _question() -> CertId:
    return CertId.of(fixtures.ISSUING, fixtures.DEVICE.serial)


def _envelope(data: bytes) -> None:
    envelope.read_header(data)


def _profile(data: bytes) -> None:
    found = profiles.own(data.decode("utf-8", "replace"))
    re.fullmatch(found.common_name, "a-" * 31 + "!")


def _bundle(data: bytes) -> None:
    bundle.open_bundle(data, pinned_fingerprint=None)


@lru_cache(maxsize=4)
def _one_key(kind: KeyAlgorithm) -> HybridPrivateKey:
    return HybridPrivateKey.generate(kind, None)


@lru_cache(maxsize=1)
def _chameleon() -> bytes:
    return base_with(described(delta_of(), explicit=False)).der


@lru_cache(maxsize=1)
def _constrained() -> bytes:
    inside = Subtrees(dns=("hospital.example",), ip=("10.0.0.0/8",), directory=(fixtures.name("Hospital"),))
    extension = name_constraints_extension(
        NameConstraints(permitted=inside, excluded=Subtrees(uri=(".example",)))
    )
    return fixtures.issuing_recipe(extra=(extension,)).make().der


def _holder() -> Holder:
    return Holder(fixtures.DEVICE, fixtures.keys("device").classical)


@lru_cache(maxsize=1)
def _good_response() -> bytes:
    key = status.responder_key(status.KeyAlgorithm.EC_P256)
    responder = Responder(status.responder_certificate(), key.classical)
    answer = SingleAnswer(_question().der, Good(), NOW, NOW + fixtures.DAY)
    return build_response(answers=[answer], responder=responder, produced_at=NOW, nonce=bytes(32))


def _question_der() -> bytes:
    preferred = (SignatureAlgorithm.ML_DSA_65,)
    return build_request(fixtures.DEVICE, fixtures.ISSUING, nonce=bytes(32), preferred=preferred)


TARGETS: Final = {
    target.name: target
    for target in (
        Target("certificate", _certificate, lambda: [*(c.der for c in _CHAIN), _chameleon(), _constrained()]),
        Target("verify", _verify, lambda: [c.der for c in _CHAIN]),
        Target("crl", _list, lambda: [status.crl_der(), status.crl_der((), number=9, base=7)]),
        Target(
            "request",
            _request,
            lambda: [
                csr_build.build(fixtures.keys("device"), common_name="mtd-0001"),
                csr.to_pem(csr_build.build(fixtures.keys("plain", None), common_name="mtd-0001")),
                csr_build.build(_one_key(KeyAlgorithm.MLDSA65_ECDSA_P256_SHA512), common_name="mtd-0001"),
                csr_build.build(
                    _one_key(KeyAlgorithm.ML_DSA_65), common_name="mtd-0001", bound_to=(_holder(), NOW)
                ),
                csr_build.build_for_kem(
                    _one_key(KeyAlgorithm.ML_KEM_768).classical.public,
                    common_name="mtd-0001",
                    stated_by=_holder(),
                ),
            ],
        ),
        Target("signed-certificate", _signed_certificate, lambda: [fixtures.DEVICE.signed.tbs]),
        Target("signed-crl", _signed_list, lambda: [CertificateList.parse(status.crl_der()).tbs]),
        Target("ocsp-request", OcspRequest.parse, lambda: [_question_der()]),
        Target("ocsp-response", _response, lambda: [_good_response()]),
        Target("trust-bundle", _bundle, lambda: [bundle.sign_bundle(fixtures.BUNDLE, fixtures.keys("root"))]),
        Target("envelope", _envelope, lambda: [_sealed()]),
        Target(
            "profile",
            _profile,
            lambda: [
                profiles.built_in_text(name).encode() for name in ("device", "root", "server", "offline-ca")
            ],
        ),
    )
}


@lru_cache(maxsize=1)
def _sealed() -> bytes:
    quick = envelope.KdfParameters(n=2**4)
    sealer = envelope.Sealer(b"correct horse battery", quick, bytes(16), floor=quick)
    return sealer.seal(b"secret", "issuing.classical", NOW, bytes)
