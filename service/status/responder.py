"""The OCSP responder (RFC 6960, 5019, 9654) for one CA's certificates: request octets to an answer.

A serial that was never issued is answered `revoked`, on hold since 1970, with the extended-revoke extension
(RFC 6960 2.2): signed, so nobody between can forge it away, and a client that fails open on `unauthorized`
still refuses. Certificates of other issuers: `unauthorized`, or `unknown` beside one of ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from concurrent.futures import Executor
from datetime import UTC, datetime, timedelta
from typing import Final

from pki import asn1
from pki.algorithms import SignatureAlgorithm
from pki.errors import PkiError
from pki.ocsp import (
    GOOD,
    NEVER_ISSUED,
    UNKNOWN,
    CertId,
    CertStatus,
    OcspRequest,
    OcspRequestRefused,
    Responder,
    ResponseStatus,
    Revoked,
    SingleAnswer,
    build_response,
    decode_get_path,
    error_response,
)
from pki.tbs import Certificate
from registry.model.errors import RegistryError
from registry.ports import Ports
from registry.publication import crl_reason
from registry.status import Changes, Status, StatusKind, certificate_status, log_size
from service import logs
from service.authority import OpenCa, Signing
from service.status.answers import HttpAnswer, cacheable, uncached
from service.status.cache import CachedAnswer, Key, OcspCache
from service.status.nonce_templates import NonceTemplates, time_text
from service.status.watch import StatusWatch

LIFETIME: Final = timedelta(hours=1)
NEVER_ISSUED_LIFETIME: Final = timedelta(minutes=5)
"""Short: the serial may be issued a moment later."""
MAX_AGE: Final = 60
"""Seconds that HTTP caches between us and a client may keep an answer."""
RESPONSE_TYPE: Final = b"application/ocsp-response"
_LOG = logs.get("ocsp")


class OcspService:
    """Belongs to the event loop's thread; reads of the store and slow signatures go to the executor."""

    def __init__(
        self, ca: OpenCa, ports: Ports, executor: Executor, watch: StatusWatch | None = None
    ) -> None:
        self.ca: Final = ca
        self._issuer = ca.signing.certificate
        self._classical = _Signer(ca.ocsp_ecdsa, self._issuer)
        self._post_quantum = _Signer(ca.ocsp_ml_dsa, self._issuer)
        self._ports, self._executor = ports, executor
        self._cache = OcspCache()
        self._templates = NonceTemplates(ca.ocsp_ecdsa)
        self._second = self._until = datetime.min.replace(tzinfo=UTC)
        self._times = b"", b""
        self.watch: Final = watch or StatusWatch(ports, executor, self.changed)

    def answer(self, request: bytes | str, *, post_quantum: bool) -> HttpAnswer | Awaitable[HttpAnswer]:
        """The answer at once where it is in memory, else later. A `str` is the path of a GET, not decoded."""
        now = self._ports.clock()
        found = self.remembered(request, post_quantum, now) if self.watch.is_fresh(now) else None
        return self._later(request, post_quantum) if found is None else found

    def remembered(self, request: bytes | str, post_quantum: bool, now: datetime) -> HttpAnswer | None:
        """The answer that is in memory, for as long as the watch is fresh."""
        found = self._cache.get((post_quantum, request), now)
        if found is None and not post_quantum and isinstance(request, bytes):
            found = self.from_template(request, now)
        return found

    def from_template(self, request: bytes, now: datetime) -> HttpAnswer | None:
        """The answer to a question whose like was answered before, where nothing has changed since."""
        known = self._templates.about(request)
        if known is None or self._cache.status(known.certificate_serial) != known.status:
            return None
        second = now.replace(microsecond=0)
        if second != self._second:
            self._second, self._until = second, self._classical.until(now, LIFETIME)
            self._times = time_text(second), time_text(self._until)
        if self._until <= now:
            return None
        body, tail = self._templates.answer(known, *self._times)
        return uncached(RESPONSE_TYPE, body, tail=tail)

    async def _later(self, request: bytes | str, post_quantum: bool) -> HttpAnswer:
        now = self._ports.clock()
        if not self.watch.is_fresh(now):
            await self.watch.look()
            now = self._ports.clock()
        try:
            found = self.remembered(request, post_quantum, now)
            return await self._sign(request, post_quantum) if found is None else found
        except OcspRequestRefused as refused:
            return refusal(refused.status)
        except RegistryError as gone:
            _LOG.warning("ocsp_store_unreachable", error=type(gone).__name__)
            return refusal(ResponseStatus.TRY_LATER)
        except PkiError as bad:
            _LOG.error("ocsp_cannot_sign", problem=bad.problem, field=bad.field)
            return refusal(ResponseStatus.INTERNAL_ERROR)

    async def _sign(self, asked: bytes | str, post_quantum: bool) -> HttpAnswer:
        der = decode_get_path(asked) if isinstance(asked, str) else asked
        request = OcspRequest.parse(der)
        ours = {c.certificate_serial for c in request.cert_ids if c.matches(self._issuer)}
        if not ours:
            return refusal(ResponseStatus.UNAUTHORIZED)
        signer = self._choose(request, post_quantum)
        known = {serial: self._cache.status(serial) for serial in ours}
        statuses = {serial: status for serial, status in known.items() if status is not None}
        loop = asyncio.get_running_loop()
        if len(statuses) < len(ours):
            statuses, size = await loop.run_in_executor(self._executor, self._read, ours)
        else:
            size = self.watch.log_size
        now = self._ports.clock()
        issued = all(status.kind is not StatusKind.NOT_ISSUED for status in statuses.values())
        if not issued and self.ca.entry.imported:
            # Its former house may have issued them: what we do not know, we say nothing about.
            return refusal(ResponseStatus.UNAUTHORIZED)
        until = signer.until(now, LIFETIME if issued else NEVER_ISSUED_LIFETIME)
        answers = [_single(c, self._issuer, statuses, now=now, until=until) for c in request.cert_ids]
        if signer is self._classical:
            response = signer.sign(answers, now, request.nonce)
        else:
            # ML-DSA takes up to 3 ms: never in the loop.
            response = await loop.run_in_executor(self._executor, signer.sign, answers, now, request.nonce)
        if request.nonce is not None or not issued:
            if self._learn(statuses, size) and issued and signer is self._classical and len(ours) == 1:
                self._templates.learn(der, b"".join(response), next(iter(statuses.items())))
            return uncached(RESPONSE_TYPE, response[0], tail=response[1])
        return self._keep((post_quantum, asked), response, (now, until), statuses=statuses, size=size)

    def _choose(self, request: OcspRequest, post_quantum: bool) -> _Signer:
        """The first preferred algorithm that we have (4.4.7.2); by the path always the post-quantum one."""
        if post_quantum:
            return self._post_quantum
        for algorithm in request.preferred:
            for signer in (self._classical, self._post_quantum):
                if signer.algorithm is algorithm:
                    return signer
        return self._classical

    def _read(self, serials: set[int]) -> tuple[dict[int, Status], int]:
        # The size is of the same snapshot: it says which changes these statuses already know.
        with self._ports.store.read() as uow:
            statuses = {serial: certificate_status(serial, uow, self.ca.name) for serial in serials}
            return statuses, log_size(uow)

    def _learn(self, statuses: dict[int, Status], size: int) -> bool:
        """Keeps what was read, unless a change was heard of since it was read."""
        current = size >= self.watch.log_size
        if current:
            issued = {s: status for s, status in statuses.items() if status.kind is not StatusKind.NOT_ISSUED}
            self._cache.learn(issued)
        return current

    def _keep(
        self,
        key: Key,
        response: tuple[bytes, bytes],
        validity: tuple[datetime, datetime],
        *,
        statuses: dict[int, Status],
        size: int,
    ) -> HttpAnswer:
        now, until = validity
        half = (until - now) / 2
        answer = cacheable(
            RESPONSE_TYPE,
            response[0],
            tail=response[1],
            last_modified=now,
            expires=until,
            max_age=min(MAX_AGE, int(half.total_seconds())),
        )
        if self._learn(statuses, size):
            self._cache.put(key, CachedAnswer(answer, now + half, tuple(statuses)))
        return answer

    def changed(self, changes: Changes) -> None:
        """Forgets what a commit may have changed."""
        self._cache.drop(changes)


