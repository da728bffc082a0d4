"""Our own short-lived signers (OCSP responders, registry) made new at a third of their life, at each start.

A crash between the key files and the certificate leaves a pair that does not match; the next start sees
that and makes the pair anew. Not handled here: the CAs, which are renewed in a ceremony.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from pki import profiles
from pki.keys import HybridPrivateKey
from pki.profiles import Profile, SubjectFacts
from pki.tbs import Certificate
from registry.issuance import IssuanceOrder, issue
from registry.model.actor import job
from service import clock
from service.authority import OCSP_ECDSA, OCSP_ML_DSA, REGISTRY, Authority, Signing, certificate_file
from service.home import write_atomically
from service.keystore import KeyWriter
from service.pem import to_pem
from service.runtime import Runtime

_SIGNERS: Final[tuple[tuple[str, str, Profile, str], ...]] = (
    (OCSP_ECDSA, "ocsp_ecdsa", profiles.OCSP_ECDSA, "medtrust OCSP responder"),
    (OCSP_ML_DSA, "ocsp_ml_dsa", profiles.OCSP_ML_DSA, "medtrust OCSP responder PQ"),
    (REGISTRY, "registry", profiles.REGISTRY, "medtrust Registry"),
)


def renewed(authority: Authority, runtime: Runtime, passphrase: bytes, log: Any) -> Authority:  # noqa: ANN401
    """The authority with every due signer replaced, on disk and in memory."""
    for name, member, profile, title in _SIGNERS:
        signing: Signing = getattr(authority, member)
        if not _is_due(signing, runtime):
            continue
        fresh = _make(name, profile, title, authority=authority, runtime=runtime, passphrase=passphrase)
        changed: dict[str, Any] = {member: fresh}
        authority = replace(authority, **changed)
        log.info("signer.renewed", kind=name)
    return authority


def _is_due(signing: Signing, runtime: Runtime) -> bool:
    held, key = signing.certificate, signing.key
    if held.spki != key.classical.public.spki:
        return True
    life = held.not_after - held.not_before
    return held.not_after - runtime.ports.clock() < life * 2 / 3


def _make(
    name: str, profile: Profile, title: str, *, authority: Authority, runtime: Runtime, passphrase: bytes
) -> Signing:
    key = HybridPrivateKey.generate(next(iter(profile.classical)), profile.alternative)
    facts = SubjectFacts(common_name=title, organization=authority.organization)
    order = IssuanceOrder(profile, facts, key.public, profile.lifetime)
    record = issue(order, job("own-signers"), ports=runtime.ports, issuer=authority.issuer).record
    KeyWriter(runtime.home.keys, passphrase, clock.now()).write(name, key)
    write_atomically(certificate_file(runtime.home, name), to_pem(record.der or b""))
    return Signing(Certificate.parse(record.der or b""), key)
