"""All our CAs' OCSP responders behind one address: the CertID says whose question it is (RFC 6960 4.1.1).

At once, from what is signed or known; else later, from the store. What is signed anew rests on a look at the
store that is fresh; while the store does not answer, only what was signed before is given out.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import Executor
from datetime import timedelta
from typing import Final

from pki.errors import PkiError
from pki.ocsp import OcspRequest, OcspRequestRefused, ResponseStatus, error_response
from pki.ocsp_shapes import RequestShapes
from registry.model.errors import RegistryError
from registry.ports import Ports
from registry.status import Changes
from service import logs
from service.status.answers import HttpAnswer, Quick, from_quick, uncached
from service.status.forms import RESPONSE_TYPE, AnswerForm, status_in
from service.status.keys import StatusKeys
from service.status.overlay import Overlay
from service.status.presigned import PresignedReader
from service.status.responder import CaResponder, Question
from service.status.watch import StatusWatch

MAX_WAITING: Final = 1024
"""Questions that wait for the store or a signature; whoever comes then is told to try later."""
_LOG = logs.get("ocsp")


class OcspDesk:
    """One responder a CA, one watch over the store for all. Belongs to the event loop's thread."""

    def __init__(
        self,
        keys: StatusKeys,
        ports: Ports,
        executor: Executor,
        *,
        lifetime: timedelta,
        answers: Counter[str],
        reader: PresignedReader | None = None,
    ) -> None:
        """`lifetime` of answers; `answers` counts how they were given; `reader` has those signed ahead."""
        self._ports = ports
        self._clock = ports.clock
        self._reader = reader
        self._overlay = Overlay()
        # What was committed since the records were signed is heard of before the first answer is given.
        since = None if reader is None else reader.synced
        self.watch: Final = StatusWatch(
            ports, executor, self._changed, since=since, before=self._renew, after=self._settle
        )
        self._responders = [CaResponder(ca, ports, executor, lifetime) for ca in keys.cas]
        self._shapes: RequestShapes[tuple[CaResponder, AnswerForm]] = RequestShapes()
        self._waiting = 0
        self.lists_published = 0
        """Counts commits that published a list."""
        self.answers = answers

    def quick(self, der: bytes, *, post_quantum: bool) -> Quick | None:
        """The answer to a request, DER, that can be given at once, without waiting for anything."""
        now = self._clock()
        return self._at_once(der, post_quantum, now.timestamp()) if self.watch.is_fresh(now) else None

    def _at_once(self, der: bytes, post_quantum: bool, now: float, *, may_sign: bool = True) -> Quick | None:
        asked = None if post_quantum else self._shapes.read(der)
        if asked is None:
            return self._cached(der, post_quantum, now)
        (responder, form), serial, nonce = asked
        record = None
        if self._reader is not None and not self._overlay.doubts(serial):
            record = self._reader.record(form.mark, serial)
        if nonce is None:
            found = form.kept(serial, record, now) if record is not None else None
            if found is None:
                return self._cached(der, post_quantum, now)
            self.answers["presigned"] += 1
            return found
        status = responder.cache.status(serial) if record is None else status_in(record)
        if status is None or not may_sign:
            return None
        self.answers["signed"] += 1
        return form.signed_now(serial, status, nonce, now)

    def _cached(self, der: bytes, post_quantum: bool, now: float) -> Quick | None:
        for responder in self._responders:
            found = responder.cache.get((post_quantum, der), now)
            if found is not None:
                self.answers["cached"] += 1
                return found.quick
        return None

    async def answer(self, der: bytes, *, post_quantum: bool) -> HttpAnswer:
        """The answer to a request, DER, however long it takes; an OCSP error where there is none."""
        if self._waiting >= MAX_WAITING:
            return self._refusal(ResponseStatus.TRY_LATER)
        self._waiting += 1
        try:
            return await self._look_up(Question(der, OcspRequest.parse(der), post_quantum))
        except OcspRequestRefused as refused:
            return self._refusal(refused.status)
        except RegistryError as gone:
            _LOG.warning("ocsp_store_unreachable", error=type(gone).__name__)
            return self._refusal(ResponseStatus.TRY_LATER)
        except PkiError as bad:
            _LOG.error("ocsp_cannot_sign", problem=bad.problem, field=bad.field)
            return self._refusal(ResponseStatus.INTERNAL_ERROR)
        finally:
            self._waiting -= 1

    async def _look_up(self, question: Question) -> HttpAnswer:
        if not self.watch.is_fresh(self._clock()):
            await self.watch.look()
        now = self._clock()
        fresh = self.watch.is_fresh(now)
        found = self._at_once(question.der, question.post_quantum, now.timestamp(), may_sign=fresh)
        if found is not None:
            return from_quick(found)
        if self.watch.is_before(now):
            # Whatever we date now would be dated before what was said already.
            raise OcspRequestRefused("The clock went back.", status=ResponseStatus.TRY_LATER)
        responder = self._responsible(question.request)
        said = await responder.say(question, lambda: self.watch.log_size)
        if said.lasting is not None:
            self._shapes.learn(question.der, question.request, (responder, said.lasting))
        self.answers["looked_up"] += 1
        return said.answer

    def _responsible(self, request: OcspRequest) -> CaResponder:
        for responder in self._responders:
            if any(cert_id.matches(responder.issuer) for cert_id in request.cert_ids):
                return responder
        raise OcspRequestRefused(
            "None of these certificates is of a CA of ours.", status=ResponseStatus.UNAUTHORIZED
        )

    def _refusal(self, status: ResponseStatus) -> HttpAnswer:
        self.answers[status.name.lower()] += 1
        return refusal(status)

    def rest(self) -> None:
        """Let go of the snapshot of signed answers while nobody asks: a held one keeps old pages on disk."""
        if self._reader is not None and not self.watch.is_fresh(self._clock()):
            self._reader.rest()

    def close(self) -> None:
        """Nobody asks any more."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _renew(self) -> None:
        if self._reader is not None:
            self._reader.renew()

    def _settle(self, log_size: int) -> None:
        if self._reader is not None:
            self._overlay.settle(self._reader.synced, log_size)

    def _changed(self, changes: Changes) -> None:
        for responder in self._responders:
            responder.cache.drop(changes)
        self._overlay.note(changes)
        self.lists_published += changes.lists


def refusal(status: ResponseStatus) -> HttpAnswer:
    """An OCSP error: HTTP 200, unsigned, kept by nobody (RFC 6960 A.2)."""
    return uncached(RESPONSE_TYPE, error_response(status))
