"""What lists name, kept ready to be joined: in step with the certificates' rows, in the same transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, delete, exists, func, insert, select

from pki.crl_entry import CrlReason, RevokedEntry, encode_content
from pki.crl_shard import slot_of
from registry.model.certificate import CertificateRecord
from registry.model.crl_reason import crl_reason
from registry.store.list_tables import RevocationRow
from registry.store.quick import Driver, Quick
from registry.store.tables import CertificateRow, table

_ROW: Final = table(RevocationRow)
_CERTIFICATE: Final = table(CertificateRow)
_ALL_SLOTS: Final = range(256)

_OF_ISSUER: Final = _ROW.c.issuer == bindparam("of_issuer")
_LAST: Final = Quick(select(func.max(_ROW.c.change).label("change")).where(_OF_ISSUER))
_FORGET: Final = Quick(
    delete(_ROW).where(
        _OF_ISSUER,
        _ROW.c.slot == bindparam("of_slot"),
        _ROW.c.certificate_serial == bindparam("of_serial"),
    )
)
_ADD: Final = Quick(insert(_ROW).inline(), *(column.name for column in _ROW.columns))
_LISTED: Final = select(_ROW.c.entry).where(
    _OF_ISSUER, _ROW.c.not_after >= bindparam("since", type_=_ROW.c.not_after.type), _ROW.c.listed
)
_ALL_CONTENTS: Final = Quick(_LISTED)
_CONTENTS: Final = Quick(_LISTED.where(_ROW.c.slot.between(bindparam("first"), bindparam("last"))))
_CHANGED: Final = Quick(select(_ROW.c.entry).where(_OF_ISSUER, _ROW.c.change > bindparam("after")))
# In the order of changes, so that the last one of a slot is its newest; not grouped, for then SQLite would
# walk through all of the issuer's rows.
_CHANGED_SLOTS: Final = Quick(
    select(_ROW.c.slot, _ROW.c.change)
    .where(_OF_ISSUER, _ROW.c.change > bindparam("after"))
    .order_by(_ROW.c.change)
)
_REVOKED: Final = (
    _CERTIFICATE.c.issuer == bindparam("of_issuer"),
    _CERTIFICATE.c.revoked_at.is_not(None),
    _CERTIFICATE.c.not_after >= bindparam("since", type_=_CERTIFICATE.c.not_after.type),
)
_HOW_MANY: Final = select(func.count()).select_from(_CERTIFICATE).where(*_REVOKED)
_UNLISTED: Final = select(_CERTIFICATE.c.certificate_serial).where(
    *_REVOKED,
    ~exists().where(
        _ROW.c.issuer == _CERTIFICATE.c.issuer,
        _ROW.c.certificate_serial == _CERTIFICATE.c.certificate_serial,
        _ROW.c.listed,
    ),
)


class Revocations:
    """Entries of lists, by issuer and slot."""

    def __init__(self, connection: Connection, driver: Driver) -> None:
        self._connection = connection
        self._driver = driver

    def put(self, record: CertificateRecord) -> None:
        """A certificate that is revoked or on hold: from now on lists name it."""
        self._write(record, _entry(record), listed=True)

    def add(self, records: Sequence[CertificateRecord]) -> None:
        """Certificates that come into the store revoked, of which it never heard before."""
        newest: dict[str, int] = {}
        rows = []
        for record in records:
            issuer = record.issuer
            newest[issuer] = (newest[issuer] if issuer in newest else self.last_change(issuer)) + 1
            rows.append(_row(record, _entry(record), newest[issuer], listed=True))
        _ADD.run_each(self._driver, rows)

    def release(self, record: CertificateRecord, at: datetime) -> None:
        """A certificate that came back from hold: lists leave it out, deltas say so (removeFromCRL)."""
        entry = RevokedEntry(int(record.certificate_serial, 16), at, CrlReason.REMOVE_FROM_CRL)
        self._write(record, entry, listed=False)

    def last_change(self, issuer: str) -> int:
        """The number of the issuer's newest change; 0 before the first."""
        row = _LAST.first(self._driver, {"of_issuer": issuer})
        return int(row["change"] or 0) if row else 0

    def contents(
        self, issuer: str, *, not_expired_before: datetime, slots: range = _ALL_SLOTS
    ) -> list[bytes]:
        """Entries of a complete list, ascending by serial: what is revoked and did not expire before."""
        given: dict[str, object] = {"of_issuer": issuer, "since": not_expired_before}
        if slots == _ALL_SLOTS:
            return sorted(_ALL_CONTENTS.scalars(self._driver, given))
        given |= {"first": slots[0], "last": slots[-1]}
        return sorted(_CONTENTS.scalars(self._driver, given))

    def changed_since(self, issuer: str, change: int) -> list[bytes]:
        """Entries of a delta, ascending by serial: what was revoked or released after a change."""
        return sorted(_CHANGED.scalars(self._driver, {"of_issuer": issuer, "after": change}))

    def slots_changed_since(self, issuer: str, change: int) -> dict[int, int]:
        """By slot, its newest change after the given one."""
        return dict(_CHANGED_SLOTS.tuples(self._driver, {"of_issuer": issuer, "after": change}))

    def revoked_certificates(self, issuer: str, *, not_expired_before: datetime) -> int:
        """How many certificates are revoked by their own rows: at least as many entries there must be."""
        given = {"of_issuer": issuer, "since": not_expired_before}
        return int(self._connection.execute(_HOW_MANY, given).scalar_one())

    def unlisted(self, issuer: str, *, not_expired_before: datetime) -> list[str]:
        """Serials of certificates that are revoked by their own rows and that no list would name."""
        given = {"of_issuer": issuer, "since": not_expired_before}
        return list(self._connection.execute(_UNLISTED, given).scalars())

    def _write(self, record: CertificateRecord, entry: RevokedEntry, *, listed: bool) -> None:
        row = _row(record, entry, self.last_change(record.issuer) + 1, listed=listed)
        given = {"of_issuer": row["issuer"], "of_slot": row["slot"], "of_serial": row["certificate_serial"]}
        _FORGET.run(self._driver, given)
        _ADD.run(self._driver, row)


def _entry(record: CertificateRecord) -> RevokedEntry:
    at = record.revoked_at or record.intended_at
    return RevokedEntry(int(record.certificate_serial, 16), at, crl_reason(record.reason))


def _row(record: CertificateRecord, entry: RevokedEntry, change: int, *, listed: bool) -> dict[str, object]:
    return {
        "issuer": record.issuer,
        "slot": slot_of(entry.certificate_serial),
        "certificate_serial": record.certificate_serial,
        "entry": encode_content(entry),
        "not_after": record.not_after,
        "listed": listed,
        "change": change,
    }
