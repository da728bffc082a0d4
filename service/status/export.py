"""Status as static files for nginx or an object store: OCSP answers by GET, lists, certificates (RFC 5019).

Each file is replaced whole, so whoever is served meanwhile gets an old answer or a new one, both true when
they were signed. Killed anywhere, the next run does the rest. Not here: POST, nonces, and serials that were
never issued, which need somebody who signs.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from pki.ocsp_response import encode_status
from pki.ocsp_template import serial_octets
from registry.model.certificate import of_int
from registry.ports import BACKWARD_JUMP, Ports
from registry.status import (
    KnownStatus,
    StatusKind,
    certificate_status,
    changes_between,
    log_size,
    statuses_after,
)
from registry.store.lists import WHOLE
from service.errors import AlreadyRunning, ServiceError
from service.exports.folder import README_FILE, refuse_foreign
from service.home import Home, write_atomically
from service.status.documents import Documents
from service.status.export_files import a_moment_before, file_name, remove_older, replace
from service.status.export_words import MARKER, README, nginx_page
from service.status.forms import AnswerForm, form_of
from service.status.keys import StatusKeys
from service.status.responder import cert_status

BATCH: Final = 4_000
FACTS_FILE: Final = "status.json"
LOCK_FILE: Final = ".lock"
_LEAST_LEFT: Final = timedelta(minutes=1)
"""A delegate that ends sooner signs nothing for a file."""


class CannotDate(ServiceError):
    """Whatever would be signed now is dated wrong: the clock went back, or the signer is over."""

    kind = "refused"


@dataclass(frozen=True, slots=True)
class Export:
    """What is written where, and for how long it holds."""

    folder: Path
    lifetime: timedelta
    """Of OCSP answers."""
    digests: tuple[str, ...]
    upstream: str = ""
    """Where a live service answers what files cannot; empty: nobody does."""
    prefix: str = ""
    """The path of `status.url`, which the URLs in certificates begin with."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    answers: int
    lists: int
    removed: int
    made_at: datetime
    until: datetime
    """When the first of the answers and lists is over: export again before."""


