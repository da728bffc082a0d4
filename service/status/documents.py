"""What the status service hands out besides OCSP: lists, CA certificates, the trust bundle, health.

Lists come from the store, where a number is recorded with its list; files in the home are only copies.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Final

from pki.pkcs7 import certs_only
from registry.model.errors import RegistryError
from registry.ports import Ports
from registry.store.lists import WHOLE
from service import authority as names
from service.home import Home
from service.pem import read_certificate, to_pem
from service.status.answers import HttpAnswer, cacheable, plain, uncached
from service.status.health import Health
from service.status.keys import StatusKeys
from service.status.metrics import Gauge

LIST_MAX_AGE: Final = 60
CERTIFICATE_MAX_AGE: Final = 86_400
BUNDLE_MAX_AGE: Final = 300
_CRL: Final = b"application/pkix-crl"
_DER: Final = b"application/pkix-cert"
_PEM: Final = b"application/x-pem-file"
_P7C: Final = b"application/pkcs7-mime; smime-type=certs-only"
_JSON: Final = b"application/json"


class Documents:
    """The documents of a home. Its methods read disk and store: they run in the executor."""

    def __init__(self, keys: StatusKeys, home: Home, ports: Ports) -> None:
        self._register, self._home, self._ports = keys.register, home, ports
        self._health = Health(keys, ports)
        self.issuers: Final = frozenset(entry.name for entry in keys.register.entries)

    def certificates(self) -> dict[str, HttpAnswer]:
        """The answers that never change while the process runs, by file name: each CA alone and as a chain.

        A CA's `.p7c` also holds its cross certificates: whoever pins an older or a newer root finds the way.
        """
        register = self._register
        stored = [*(entry.name for entry in register.entries), *(cross.name for cross in register.cross)]
        known = {name: read_certificate(names.certificate_file(self._home, name)) for name in stored}
        answers: dict[str, HttpAnswer] = {}

        def offer(name: str, kind: bytes, body: bytes, since: datetime) -> None:
            answers[name] = cacheable(kind, body, last_modified=since, max_age=CERTIFICATE_MAX_AGE)

        for name, held in known.items():
            offer(f"{name}.der", _DER, held.der, held.not_before)
            offer(f"{name}.pem", _PEM, to_pem(held.der), held.not_before)
        for entry in register.entries:
            above = register.above(entry.name)
            chain = [known[each.name] for each in above]
            crossed = [known[c.name] for c in register.cross if c.subject in {each.name for each in above}]
            newest = max(each.not_before for each in (*chain, *crossed))
            for name in (f"{entry.name}-chain", *(["chain"] if entry.name == register.default else [])):
                offer(f"{name}.pem", _PEM, to_pem(*(each.der for each in chain)), newest)
                offer(f"{name}.p7c", _P7C, certs_only(each.der for each in (*chain, *crossed)), newest)
        return answers

    def revocation_list(self, issuer: str, scope: str = WHOLE) -> HttpAnswer:
        """The list with the highest number; 404 before the first, 503 without the store."""
        now = self._ports.clock()
        try:
            with self._ports.store.read() as uow:
                stored = uow.lists.latest(issuer, scope)
        except RegistryError:
            return plain(503, "The store does not answer.", (b"retry-after", b"5"))
        if stored is None:
            return plain(404, "No list was published yet.")
        remaining = int((stored.next_update - now).total_seconds())
        return cacheable(
            _CRL,
            stored.der,
            last_modified=stored.this_update,
            expires=stored.next_update,
            max_age=min(LIST_MAX_AGE, remaining),
        )

    def bundle(self) -> HttpAnswer:
        """The signed trust bundle, as it lies in the home."""
        path = self._home.public / names.BUNDLE_FILE
        try:
            modified = path.stat().st_mtime
            body = path.read_bytes()
        except OSError:
            return plain(404, "There is no trust bundle.")
        since = datetime.fromtimestamp(modified, self._ports.clock().tzinfo)
        return cacheable(_JSON, body, last_modified=since, max_age=BUNDLE_MAX_AGE)

    def gauges(self) -> tuple[Gauge, ...]:
        """For the metrics page."""
        return tuple(self._health.facts().gauges())

    def health(self) -> HttpAnswer:
        """200, or 503 where clients get no usable status, or soon will not."""
        facts = self._health.facts()
        body = json.dumps(facts.document(), sort_keys=True).encode() + b"\n"
        return uncached(_JSON, body, status=503 if facts.problems else 200)
