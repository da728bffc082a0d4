"""Signs OCSP answers ahead: follows each commit of the registry, and walks the fleet before answers grow old.

One presigner writes at a time (a lock in the home); readers are told by `synced` what it has followed. Killed
anywhere, it goes on from the last commit of its file: a record is whole or is not there, and what changed
meanwhile is followed before anything else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from filelock import FileLock, Timeout

from pki.errors import PkiError
from pki.ocsp_response import encode_status
from pki.ocsp_template import serial_octets
from registry.model.certificate import of_int
from registry.model.errors import RegistryError
from registry.ports import BACKWARD_JUMP, Ports
from registry.status import (
    KnownStatus,
    Status,
    StatusKind,
    certificate_status,
    changes_between,
    log_size,
    statuses_after,
)
from registry.store.unit_of_work import UnitOfWork
from service.home import make_private
from service.runtime import Runtime
from service.status.forms import AnswerForm, form_of, made_at
from service.status.keys import StatusKeys
from service.status.presigned import Presigned, PresignedReader, PresignedUnusable
from service.status.responder import cert_status

BATCH: Final = 4_000
"""Certificates that are read together and whose answers share a commit."""
_BACKLOG: Final = 2_000
"""Leaves that are followed in one transaction."""
_PAUSE, _RETRY = 0.2, 2.0
"""Seconds between steps with nothing to do, and after a failure."""
_LEAST_LEFT: Final = timedelta(minutes=1)
"""A delegate that ends sooner signs nothing ahead."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a walk has come to: the form by number, and the last stored serial."""

    form: int = 0
    after: str = ""


class Presigner:
    """Belongs to one thread. RegistryError and PresignedUnusable leave as they come: try again later."""

    def __init__(
        self,
        keys: StatusKeys,
        ports: Ports,
        presigned: Presigned,
        *,
        lifetime: timedelta,
        digests: Sequence[str],
    ) -> None:
        self._ports, self._presigned, self._lifetime = ports, presigned, lifetime
        self._forms: list[tuple[str, AnswerForm]] = [
            (ca.entry.name, form_of(ca.ocsp_ecdsa, ca.certificate, digest, lifetime))
            for ca in keys.cas
            for digest in digests
        ]
        self._place: _Place | None = None
        self._walked_at: datetime | None = None
        self.signed = 0
        """Answers signed since the start."""
        presigned.keep_only(form.mark for _, form in self._forms)

    def step(self) -> bool:
        """Follow what was committed, then one batch of a walk that is due; whether more is to be done now."""
        self.follow()
        now = self._ports.clock()
        if self._place is None:
            if self._walked_at is not None and abs(now - self._walked_at) < self._lifetime / 16:
                return False
            self._walked_at, self._place = now, _Place()
        self._walk(now)
        return self._place is not None

    def follow(self) -> None:
        """Sign anew what commits since the last time may have changed."""
        with self._ports.store.read() as uow:
            size, synced = log_size(uow), self._presigned.synced()
            if synced is None or synced > size:
                # No file yet, or one that was signed from a newer store than this copy of it.
                self._begin_anew(size, uow)
                return
            while synced < size:
                changes = changes_between(synced, min(size, synced + _BACKLOG), uow)
                synced = changes.log_size
                if changes.serials is None:
                    self._begin_anew(synced, uow)
                else:
                    self._sign_changed(changes.serials, synced, uow)

    def _begin_anew(self, size: int, uow: UnitOfWork) -> None:
        self._presigned.forget_all(size, last_leaf(uow, size))
        self._place, self._walked_at = _Place(), self._ports.clock()

    def _sign_changed(self, serials: Iterable[int], synced: int, uow: UnitOfWork) -> None:
        now = self._ports.clock()
        wanted = sorted(serials)
        for name, form in self._forms:
            statuses = [(serial, certificate_status(serial, uow, name)) for serial in wanted]
            self._presigned.write(form.mark, [self._record(form, s, status, now) for s, status in statuses])
        # Last and by itself: only when all forms have followed is it true.
        self._presigned.write(b"", (), synced=synced, leaf=last_leaf(uow, synced))

    def _record(
        self, form: AnswerForm, serial: int, status: Status, now: datetime
    ) -> tuple[bytes, bytes | None]:
        octets = serial_octets(serial)
        ended = status.not_after is not None and status.not_after < now
        if status.kind is StatusKind.NOT_ISSUED or ended or form.ends - now < _LEAST_LEFT:
            return octets, None
        self.signed += 1
        return octets, form.record(octets, encode_status(cert_status(status)), int(now.timestamp()))

    def _walk(self, now: datetime) -> None:
        place = self._place or _Place()
        if place.form >= len(self._forms):
            self._finish(now)
            return
        name, form = self._forms[place.form]
        with self._ports.store.read() as uow:
            seen = uow.operations.clock_seen()
            found = statuses_after(name, place.after, BATCH, uow, not_after=now)
        if seen is not None and now < seen - BACKWARD_JUMP:
            self._place = None  # whatever is dated now would be dated wrong
            return
        due = self._due(form, found, (now - self._lifetime * 3 / 8).timestamp())
        if due:
            records = [self._record(form, each.certificate_serial, each.status, now) for each in due]
            self._presigned.write(form.mark, records)
        more = len(found) == BATCH
        self._place = (
            _Place(place.form, of_int(found[-1].certificate_serial)) if more else _Place(place.form + 1)
        )

    def _due(self, form: AnswerForm, found: Iterable[KnownStatus], fresh_since: float) -> list[KnownStatus]:
        reader = self._presigned.reader()
        try:
            return [each for each in found if _is_due(reader, form, each.certificate_serial, fresh_since)]
        finally:
            reader.close()

    def _finish(self, now: datetime) -> None:
        """The end of a walk: what nobody can be given any more goes, and the rest is counted."""
        oldest, count = None, 0
        for _, form in self._forms:
            over = []
            for serial, made in self._presigned.made(form.mark):
                if made < (now - self._lifetime).timestamp():
                    over.append((serial, None))
                    continue
                count += 1
                oldest = made if oldest is None else min(oldest, made)
            if over:
                self._presigned.write(form.mark, over)
        self._presigned.report(oldest, count)
        self._place = None