class Exporter:
    """One run. `tell` hears of progress."""

    def __init__(
        self, keys: StatusKeys, home: Home, ports: Ports, what: Export, tell: Callable[[str], None]
    ) -> None:
        self._keys, self._home, self._ports, self._what, self._tell = keys, home, ports, what, tell
        self._forms = [
            (ca.entry.name, form_of(ca.ocsp_ecdsa, ca.certificate, digest, what.lifetime))
            for ca in keys.cas
            for digest in what.digests
        ]
        self._now = ports.clock()
        self._answers = 0
        self._until = self._now + what.lifetime

    def run(self) -> Exported:
        """Everything, in an order in which a reader finds nothing that is not yet true; the facts last."""
        folder = self._what.folder
        self._refuse_wrong_dates()
        refuse_foreign(folder, MARKER, "DIR")
        write_atomically(folder / README_FILE, self._readme().encode())
        with _alone(folder):
            return self._run(folder)

    def _run(self, folder: Path) -> Exported:
        began = a_moment_before(folder)
        with self._ports.store.read() as uow:
            seen = log_size(uow)
        for name, form in self._forms:
            self._write_all(name, form)
        self._follow(seen)
        lists = self._write_documents()
        removed = sum(remove_older(folder / name, began) for name in ("ocsp", "crl", "ca"))
        os.sync()  # a million files are brought to the disk together
        done = Exported(self._answers, lists, removed, self._now, self._until)
        write_atomically(folder / FACTS_FILE, _facts(done))
        return done

    def _refuse_wrong_dates(self) -> None:
        with self._ports.store.read() as uow:
            seen = uow.operations.clock_seen()
        if seen is not None and self._now < seen - BACKWARD_JUMP:
            raise CannotDate(
                f"The clock says {self._now:%Y-%m-%d %H:%M}Z, and it was {seen:%Y-%m-%d %H:%M}Z before.",
                next_step="Set the clock; the files that are there stay as they are.",
                field="clock",
            )
        for name, form in self._forms:
            if form.ends - self._now < _LEAST_LEFT:
                raise CannotDate(
                    f"The OCSP signer of {name} ended {form.ends:%Y-%m-%d %H:%M}Z.",
                    next_step="Start medtrust up, which makes it new; provision a provisioned home again.",
                    field=name,
                )

    def _write_all(self, name: str, form: AnswerForm) -> None:
        after = ""
        while True:
            with self._ports.store.read() as uow:
                found = statuses_after(name, after, BATCH, uow, not_after=self._now)
            for each in found:
                self._write_answer(form, each)
            if len(found) < BATCH:
                return
            after = of_int(found[-1].certificate_serial)
            self._tell(f"{self._answers} answers written")

    def _follow(self, seen: int) -> None:
        """What was committed while we wrote is written again, until nothing was."""
        while True:
            with self._ports.store.read() as uow:
                size = log_size(uow)
                if size == seen:
                    return
                changes = changes_between(seen, size, uow)
                seen = changes.log_size
                known = [
                    (form, KnownStatus(serial, status, status.not_after))
                    for name, form in self._forms
                    for serial in sorted(changes.serials or ())
                    if (status := certificate_status(serial, uow, name)).kind is not StatusKind.NOT_ISSUED
                    and status.not_after is not None
                ]
            if changes.serials is None:
                for name, form in self._forms:
                    self._write_all(name, form)
            for form, each in known:
                self._write_answer(form, each)

    def _write_answer(self, form: AnswerForm, each: KnownStatus) -> None:
        second = int(self._ports.clock().timestamp())
        serial = serial_octets(each.certificate_serial)
        record = form.record(serial, encode_status(cert_status(each.status)), second)
        path = self._what.folder / "ocsp" / file_name(form, serial)
        replace(path, form.response(serial, record))
        self._until = min(self._until, form.ends)
        self._answers += 1

    def _write_documents(self) -> int:
        folder = self._what.folder
        documents = Documents(self._keys, self._home, self._ports)
        for name, answer in documents.certificates().items():
            replace(folder / "ca" / name, answer.body)
        bundle = documents.bundle()
        if bundle.status == 200:
            replace(folder / "trust-bundle.json", bundle.body)
        else:
            (folder / "trust-bundle.json").unlink(missing_ok=True)
        count = 0
        with self._ports.store.read() as uow:
            for issuer in sorted(documents.issuers):
                for scope, head in uow.lists.heads(issuer).items():
                    path = f"{issuer}.crl" if scope == WHOLE else f"{issuer}/{scope}.crl"
                    replace(folder / "crl" / path, uow.lists.octets(head))
                    # A part that nobody cuts any more stays as it was; whoever monitors need not hear of it.
                    if scope == WHOLE or head.next_update > self._now:
                        self._until = min(self._until, head.next_update)
                    count += 1
        page = nginx_page(folder, self._what.prefix, self._what.upstream)
        replace(folder / "nginx.conf", page.encode())
        return count

    def _readme(self) -> str:
        hours = self._what.lifetime // timedelta(hours=1)
        return README.format(marker=MARKER, now=f"{self._now:%Y-%m-%d %H:%M}Z", hours=hours)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One run at a time: two would write each other's temporary files."""
    lock = FileLock(folder / LOCK_FILE, mode=0o644)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise AlreadyRunning(
            f"Another run writes to {folder}.", next_step="Wait until it is done.", field="DIR"
        ) from None
    with lock:
        yield


def _facts(done: Exported) -> bytes:
    document = {
        "made_at": f"{done.made_at:%Y-%m-%dT%H:%M:%SZ}",
        "valid_until": f"{done.until:%Y-%m-%dT%H:%M:%SZ}",
        "ocsp_answers": done.answers,
        "lists": done.lists,
    }
    return json.dumps(document, indent=2, sort_keys=True).encode() + b"\n"
