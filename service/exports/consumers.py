"""What each consumer wants: its files, its configuration, and how it takes a newer list into use.

A table of functions from what is trusted to files by name. All of them check classical signatures only;
the README of each folder says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

from pki import crl
from pki.name_hash import name_hash
from service.exports import words
from service.exports.gathered import Trusted
from service.pem import to_pem

Files = dict[str, bytes]
TRUSTSTORE_PASSWORD: Final = "changeit"  # noqa: S105 - Java's custom; the store holds certificates, no secret


class Consumer(StrEnum):
    """Whom the folder is for."""

    MOSQUITTO = "mosquitto"
    FREERADIUS = "freeradius"
    NGINX = "nginx"
    JAVA = "java"
    OPENSSL = "openssl"
    """Whatever reads OpenSSL's folders by hash: stunnel, Apache, Postfix, s_client."""

    @property
    def reads_post_quantum(self) -> bool:
        """Whether it knows ML-DSA certificates (JDK 24 on); Debian's programs sit on OpenSSL 3.0."""
        return self is Consumer.JAVA


def files_for(consumer: Consumer, trusted: Trusted, folder: Path) -> Files:
    """Files by their name below `folder`, which the configuration names."""
    return _WANTS[consumer](trusted.readable(post_quantum=consumer.reads_post_quantum), folder)


def _mosquitto(trusted: Trusted, folder: Path) -> Files:
    return {**_flat(trusted), "mosquitto.conf": words.MOSQUITTO.format(folder=folder).encode()}


def _nginx(trusted: Trusted, folder: Path) -> Files:
    depth = len(trusted.cas)
    return {**_flat(trusted), "nginx.conf": words.NGINX.format(folder=folder, depth=depth).encode()}


def _freeradius(trusted: Trusted, folder: Path) -> Files:
    # It takes any certificate in the folder for an anchor, and then finds no issuer for the list above it.
    return {**_hashed(trusted, roots_only=True), "eap.conf": words.FREERADIUS.format(folder=folder).encode()}


def _openssl(trusted: Trusted, folder: Path) -> Files:
    return {**_hashed(trusted), **_flat(trusted), "openssl.txt": words.OPENSSL.format(folder=folder).encode()}


def _java(trusted: Trusted, folder: Path) -> Files:
    stored = [
        PKCS12Certificate(x509.load_der_x509_certificate(ca.certificate.der), f"medtrust-{ca.name}".encode())
        for ca in trusted.roots
    ]
    store = serialize_java_truststore(stored, BestAvailableEncryption(TRUSTSTORE_PASSWORD.encode()))
    lists = {f"crl/{ca.name}.crl": ca.crl for ca in trusted.cas if ca.crl}
    options = words.JAVA.format(folder=folder, password=TRUSTSTORE_PASSWORD)
    return {"truststore.p12": store, **lists, "java.options": options.encode()}


def _flat(trusted: Trusted) -> Files:
    """All certificates in one file and all lists in another, PEM."""
    lists = "".join(crl.to_pem(ca.crl) for ca in trusted.cas if ca.crl)
    return {"ca.pem": to_pem(*(ca.certificate.der for ca in trusted.cas)), "crl.pem": lists.encode()}


def _hashed(trusted: Trusted, *, roots_only: bool = False) -> Files:
    """OpenSSL's folder: HASH.n a certificate, HASH.rn a list, n counting those of one name."""
    files: Files = {}
    for ca in trusted.cas:
        digest = name_hash(ca.certificate.subject)
        if ca.is_root or not roots_only:
            files[_free(f"ca/{digest}.", files)] = to_pem(ca.certificate.der)
        if ca.crl:
            files[_free(f"ca/{digest}.r", files)] = crl.to_pem(ca.crl).encode()
    return files


def _free(stem: str, taken: Files) -> str:
    return next(name for name in (f"{stem}{number}" for number in count()) if name not in taken)


_WANTS: Final[Mapping[Consumer, Callable[[Trusted, Path], Files]]] = MappingProxyType(
    {
        Consumer.MOSQUITTO: _mosquitto,
        Consumer.FREERADIUS: _freeradius,
        Consumer.NGINX: _nginx,
        Consumer.JAVA: _java,
        Consumer.OPENSSL: _openssl,
    }
)
