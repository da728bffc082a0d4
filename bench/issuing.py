"""What issuance is measured on: a fleet's requests, the whole durable path, its bound over the same keys."""

from __future__ import annotations

import itertools
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import cast

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, mldsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from bench.house import ACTOR, House
from pki.algorithms import KeyAlgorithm, PrivateKey
from pki.anchor import self_signed
from pki.csr import Request
from pki.csr_build import build
from pki.issuer import Issuer
from pki.keys import HybridPrivateKey
from pki.profiles import Profile, StatusUrls, SubjectFacts, by_name
from pki.providers.openssl import OpenSsl
from pki.providers.oqs_keys import Oqs
from pki.providers.routing import OPENSSL
from pki.tbs import Certificate
from registry.issuance import IssuanceOrder, issue_batch
from registry.pending import facts_of
from registry.ports import in_turn

FLEET = 600
"""More than any cache of pki holds: each request is new to it, as a device's is."""
UNITS = 100
_FLEETS = itertools.count(1)
_HASHES = {"ec-p256": hashes.SHA256(), "ec-p384": hashes.SHA384()}


@dataclass(frozen=True, slots=True)
class Form:
    """One form of certificate: who issues it, and the fleet's requests for it."""

    name: str
    profile: Profile
    issuer: Issuer
    key: HybridPrivateKey
    """The issuer's."""
    orders: tuple[tuple[bytes, SubjectFacts], ...]


def catalyst(house: House, fleet: int = FLEET) -> Form:
    """The home's own issuing CA: P-256 and ML-DSA-65 on both sides."""
    kinds = (KeyAlgorithm.EC_P256, KeyAlgorithm.ML_DSA_65)
    form = Form(
        "P-256 + ML-DSA-65",
        by_name("device"),
        house.authority.issuer,
        house.authority.issuing.key,
        _fleet(house, kinds, fleet),
    )
    return signed_by(OPENSSL, form)


def classical(house: House, kind: KeyAlgorithm, fleet: int = FLEET) -> Form:
    """A classical CA beside it, with keys of one kind on both sides."""
    key = HybridPrivateKey(PrivateKey.generate(kind))
    facts = SubjectFacts(common_name="Bench CA")
    ports = house.ports
    root = self_signed(by_name("root-classical"), facts, key, now=ports.clock(), entropy=ports.entropy)
    urls = StatusUrls(
        ocsp="http://127.0.0.1/ocsp", crl="http://127.0.0.1/crl", ca_issuers="http://127.0.0.1/ca"
    )
    issuer = Issuer(Certificate.parse(root.der), key, urls)
    orders = _fleet(house, (kind, None), fleet)
    return Form(kind.value.upper(), by_name("device-classical"), issuer, key, orders)


def signed_by(provider: OpenSsl | Oqs, form: Form) -> Form:
    """The same CA, its ML-DSA key in that library, whatever the home's settings prefer."""
    if form.key.alternative is None:
        return form
    moved = PrivateKey.held_by(provider, *provider.load_private(form.key.alternative.pkcs8()))
    key = HybridPrivateKey(form.key.classical, moved)
    issuer = Issuer(form.issuer.certificate, key, form.issuer.urls)
    return replace(form, issuer=issuer, key=key)


def _fleet(
    house: House, kinds: tuple[KeyAlgorithm, KeyAlgorithm | None], size: int
) -> tuple[tuple[bytes, SubjectFacts], ...]:
    like = facts_of(house.device(f"F-{os.getpid()}-{next(_FLEETS)}"), house.authority.parts)
    made = []
    for number in range(size):
        facts = replace(like, common_name=f"mtd-fleet-{number:06}", hardware_serial=b"SN%06d" % number)
        key = HybridPrivateKey.generate(*kinds)
        made.append((build(key, common_name=facts.common_name), facts))
    return tuple(made)


def whole(
    house: House, form: Form, batch: int, units: int = UNITS, *, threads: bool = False
) -> Callable[[], int]:
    """`units` certificates in batches: request, proofs, lint, intention, signatures, fact, two commits."""
    ports = house.ports if threads else replace(house.ports, each=in_turn)
    issuer, turn = form.issuer, _fresh(house, form.orders)

    def order() -> IssuanceOrder:
        der, facts = next(turn)
        return IssuanceOrder(form.profile, facts, Request.parse(der), form.profile.lifetime)

    def work() -> int:
        for _ in range(max(1, units // batch)):
            issue_batch([order() for _ in range(batch)], ACTOR, ports=ports, issuer=issuer)
        return max(1, units // batch) * batch

    return work


def _fresh(
    house: House, orders: Sequence[tuple[bytes, SubjectFacts]]
) -> Iterator[tuple[bytes, SubjectFacts]]:
    """The fleet again and again; its keys are forgotten in between, for a key comes once in life."""
    path = house.home.root / "registry.db"
    with closing(sqlite3.connect(path, timeout=10, check_same_thread=False)) as connection:
        while True:
            yield from orders
            with connection:
                connection.execute("DELETE FROM certificate_key")


def bound(form: Form, units: int = UNITS) -> Callable[[], int]:
    """The library's own work: a request's keys loaded and its proofs verified, and the CA's signatures."""
    sample = _sample(form)
    turn = itertools.cycle([Request.parse(der) for der, _ in form.orders])

    def work() -> int:
        for _ in range(units):
            _prove(next(turn))
            if form.key.alternative is not None:
                form.key.alternative.sign(sample.pre_tbs)
            form.key.classical.sign(sample.signed.tbs)
        return units

    return work


def signatures(form: Form, units: int = UNITS) -> Callable[[], int]:
    """The CA's signatures alone."""
    sample = _sample(form)

    def work() -> int:
        for _ in range(units):
            if form.key.alternative is not None:
                form.key.alternative.sign(sample.pre_tbs)
            form.key.classical.sign(sample.signed.tbs)
        return units

    return work


def _sample(form: Form) -> Certificate:
    """One of its certificates, for the bytes."""
    der, facts = form.orders[0]
    now = datetime.now(UTC)
    token = form.issuer.prepare(form.profile, facts, Request.parse(der), now=now, entropy=os.urandom)
    return Certificate.parse(form.issuer.issue(token).der)


def _prove(request: Request) -> None:
    classical = load_der_public_key(request.public.classical.spki)
    hash_ = _HASHES[request.public.classical.algorithm.value]
    cast(ec.EllipticCurvePublicKey, classical).verify(request.signature, request.info, ec.ECDSA(hash_))
    if request.public.alternative is not None:
        alternative = load_der_public_key(request.public.alternative.spki)
        proof = request.alternative
        cast(mldsa.MLDSA65PublicKey, alternative).verify(proof.signature or b"", proof.signed)
