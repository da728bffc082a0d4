"""OCSP requests for a fleet, with SHA-1 CertIDs as JDK, openssl and nginx send them; one asked and read."""

from __future__ import annotations

import base64
import http.client
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote, urlsplit

from cryptography.x509 import ocsp

from bench.fleet import SERIAL_OCTETS
from bench.house import House
from bench.load import Corpus
from pki import oids
from pki.ocsp import build_request

PATH = "/ocsp"
_NONCE_OCTETS = 32
_SEED = 4


@dataclass(frozen=True, slots=True)
class Questions:
    """Requests about certificates of a home's issuing CA. They differ in serial and nonce only."""

    home: House
    serials: Sequence[int]

    def request(self, serial: int, nonce: bytes | None = None) -> bytes:
        """One OCSPRequest, DER."""
        issuer = self.home.authority.issuing.certificate
        return build_request(replace(issuer, serial=serial), issuer, hash_oid=oids.SHA1, nonce=nonce)

    def posts(self, count: int) -> Corpus:
        """Bodies about certificates drawn at random from all."""
        return Corpus.of(self.home.folder / "post", self._requests(count))

    def gets(self, count: int) -> Corpus:
        """The same as paths."""
        return Corpus.of(self.home.folder / "get", map(get_path, self._requests(count)))

    def nonces(self, count: int) -> Corpus:
        """Bodies with a nonce of 32 octets each."""
        return Corpus.of(self.home.folder / "nonce", self._requests(count, _NONCE_OCTETS))

    def _requests(self, count: int, nonce_octets: int = 0) -> Iterator[bytes]:
        # A request of this project is built once; only its octets of serial and nonce change.
        first = self.serials[0].to_bytes(SERIAL_OCTETS, "big")
        nonce = os.urandom(nonce_octets)
        pattern = self.request(self.serials[0], nonce or None)
        if pattern.count(first) != 1 or (nonce and pattern.count(nonce) != 1):
            raise RuntimeError("a request does not hold its serial and nonce once each")
        for serial in random.Random(_SEED).choices(self.serials, k=count):
            body = pattern.replace(first, serial.to_bytes(SERIAL_OCTETS, "big"))
            yield body.replace(nonce, os.urandom(nonce_octets)) if nonce else body


def get_path(request: bytes) -> str:
    """How a request is put into a URL (RFC 6960 A.1)."""
    return quote(base64.b64encode(request).decode(), safe="")


def ask(url: str, request: bytes) -> bytes:
    """The answer's body; RuntimeError where it is not a 200, OSError where nobody listens."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=30)
    try:
        connection.request("POST", place.path, request, {"Content-Type": "application/ocsp-request"})
        answer = connection.getresponse()
        body = answer.read()
    finally:
        connection.close()
    if answer.status != 200:
        raise RuntimeError(f"{url} answered {answer.status}: {body[:200]!r}")
    return body


def status_in(answer: bytes) -> ocsp.OCSPCertStatus:
    """What it says of the certificate; RuntimeError where it is an error in OCSP's own words."""
    read = ocsp.load_der_ocsp_response(answer)
    if read.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise RuntimeError(f"OCSP answered {read.response_status.name}")
    return read.certificate_status


def must_be_good(url: str, request: bytes) -> bytes:
    """The answer, which says good."""
    answer = ask(url, request)
    if (status := status_in(answer)) is not ocsp.OCSPCertStatus.GOOD:
        raise RuntimeError(f"{url} says {status.name}, not good")
    return answer
