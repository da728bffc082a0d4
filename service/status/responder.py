"""The OCSP responder (RFC 6960, 5019, 9654) for one CA's certificates: a request that was read, to an answer.

A serial that was never issued is answered `revoked`, on hold since 1970, with the extended-revoke extension
(RFC 6960 2.2): signed, so nobody between can forge it away, and a client that fails open on `unauthorized`
still refuses. Certificates of other issuers: `unauthorized`, or `unknown` beside one of ours.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pki.ocsp import (
    GOOD,
    NEVER_ISSUED,
    UNKNOWN,
    CertId,
    CertStatus,
    OcspRequest,
    OcspRequestRefused,
    ResponseStatus,
    Revoked,
    SingleAnswer,
)
from pki.ocsp_response import encode_status
from pki.ocsp_template import id_head_of, serial_octets
from registry.ports import Ports
from registry.publication import crl_reason
from registry.status import Status, StatusKind, certificate_status, log_size
from service.status.answers import HttpAnswer, cacheable, uncached
from service.status.cache import CachedAnswer, OcspCache
from service.status.forms import MAX_AGE, RESPONSE_TYPE, AnswerForm
from service.status.keys import Answering
from service.status.signer import DelegateSigner

NEVER_ISSUED_LIFETIME: Final = timedelta(minutes=5)
"""Short: the serial may be issued a moment later."""
MAX_SIGNING: Final = 32
"""Post-quantum signatures that wait for a thread; whoever comes then is told to try later."""


@dataclass(frozen=True, slots=True)
class Question:
    """A request that was read, and whether the asker wants a post-quantum answer by its path."""

    der: bytes
    request: OcspRequest
    post_quantum: bool


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, and what may be remembered of it."""

    answer: HttpAnswer
    lasting: AnswerForm | None = None
    """By which form the next question of this shape may be answered at once."""


class CaResponder:
    """Belongs to the event loop's thread; reads of the store and slow signatures go to the executor."""

    def __init__(self, ca: Answering, ports: Ports, executor: Executor, lifetime: timedelta) -> None:
        self.ca: Final = ca
        self.issuer: Final = ca.certificate
        self._classical = DelegateSigner(ca.ocsp_ecdsa, self.issuer)
        self._post_quantum = DelegateSigner(ca.ocsp_ml_dsa, self.issuer)
        self._ports, self._executor, self._lifetime = ports, executor, lifetime
        self._forms: dict[bytes, AnswerForm] = {}
        self._signing = 0
        self.cache: Final = OcspCache()

    def form(self, cert_id: CertId) -> AnswerForm:
        """How our certificates are answered for that are named like this; a handful of ways match us."""
        head = id_head_of(cert_id)
        found = self._forms.get(head)
        if found is None:
            found = self._forms[head] = AnswerForm(self.ca.ocsp_ecdsa, self.issuer, head, self._lifetime)
        return found

    async def say(self, question: Question, heard: Callable[[], int]) -> Said:
        """The answer to a question about certificates of ours; OcspRequestRefused carries what else is said.

        `heard`: the log's size that the watch over the store has heard of.
        """
        request = question.request
        ours = {c.certificate_serial for c in request.cert_ids if c.matches(self.issuer)}
        if not ours:
            raise OcspRequestRefused(
                "None of these certificates is of a CA of ours.", status=ResponseStatus.UNAUTHORIZED
            )
        signer = self._choose(question)
        loop = asyncio.get_running_loop()
        statuses, size = await loop.run_in_executor(self._executor, self._read, ours)
        issued = all(status.kind is not StatusKind.NOT_ISSUED for status in statuses.values())
        if not issued and self.ca.entry.imported:
            # Its former house may have issued them: what we do not know, we say nothing about.
            raise OcspRequestRefused("Not known here.", status=ResponseStatus.UNAUTHORIZED)
        now = self._ports.clock()
        until = signer.until(now, self._lifetime if issued else NEVER_ISSUED_LIFETIME)
        answers = [self._single(c, statuses, now=now, until=until) for c in request.cert_ids]
        response = await self._sign(signer, answers, now, request.nonce)
        current = size >= heard()
        expired = any(answer.archive_cutoff is not None for answer in answers)
        if current and issued and not expired:
            self.cache.learn((serial_octets(s), encode_status(cert_status(st))) for s, st in statuses.items())
        lasts = signer is self._classical and issued and not expired
        lasting = self.form(request.cert_ids[0]) if lasts and len(request.cert_ids) == 1 else None
        if request.nonce is not None or not issued:
            return Said(uncached(RESPONSE_TYPE, response[0], tail=response[1]), lasting)
        return Said(self._kept(question, response, (now, until), tuple(ours) if current else None), lasting)

    async def _sign(
        self, signer: DelegateSigner, answers: Sequence[SingleAnswer], now: datetime, nonce: bytes | None
    ) -> tuple[bytes, bytes]:
        if signer is self._classical:
            return signer.sign(answers, now, nonce)
        if self._signing >= MAX_SIGNING:
            raise OcspRequestRefused(
                "Too many post-quantum signatures are waited for.", status=ResponseStatus.TRY_LATER
            )
        self._signing += 1
        try:
            # ML-DSA takes up to 3 ms: never in the loop.
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._executor, signer.sign, answers, now, nonce)
        finally:
            self._signing -= 1

    def _choose(self, question: Question) -> DelegateSigner:
        """The first preferred algorithm that we have (4.4.7.2); by the path always the post-quantum one."""
        if question.post_quantum:
            return self._post_quantum
        for algorithm in question.request.preferred:
            for signer in (self._classical, self._post_quantum):
                if signer.algorithm is algorithm:
                    return signer
        return self._classical

    def _read(self, serials: set[int]) -> tuple[dict[int, Status], int]:
        # The size is of the same snapshot: it says which changes these statuses already know.
        with self._ports.store.read() as uow:
            statuses = {serial: certificate_status(serial, uow, self.ca.entry.name) for serial in serials}
            return statuses, log_size(uow)

    def _single(
        self, cert_id: CertId, statuses: Mapping[int, Status], *, now: datetime, until: datetime
    ) -> SingleAnswer:
        if not cert_id.matches(self.issuer):
            return SingleAnswer(cert_id.der, UNKNOWN, now, until)
        status = statuses[cert_id.certificate_serial]
        # We answer for every certificate since the CA began, however long it has expired (4.4.4).
        expired = status.not_after is not None and status.not_after < now
        cutoff = self.issuer.not_before if expired else None
        return SingleAnswer(cert_id.der, cert_status(status), now, until, cutoff)

    def _kept(
        self,
        question: Question,
        response: tuple[bytes, bytes],
        validity: tuple[datetime, datetime],
        serials: tuple[int, ...] | None,
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
        if serials is not None:
            give_until = (now + half).timestamp()
            cached = CachedAnswer(answer, answer.quick(), give_until, tuple(map(serial_octets, serials)))
            self.cache.put((question.post_quantum, question.der), cached)
        return answer


def cert_status(status: Status) -> CertStatus:
    """What the standard calls it."""
    if status.kind is StatusKind.GOOD:
        return GOOD
    if status.revoked_at is None:
        return NEVER_ISSUED
    return Revoked(status.revoked_at, crl_reason(status.reason))
