"""What the status server hands out besides OCSP: revocation lists, CA certificates, the trust bundle, health.

Lists come from the store, where a number is recorded with its list; files in the home are only copies.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Final

from pki.pkcs7 import certs_only
from registry.model.errors import RegistryError
from registry.ports import Ports
from registry.store.lists import DELTA, WHOLE
from service import authority as names
from service.authority import Authority
from service.home import Home
from service.pem import read_certificate, to_pem
from service.status.answers import HttpAnswer, cacheable, plain, uncached

LIST_MAX_AGE: Final = 60
CERTIFICATE_MAX_AGE: Final = 86_400
BUNDLE_MAX_AGE: Final = 300
_CRL: Final = b"application/pkix-crl"
_DER: Final = b"application/pkix-cert"
_PEM: Final = b"application/x-pem-file"
_P7C: Final = b"application/pkcs7-mime; smime-type=certs-only"
_JSON: Final = b"application/json"
_RETRY: Final = b"retry-after: 5\r\n"


def certificates(authority: Authority, home: Home) -> dict[bytes, HttpAnswer]:
    """The answers that never change while the process runs, by path: every CA of ours, alone and as a chain.

    A CA's `.p7c` also holds its cross certificates: whoever pins an older or a newer root finds the way.
    """
    register = authority.register
    stored = [*(entry.name for entry in register.entries), *(cross.name for cross in register.cross)]
    known = {name: read_certificate(names.certificate_file(home, name)) for name in stored}
    answers: dict[bytes, HttpAnswer] = {}

    def offer(path: str, kind: bytes, body: bytes, since: datetime) -> None:
        answers[path.encode()] = cacheable(kind, body, last_modified=since, max_age=CERTIFICATE_MAX_AGE)

    for name, held in known.items():
        offer(f"/ca/{name}.der", _DER, held.der, held.not_before)
        offer(f"/ca/{name}.pem", _PEM, to_pem(held.der), held.not_before)
    for entry in register.entries:
        above = register.above(entry.name)
        chain = [known[each.name] for each in above]
        crossed = [known[c.name] for c in register.cross if c.subject in {each.name for each in above}]
        newest = max(each.not_before for each in (*chain, *crossed))
        paths = (f"/ca/{entry.name}-chain", *(["/ca/chain"] if entry.name == register.default else []))
        for path in paths:
            offer(f"{path}.pem", _PEM, to_pem(*(each.der for each in chain)), newest)
            offer(f"{path}.p7c", _P7C, certs_only(each.der for each in (*chain, *crossed)), newest)
    return answers


class Documents:
    """The answers that change. Its methods read disk and store: they run in the executor."""

    def __init__(self, authority: Authority, home: Home, ports: Ports) -> None:
        self._home, self._ports = home, ports
        self._online = [ca.name for ca in authority.cas]
        self._default = authority.default.name
        self._signers = [s.certificate for ca in authority.cas for s in (ca.ocsp_ecdsa, ca.ocsp_ml_dsa)]

    def revocation_list(self, issuer: str, scope: str = WHOLE) -> HttpAnswer:
        """The list with the highest number; 404 before the first, 503 without the store."""
        now = self._ports.clock()
        try:
            with self._ports.store.read() as uow:
                stored = uow.lists.latest(issuer, scope)
        except RegistryError:
            return plain(503, "The store does not answer.", _RETRY)
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

    def health(self) -> HttpAnswer:
        """200, or 503 where clients get no usable status: no store, a lapsed list or delegate."""
        now = self._ports.clock()
        problems = (
            [] if all(c.not_before <= now <= c.not_after for c in self._signers) else ["responder_lapsed"]
        )
        facts: dict[str, object] = {}
        try:
            with self._ports.store.read() as uow:
                lists = {name: uow.lists.heads(name) for name in self._online}
        except RegistryError:
            problems.append("store_unreachable")
        else:
            # A delta that lapsed only sends its readers to the whole list.
            read = [head for heads in lists.values() for scope, head in heads.items() if scope != DELTA]
            if any(head.next_update <= now for head in read) or not all(WHOLE in h for h in lists.values()):
                problems.append("crl_lapsed")
            stored = lists[self._default].get(WHOLE)
            if stored is not None:
                facts["crl_number"] = stored.crl_number
                facts["crl_age_seconds"] = max(0, (now - stored.this_update) // timedelta(seconds=1))
        facts |= {"status": "failing" if problems else "ok", "problems": problems}
        body = json.dumps(facts, sort_keys=True).encode() + b"\n"
        return uncached(_JSON, body, status=503 if problems else 200)