class _Signer:
    """A delegate, and the end that all its answers share."""

    def __init__(self, signing: Signing, issuer: Certificate) -> None:
        self._responder = Responder(signing.certificate, signing.key.classical)
        self._tail = asn1.explicit(0, asn1.sequence(signing.certificate.der))
        self.algorithm: Final[SignatureAlgorithm] = signing.key.classical.signs_with
        self._ends = min(signing.certificate.not_after, issuer.not_after)

    def until(self, now: datetime, lifetime: timedelta) -> datetime:
        """The end of an answer that begins now: never after the delegate's, nor the CA's."""
        return min(now + lifetime, self._ends)

    def sign(
        self, answers: Sequence[SingleAnswer], now: datetime, nonce: bytes | None
    ) -> tuple[bytes, bytes]:
        """A response in two pieces: its own octets, and the delegate's certificate, kept once for all."""
        extended = any(answer.status == NEVER_ISSUED for answer in answers)
        response = build_response(
            answers=answers,
            responder=self._responder,
            produced_at=now,
            nonce=nonce,
            extended_revoke=extended,
        )
        return response.removesuffix(self._tail), self._tail


def refusal(status: ResponseStatus) -> HttpAnswer:
    """An OCSP error: HTTP 200, unsigned, kept by nobody (RFC 6960 A.2)."""
    return uncached(RESPONSE_TYPE, error_response(status))


def _single(
    cert_id: CertId, issuer: Certificate, statuses: dict[int, Status], *, now: datetime, until: datetime
) -> SingleAnswer:
    foreign = not cert_id.matches(issuer)
    status = UNKNOWN if foreign else _cert_status(statuses[cert_id.certificate_serial])
    return SingleAnswer(cert_id.der, status, now, until)


def _cert_status(status: Status) -> CertStatus:
    if status.kind is StatusKind.GOOD:
        return GOOD
    if status.revoked_at is None:
        return NEVER_ISSUED
    return Revoked(status.revoked_at, crl_reason(status.reason))
