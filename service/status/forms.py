"""Answers about one CA's certificates that are named in one way: signed ahead, kept small, given quickly.

What is kept of a signed answer is a record of about 110 octets: when it was made, its digest, the status and
the signature. All else follows from the form, the serial and the moment.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Final, NamedTuple

from pki import asn1
from pki.cert_id import CertId
from pki.der_time import octets_of
from pki.ocsp import Responder
from pki.ocsp_request import nonce_extension
from pki.ocsp_template import AnswerTemplate, id_head_of
from pki.tbs import Certificate
from service.authority import Signing
from service.status.answers import NO_STORE, Quick, lines, validity

RESPONSE_TYPE: Final = b"application/ocsp-response"
MAX_AGE: Final = 60
"""Seconds that HTTP caches between us and a client may keep an answer."""
GOOD_OCTETS: Final = b"\x80\x00"
_HEAD: Final = Struct(">I32s")
_MOST_MOMENTS: Final = 8192
_OF_NONCE: Final = lines((NO_STORE,))


class Moment(NamedTuple):
    """What answers that are made in one second share."""

    now: bytes
    until: bytes
    """GeneralizedTime's content: thisUpdate and nextUpdate."""
    give_until: float
    """Seconds since 1970 at which half of their life is over."""
    lapses: float
    header_lines: bytes


class AnswerForm:
    """What a CA's classical delegate says of certificates named with one digest. Belongs to one thread."""

    def __init__(self, signing: Signing, issuer: Certificate, id_head: bytes, lifetime: timedelta) -> None:
        self._key = signing.key.classical
        self.id_head: Final = id_head
        self._template = AnswerTemplate(Responder(signing.certificate, self._key), id_head)
        self._lifetime = lifetime
        self.ends: Final = min(signing.certificate.not_after, issuer.not_after)
        tail = self.tail = self._template.tail
        fixed = (tail, id_head, octets_of(self.ends), str(lifetime).encode())
        self.mark: Final = hashlib.sha256(b"".join(fixed)).digest()[:4]
        """Names the form: records under it were made by just this delegate, for just this lifetime."""
        self._moments: dict[int, Moment] = {}
        self._sizes: dict[int, bytes] = {}
        self._nonces: dict[int, bytes] = {}

    def moment(self, second: int) -> Moment:
        """What answers made in that second since 1970 share."""
        found = self._moments.get(second)
        if found is None:
            if len(self._moments) >= _MOST_MOMENTS:
                self._moments.clear()
            found = self._moments[second] = self._make_moment(second)
        return found

    def record(self, serial: bytes, status: bytes, second: int) -> bytes:
        """A signed answer as it is kept; the delegate must be alive then (`ends`)."""
        moment = self.moment(second)
        tbs = self._template.tbs(serial, status, moment.now, moment.until)
        signature = self._key.sign(tbs)
        digest = hashlib.sha256(self._template.response(tbs, signature))
        digest.update(self.tail)
        return b"".join((_HEAD.pack(second, digest.digest()), status, signature))

    def kept(self, serial: bytes, record: bytes, now: float) -> Quick | None:
        """The answer from its record, in the first half of its life."""
        second, digest = _HEAD.unpack_from(record)
        moment = self.moment(second)
        if not second - 1 <= now < moment.give_until:
            return None
        body = self._body(serial, record, moment)
        head = b'etag: "%b"\r\n%b%b' % (digest.hex().encode(), moment.header_lines, self._size(len(body)))
        return head, body, self.tail

    def response(self, serial: bytes, record: bytes) -> bytes:
        """The whole response, for whoever writes it to a file."""
        return self._body(serial, record, self.moment(made_at(record))) + self.tail

    def signed_now(self, serial: bytes, status: bytes, nonce: bytes, now: float) -> Quick | None:
        """An answer for one asker; None once the delegate is over."""
        moment = self.moment(int(now))
        if moment.lapses <= now:
            return None
        tbs = self._template.tbs(serial, status, moment.now, moment.until, self._nonce(nonce))
        body = self._template.response(tbs, self._key.sign(tbs))
        return self._size(len(body)) + _OF_NONCE, body, self.tail

    def _body(self, serial: bytes, record: bytes, moment: Moment) -> bytes:
        status_end = _HEAD.size + 2 + record[_HEAD.size + 1]
        status, signature = record[_HEAD.size : status_end], record[status_end:]
        return self._template.whole(serial, status, moment.now, moment.until, signature)

    def _make_moment(self, second: int) -> Moment:
        begin = datetime.fromtimestamp(second, UTC)
        until = min(begin + self._lifetime, self.ends)
        half = (until - begin).total_seconds() / 2
        headers = validity(begin, int(min(MAX_AGE, half)), until)
        return Moment(octets_of(begin), octets_of(until), second + half, until.timestamp(), lines(headers))

    def _size(self, own: int) -> bytes:
        found = self._sizes.get(own)
        if found is None:
            size = b"%d" % (own + len(self.tail))
            found = self._sizes[own] = lines(((b"content-type", RESPONSE_TYPE), (b"content-length", size)))
        return found

    def _nonce(self, nonce: bytes) -> bytes:
        head = self._nonces.get(len(nonce))
        if head is None:
            whole = asn1.explicit(1, asn1.sequence(nonce_extension(bytes(len(nonce))).encode()))
            head = self._nonces[len(nonce)] = whole[: len(whole) - len(nonce)]
        return head + nonce


def status_in(record: bytes) -> bytes:
    """The CertStatus of a record, DER."""
    return record[_HEAD.size : _HEAD.size + 2 + record[_HEAD.size + 1]]


def made_at(record: bytes) -> int:
    """The second since 1970 in which a record was made."""
    second: int = _HEAD.unpack_from(record)[0]
    return second


def form_of(signing: Signing, issuer: Certificate, digest: str, lifetime: timedelta) -> AnswerForm:
    """The form for CertIDs with that digest, as most clients write them (with NULL)."""
    return AnswerForm(signing, issuer, id_head_of(CertId.of(issuer, 1, digest)), lifetime)
