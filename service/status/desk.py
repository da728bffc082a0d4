"""All our CAs' OCSP responders behind one address: the CertID says whose question it is (RFC 6960 4.1.1)."""

from __future__ import annotations

from collections.abc import Awaitable
from concurrent.futures import Executor
from typing import Final

from pki.errors import PkiError
from pki.ocsp import OcspRequest, decode_get_path
from registry.ports import Ports
from registry.status import Changes
from service.authority import Authority
from service.status.answers import HttpAnswer
from service.status.responder import OcspService
from service.status.watch import StatusWatch


class OcspDesk:
    """One responder a CA, one watch over the store for all. Belongs to the event loop's thread."""

    def __init__(self, authority: Authority, ports: Ports, executor: Executor) -> None:
        self._clock = ports.clock
        self.watch: Final = StatusWatch(ports, executor, self._changed)
        self._services = [OcspService(ca, ports, executor, self.watch) for ca in authority.cas]
        self.lists_published = 0
        """Counts commits that published a list."""

    def answer(self, request: bytes | str, *, post_quantum: bool) -> HttpAnswer | Awaitable[HttpAnswer]:
        """As OcspService.answer, by the CA that is asked about; strangers are turned away by the first."""
        if len(self._services) == 1:
            return self._services[0].answer(request, post_quantum=post_quantum)
        now = self._clock()
        if self.watch.is_fresh(now):
            for service in self._services:
                found = service.remembered(request, post_quantum, now)
                if found is not None:
                    return found
        return self._responsible(request).answer(request, post_quantum=post_quantum)

    def _responsible(self, request: bytes | str) -> OcspService:
        try:
            asked = OcspRequest.parse(decode_get_path(request) if isinstance(request, str) else request)
        except PkiError:
            return self._services[0]  # it says in its own words what is wrong
        for service in self._services:
            issuer = service.ca.signing.certificate
            if any(cert_id.matches(issuer) for cert_id in asked.cert_ids):
                return service
        return self._services[0]

    def _changed(self, changes: Changes) -> None:
        for service in self._services:
            service.changed(changes)
        self.lists_published += changes.lists
