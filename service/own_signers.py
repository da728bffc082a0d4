"""Our own short-lived signers (OCSP responders, registry) made new at a third of their life.

At each start, and by a job while the process runs. A crash between the key files and the certificate leaves
a pair that does not match; the next look sees that and makes the pair anew. Not handled here: the CAs,
which are renewed in a ceremony.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pki import profiles
from pki.issuer import Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import Profile, SubjectFacts
from pki.second_opinion import ready_pair
from pki.tbs import Certificate
from registry.issuance import IssuanceOrder, issue
from registry.model.actor import Actor, job
from registry.ports import Ports
from service import clock
from service.authorities import CaState, read_authorities
from service.authority import REGISTRY, Authority, OpenCa, Signing, certificate_file, responder_names
from service.home import Home, write_atomically
from service.keystore import KeyWriter
from service.pem import to_pem
from service.runtime import Runtime

RESPONDERS = (
    (profiles.OCSP_ECDSA, "medtrust OCSP responder"),
    (profiles.OCSP_ML_DSA, "medtrust OCSP responder PQ"),
)
"""The responders of a CA, in the order of their names."""
REGISTRY_TITLE = "medtrust Registry"


def renewed(authority: Authority, runtime: Runtime, passphrase: bytes, log: Any) -> Authority:  # noqa: ANN401
    """The authority with every due signer replaced, on disk and in memory; the same one where none is due."""
    writer: list[KeyWriter] = []

    def make(name: str, profile: Profile, title: str, ca: OpenCa) -> Signing:
        if not writer:  # the sealing key costs a tenth of a second, and most looks find nothing due
            writer.append(KeyWriter(runtime.home.keys, passphrase, clock.now()))
        facts = SubjectFacts(common_name=title, organization=authority.organization)
        made = certify(
            name, profile, facts, ca.issuer, actor=job("own-signers"), ports=runtime.ports, writer=writer[0]
        )
        keep_certificate(runtime.home, name, made.certificate)
        log.info("signer.renewed", kind=name)
        return replace(made, key=ready_pair(made.key, runtime.settings.key_use))

    def fresh(ca: OpenCa) -> OpenCa:
        held = (ca.ocsp_ecdsa, ca.ocsp_ml_dsa)
        named = zip(responder_names(ca.name), held, RESPONDERS, strict=True)
        ecdsa, ml_dsa = (
            make(name, profile, title, ca) if _is_due(signing, runtime) else signing
            for name, signing, (profile, title) in named
        )
        if (ecdsa, ml_dsa) == held:
            return ca
        return replace(ca, ocsp_ecdsa=ecdsa, ocsp_ml_dsa=ml_dsa)

    # What was distrusted while this process runs signs nothing more: the other CAs' signers go on.
    ended = {e.name for e in read_authorities(runtime.home) if e.state is CaState.DISTRUSTED}
    cas = tuple(ca if ca.name in ended else fresh(ca) for ca in authority.cas)
    registry = authority.registry
    # The registry proves itself by the default CA: after a rollover that is another one.
    astray = registry.certificate.issuer != authority.issuing.certificate.subject
    if astray or _is_due(registry, runtime):
        registry = make(REGISTRY, profiles.REGISTRY, REGISTRY_TITLE, authority.default)
    if cas == authority.cas and registry == authority.registry:
        return authority
    return replace(authority, cas=cas, registry=registry)


def certify(
    name: str,
    profile: Profile,
    facts: SubjectFacts,
    issuer: Issuer,
    *,
    actor: Actor,
    ports: Ports,
    writer: KeyWriter,
) -> Signing:
    """A signer of our own: a new key, its certificate, and the key sealed under the name."""
    key = HybridPrivateKey.generate(profile.main[0], profile.alternative)
    order = IssuanceOrder(profile, facts, key.public, profile.lifetime)
    record = issue(order, actor, ports=ports, issuer=issuer).record
    writer.write(name, key)
    return Signing(Certificate.parse(record.der or b""), key)


def keep_certificate(home: Home, name: str, certificate: Certificate) -> None:
    """One of our own certificates, in the home."""
    write_atomically(certificate_file(home, name), to_pem(certificate.der))


def _is_due(signing: Signing, runtime: Runtime) -> bool:
    held, key = signing.certificate, signing.key
    if held.spki != key.classical.public.spki:
        return True
    life = held.not_after - held.not_before
    return held.not_after - runtime.ports.clock() < life * 2 / 3
