"""How many paths a second a relying party judges: a new peer under a known CA and a pinned root."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle

from bench.figures import Figure, Goal, Report
from bench.timing import by_turns
from pki import asn1, extensions, names, oids, tbs
from pki.algorithms import KeyAlgorithm
from pki.bundle import TrustAnchor, TrustBundle
from pki.extensions import Extension, KeyUsage
from pki.identity_extensions import device_names
from pki.keys import HybridPrivateKey
from pki.path import VerifyPolicy, verify_bytes
from pki.tbs import Certificate, read_alternative

_NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
_LEAVES, _TURN = 400, 100
_GOAL = Goal(least=0.46, on_ratio=True)
"""2,500 paths a second on the design's machine, whose two verifications alone make 5,460."""


def measure() -> Report:
    """The whole path against its two signature verifications alone, by turns."""
    keys = {
        name: HybridPrivateKey.generate(KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
        for name in ("root", "issuing", "leaf")
    }
    root = _certificate("Root", "Root", keys["root"], keys["root"], ca=True)
    issuing = _certificate("Issuing", "Root", keys["issuing"], keys["root"], ca=True)
    leaves = [
        _certificate(f"pump-{n}", "Issuing", keys["leaf"], keys["issuing"], serial=n) for n in range(_LEAVES)
    ]
    bundle = TrustBundle(1, _NOW, (TrustAnchor.of(root),), (issuing.der,))
    whole, bound, parsed = (
        _whole([c.der for c in leaves], bundle),
        _bound(leaves, keys["issuing"]),
        _parsed([c.der for c in leaves]),
    )
    path, parse = by_turns(whole, bound, turns=21), by_turns(whole, parsed, turns=5)
    return Report(
        [
            Figure(
                "catalyst paths judged, peer cold, CA and root known",
                path.rate,
                "/s",
                "P-256 and ML-DSA-65 verification alone",
                path.limit_rate,
                paired_ratio=path.cpu_ratio,
                goal=_GOAL,
            ),
        ],
        [f"reading the peer's certificate is {1 / parse.cpu_ratio:.1f} times less than judging it"],
    )


def _whole(leaves: list[bytes], bundle: TrustBundle) -> Callable[[], int]:
    policy, turn = VerifyPolicy(revocation="off", purpose=oids.EKU_CLIENT_AUTH), cycle(leaves)

    def work() -> int:
        for _ in range(_TURN):
            verdict = verify_bytes(next(turn), bundle=bundle, now=_NOW, policy=policy)
            assert verdict.status == "hybrid-valid", verdict.findings
        return _TURN

    return work


def _bound(leaves: list[Certificate], key: HybridPrivateKey) -> Callable[[], int]:
    public, prepared = key.public, [(c.signed, read_alternative(c.extensions)[0], c.pre_tbs) for c in leaves]
    turn = cycle(prepared)

    def work() -> int:
        for _ in range(_TURN):
            signed, found, pre_tbs = next(turn)
            assert found is not None
            assert public.alternative is not None
            assert public.classical.verify(signed.algorithm, signed.signature, signed.tbs)
            assert public.alternative.verify(found.algorithm, found.value, pre_tbs)
        return _TURN

    return work


def _parsed(leaves: list[bytes]) -> Callable[[], int]:
    turn = cycle(leaves)

    def work() -> int:
        for _ in range(_TURN):
            Certificate.parse(next(turn))
        return _TURN

    return work


def _certificate(
    name: str,
    issuer: str,
    key: HybridPrivateKey,
    signer: HybridPrivateKey,
    *,
    ca: bool = False,
    serial: int = 0,
) -> Certificate:
    usages = (KeyUsage.KEY_CERT_SIGN, KeyUsage.CRL_SIGN) if ca else (KeyUsage.DIGITAL_SIGNATURE,)
    listed = [
        extensions.basic_constraints(ca=ca),
        extensions.key_usage(*usages),
        extensions.subject_key_identifier(key.classical.public.key_identifier),
        extensions.authority_key_identifier(signer.classical.public.key_identifier),
        *([] if ca else _of_devices(name)),
    ]
    assert key.alternative is not None
    assert signer.alternative is not None
    listed.append(tbs.subject_alt_public_key_info(key.alternative.public.spki))
    listed.append(tbs.alt_signature_algorithm(signer.alternative.signs_with))
    validity = asn1.sequence(asn1.time(_NOW - timedelta(days=1)), asn1.time(_NOW + timedelta(days=365)))
    subject = names.encode(common_name=name) + key.classical.public.spki
    body = names.encode(common_name=issuer) + validity + subject
    head = asn1.explicit(0, asn1.integer(2)) + asn1.integer((1 << 119) + serial)
    return Certificate.parse(tbs.sign(tbs.Unsigned(head, body, tuple(e.encode() for e in listed), 3), signer))


def _of_devices(name: str) -> list[Extension]:
    """What a device's certificate carries besides."""
    found = [
        extensions.extended_key_usage(oids.EKU_CLIENT_AUTH),
        extensions.crl_distribution_points(["http://status.example/crl/issuing.crl"]),
        extensions.authority_information_access(
            ocsp="http://status.example/ocsp", ca_issuers="http://status.example/ca/issuing.der"
        ),
    ]
    described = device_names(("gs1", "09521000000018"), name.encode())
    return [*found, described] if described else found
