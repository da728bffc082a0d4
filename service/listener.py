"""The broker's own TLS identity: a server certificate, made new before it gets old, and what it trusts."""

from __future__ import annotations

import hashlib
import ipaddress
import socket
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
)

from mqtt_bridge.broker.interface import Address
from mqtt_bridge.requests import Owner
from pki import profiles
from pki.algorithms import KeyAlgorithm
from pki.crl import to_pem as crl_to_pem
from pki.errors import PkiError
from pki.keys import HybridPrivateKey
from pki.profiles import SubjectFacts
from registry.issuance import IssuanceOrder, issue
from registry.model.actor import job
from service.authority import Authority
from service.errors import ServiceError
from service.home import make_private, read_secret, write_atomically, write_private
from service.pem import read_certificate, to_pem
from service.runtime import Runtime

LIFETIME: Final = timedelta(days=90)
_NEW_WHEN_LEFT: Final = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class BrokerFiles:
    """PEM files for a broker's TLS listeners."""

    ca: Path
    certificate: Path
    key: Path
    crl: Path


def broker_files(runtime: Runtime, authority: Authority) -> BrokerFiles:
    """The files in home/listener, with a certificate that has two thirds of its life before it."""
    folder = make_private(runtime.home.root / "listener")
    files = BrokerFiles(folder / "ca.pem", folder / "server.pem", folder / "server.key", folder / "crl.pem")
    if not _still_good(files, runtime, authority):
        _make(files, runtime, authority)
    trusted = dict.fromkeys(
        (*(anchor.der for anchor in authority.anchors), *(der for ca in authority.cas for der in ca.chain))
    )
    write_atomically(files.ca, to_pem(*trusted))
    with runtime.store.read() as uow:
        lists = [uow.lists.latest(ca.name) for ca in authority.cas]
    if None in lists:
        raise ServiceError(
            "A CA's revocation list was never signed.", next_step="medtrust crl publish.", field="crl"
        )
    write_atomically(files.crl, "".join(crl_to_pem(each.der) for each in lists if each).encode())
    return files


def owner_of(authority: Authority) -> Owner:
    """Who proves to devices that this is their hospital."""
    issuing, registry = authority.default, authority.registry
    chain = (registry.certificate.der, *issuing.chain)
    return Owner(registry.key, chain, issuing.signing.certificate.fingerprint)


def _still_good(files: BrokerFiles, runtime: Runtime, authority: Authority) -> bool:
    try:
        held = read_certificate(files.certificate)
        read_secret(files.key, what="broker key")
    except (ServiceError, PkiError):
        return False
    named = _names(files).read_text().splitlines() if _names(files).exists() else []
    fresh = held.not_after - runtime.ports.clock() > _NEW_WHEN_LEFT
    return fresh and named == _wanted(runtime, authority)


def _names(files: BrokerFiles) -> Path:
    return files.certificate.with_name("names")


def _wanted(runtime: Runtime, authority: Authority) -> list[str]:
    chain = [hashlib.sha256(der).hexdigest() for der in authority.default.chain]
    return [*chain, *runtime.settings.server_names]


def _make(files: BrokerFiles, runtime: Runtime, authority: Authority) -> None:
    key = HybridPrivateKey.generate(KeyAlgorithm.EC_P256, None)
    names = runtime.settings.server_names
    facts = SubjectFacts(
        common_name="medtrust broker",
        organization=authority.organization,
        dns_names=tuple(name for name in names if not _is_ip(name)),
        ip_addresses=tuple(name for name in names if _is_ip(name)),
    )
    order = IssuanceOrder(profiles.SERVER, facts, key.public, LIFETIME)
    record = issue(order, job("listener"), ports=runtime.ports, issuer=authority.issuer).record
    # The broker is another process and reads its key in clear: 0600, short-lived, good for nothing else.
    private = load_der_private_key(key.classical.pkcs8(), None)
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    write_private(files.key, pem)
    write_private(files.certificate, to_pem(record.der or b"", *authority.default.chain))
    write_private(_names(files), "\n".join(_wanted(runtime, authority)).encode())


def _is_ip(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def bindable(address: Address) -> Address:
    """Port 0 means a free one, which the broker's plan must name."""
    if address.port:
        return address
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.bind((address.host, 0))
        return Address(address.host, probe.getsockname()[1])