def last_leaf(uow: UnitOfWork, size: int) -> bytes:
    """The digest of the last leaf of a log of that size; empty where it has none."""
    return b"".join(hashlib.sha256(leaf).digest() for leaf in uow.log.read_entries(max(0, size - 1), size))


def forget_another_history(presigned: Presigned, ports: Ports) -> None:
    """Before anybody answers: a store that was put back and lived on has a log that looks longer."""
    with ports.store.read() as uow:
        size, synced = log_size(uow), presigned.synced()
        if synced is not None and (synced > size or last_leaf(uow, synced) != presigned.last_leaf()):
            presigned.forget_all(size, last_leaf(uow, size))


def _is_due(reader: PresignedReader, form: AnswerForm, serial: int, fresh_since: float) -> bool:
    record = reader.record(form.mark, serial_octets(serial))
    return record is None or made_at(record) < fresh_since


def sign_ahead(
    keys: StatusKeys,
    runtime: Runtime,
    presigned: Presigned,
    stopped: Callable[[float], bool],
    log: Any,  # noqa: ANN401 - structlog's bound logger
) -> None:
    """Steps until `stopped(seconds to wait)` says so; a store or a disk that fails is tried again later.

    While another process of this home signs ahead, this one waits to take its place.
    """
    rules, lock = runtime.settings.status, FileLock(make_private(runtime.home.run) / "presign.lock")
    working: Presigner | None = None
    pause = 0.0
    try:
        while not stopped(pause):
            try:
                lock.acquire(timeout=0)
                working = working or Presigner(
                    keys, runtime.ports, presigned, lifetime=rules.ocsp_lifetime, digests=rules.presign
                )
                pause = 0.0 if working.step() else _PAUSE
            except Timeout:
                pause = _RETRY
            except (RegistryError, PresignedUnusable, PkiError) as failed:
                log.warning("presign.failed", error=type(failed).__name__, problem=failed.problem)
                working, pause = None, _RETRY
    finally:
        lock.release(force=True)
