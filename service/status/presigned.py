"""Signed answers on disk, mapped and shared by all workers of a machine: one writer, many readers (LMDB).

It is a cache: whatever is not in it, or is doubted, is read from the store and signed on demand. What makes a
record trustworthy is `synced`: every change of the registry up to that size of the audit log is in the
records of the same snapshot. A killed writer leaves the last commit; LMDB syncs each to disk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import lmdb
import msgspec

from service.errors import ServiceError
from service.home import Home, make_private
from service.status.metrics import Gauge

Records = Iterable[tuple[bytes, bytes | None]]
"""(serial, record); None takes the record away."""
_MAP_SIZE: Final = 16 * 1024**3
"""Of address space, not of memory or disk: room for a hundred million records."""
_SYNCED: Final = b"m-synced"
_LEAF: Final = b"m-leaf"
_REPORT: Final = b"m-report"
_RECORD: Final = b"r"


def presigned_folder(home: Home) -> Path:
    """Where a home keeps them."""
    return home.run / "presigned"


class PresignedUnusable(ServiceError):
    """The file of signed answers cannot be opened or written; answers are signed on demand meanwhile."""

    kind = "dependency"


class Presigned:
    """The file, opened once in a process."""

    def __init__(self, folder: Path, *, writable: bool) -> None:
        """PresignedUnusable where it is not there (for readers), damaged, or no file can be mapped."""
        try:
            self._environment: Any = lmdb.open(
                str(make_private(folder) if writable else folder),
                map_size=_MAP_SIZE,
                readonly=not writable,
                create=writable,
                mode=0o600,
                max_readers=512,
            )
        except (lmdb.Error, OSError) as bad:
            raise _unusable(bad) from bad

    def reader(self) -> PresignedReader:
        """A view for one thread."""
        try:
            return PresignedReader(self._environment)
        except lmdb.Error as bad:
            raise _unusable(bad) from bad

    def synced(self) -> int | None:
        """The log's size that all records know; None where nothing was ever written."""
        with self._environment.begin() as transaction:
            return _read_synced(transaction)

    def last_leaf(self) -> bytes:
        """The digest of the log's last leaf that all records know; empty where there is none."""
        with self._environment.begin() as transaction:
            return bytes(transaction.get(_LEAF, b""))

    def write(self, mark: bytes, records: Records, *, synced: int | None = None, leaf: bytes = b"") -> None:
        """Records of a form, and the log's size that all know now, and its last leaf's digest; one commit."""
        front = _RECORD + mark
        try:
            with self._environment.begin(write=True) as transaction:
                for serial, record in records:
                    if record is None:
                        transaction.delete(front + serial)
                    else:
                        transaction.put(front + serial, record)
                if synced is not None:
                    transaction.put(_SYNCED, b"%d" % synced)
                    transaction.put(_LEAF, leaf)
        except lmdb.Error as bad:
            raise _unusable(bad) from bad

    def keep_only(self, marks: Iterable[bytes]) -> None:
        """Forget records of other forms: their delegate or their lifetime is another now."""
        kept = set(marks)
        try:
            with self._environment.begin(write=True) as transaction, transaction.cursor() as cursor:
                there = cursor.set_range(_RECORD)
                while there and cursor.key().startswith(_RECORD):
                    mark = cursor.key()[1:5]
                    there = cursor.set_range(_after(mark)) if mark in kept else cursor.delete()
        except lmdb.Error as bad:
            raise _unusable(bad) from bad

    def forget_all(self, synced: int, leaf: bytes) -> None:
        """No record is left; the next ones know the log up to that size."""
        try:
            with self._environment.begin(write=True) as transaction:
                transaction.drop(self._environment.open_db(txn=transaction), delete=False)
                transaction.put(_SYNCED, b"%d" % synced)
                transaction.put(_LEAF, leaf)
        except lmdb.Error as bad:
            raise _unusable(bad) from bad

    def made(self, mark: bytes) -> Iterator[tuple[bytes, int]]:
        """(serial, second since 1970) of each record of a form, as it is now."""
        front = _RECORD + mark
        with self._environment.begin(buffers=True) as transaction, transaction.cursor() as cursor:
            there = cursor.set_range(front)
            while there and bytes(cursor.key()[: len(front)]) == front:
                yield bytes(cursor.key()[len(front) :]), int.from_bytes(cursor.value()[:4], "big")
                there = cursor.next()

    def report(self, oldest: int | None, records: int) -> None:
        """What the presigner's last walk found: when the oldest was made (seconds since 1970), how many."""
        self._environment.reader_check()  # readers that were killed would keep old pages for ever
        with self._environment.begin(write=True) as transaction:
            transaction.put(_REPORT, msgspec.json.encode((oldest, records)))

    def gauges(self, now: datetime) -> Iterator[Gauge]:
        """For the metrics page."""
        with self._environment.begin() as transaction:
            found = transaction.get(_REPORT)
        oldest, records = msgspec.json.decode(found) if found else (None, 0)
        yield Gauge("medtrust_ocsp_presigned", "OCSP answers signed ahead", {(): float(records)})
        if oldest is not None:
            age = {(): now.timestamp() - oldest}
            yield Gauge("medtrust_ocsp_oldest_seconds", "Age of the oldest OCSP answer signed ahead", age)

    def usage(self) -> tuple[int, int]:
        """(records and marks, octets that the tree takes)."""
        with self._environment.begin() as transaction:
            stat = transaction.stat()
        pages = stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"]
        return stat["entries"], pages * stat["psize"]

    def close(self) -> None:
        """Readers must be gone."""
        self._environment.close()


class PresignedReader:
    """A snapshot that is renewed now and then. Belongs to one thread."""

    def __init__(self, environment: Any) -> None:  # noqa: ANN401 - lmdb has no types
        self._environment = environment
        self._transaction: Any = environment.begin()
        self.synced = _read_synced(self._transaction) or 0
        """The log's size that all records of this snapshot know."""

    def renew(self) -> None:
        """The newest commit from now on."""
        self.rest()
        try:
            self._transaction = self._environment.begin()
            self.synced = _read_synced(self._transaction) or 0
        except lmdb.Error:  # no room among the readers, or damaged: signed on demand meanwhile
            self._transaction = None

    def rest(self) -> None:
        """Let go of the snapshot until `renew`: one that is held keeps old pages in the file."""
        if self._transaction is not None:
            self._transaction.abort()
            self._transaction = None

    def record(self, mark: bytes, serial: bytes) -> bytes | None:
        """The record of a serial under a form."""
        if self._transaction is None:
            return None
        try:
            found: bytes | None = self._transaction.get(_RECORD + mark + serial)
        except lmdb.Error:  # damaged: signed on demand, and the presigner will hear of it
            return None
        return found

    def close(self) -> None:
        """Nobody reads any more."""
        self.rest()


def _read_synced(transaction: Any) -> int | None:  # noqa: ANN401 - lmdb has no types
    found = transaction.get(_SYNCED)
    return int(found) if found is not None else None


def _after(mark: bytes) -> bytes:
    return (
        _RECORD + (int.from_bytes(mark, "big") + 1).to_bytes(5, "big")[-4:] if mark != b"\xff" * 4 else b"s"
    )


def _unusable(bad: Exception) -> PresignedUnusable:
    return PresignedUnusable(
        f"The file of signed answers cannot be used: {bad}.",
        next_step="Make room on the disk, or remove the folder run/presigned: it is made anew.",
        field="presigned",
    )
