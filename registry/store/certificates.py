"""Certificates and intentions, in and out of the store. Rows are never deleted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import Connection, bindparam, case, func, insert, literal_column, or_, select, text, update

from registry.model.certificate import CertificateRecord, CertificateSerial, CertificateState
from registry.model.device import DeviceId
from registry.store.columns import from_milliseconds, moment
from registry.store.quick import Driver, Quick, Row
from registry.store.revocations import Revocations
from registry.store.tables import ANSWERED, REVOKED, CertificateKeyRow, CertificateRow, table

_CERTIFICATE: Final = table(CertificateRow)
_KEY: Final = table(CertificateKeyRow)
_FIELDS: Final = tuple(f.name for f in fields(CertificateRecord))
_read_fields: Final = attrgetter(*_FIELDS)
_LIVE: Final = (CertificateState.PENDING.value, CertificateState.ACTIVE.value)
_CHANGING: Final = (
    *("state", "reason", "der", "fingerprint"),
    *("issued_at", "confirmed_at", "activate_before", "revoked_at"),
)
"""What an intention says stays as it was written; this is what happens to it afterwards."""
_read_changing: Final = attrgetter(*_CHANGING)

_OF_SERIAL: Final = _CERTIFICATE.c.certificate_serial == bindparam("of_serial")
_UPDATE: Final = update(_CERTIFICATE).where(_OF_SERIAL)
_ADD: Final = Quick(insert(_CERTIFICATE), *_FIELDS)
_SAVE: Final = Quick(_UPDATE, *_CHANGING)
_SIGNED: Final = Quick(_UPDATE.where(_CERTIFICATE.c.state == bindparam("from_state")), *_CHANGING)
_GET: Final = Quick(select(_CERTIFICATE).where(_OF_SERIAL))
_BY_FINGERPRINT: Final = Quick(
    select(_CERTIFICATE).where(_CERTIFICATE.c.fingerprint == bindparam("fingerprint"))
)
_OF_DEVICE: Final = Quick(
    select(_CERTIFICATE)
    .where(_CERTIFICATE.c.device_id == bindparam("device_id"))
    .order_by(_CERTIFICATE.c.intended_at.desc())
)
# Words, not parameters, where the index's own condition must be recognized (certificate_status).
_SINCE: Final = case(
    (
        text(REVOKED),
        func.coalesce(_CERTIFICATE.c.revoked_at, _CERTIFICATE.c.intended_at),
    )
)
_ANSWERED: Final = Quick(
    select(
        *(_CERTIFICATE.c.certificate_serial, _CERTIFICATE.c.not_after),
        *(_SINCE.label("since"), _CERTIFICATE.c.reason),
    )
    .where(
        _CERTIFICATE.c.issuer == bindparam("of_issuer"),
        _CERTIFICATE.c.certificate_serial > bindparam("after"),
        _CERTIFICATE.c.not_after >= bindparam("ends_from", type_=_CERTIFICATE.c.not_after.type),
        text("state <> 'intended'"),
        text(f"({ANSWERED})"),
    )
    .order_by(_CERTIFICATE.c.certificate_serial)
    .limit(bindparam("most"))
    .offset(literal_column("0"))  # left out, SQLite's would come as a parameter that nobody gives
)
_OF_SUBJECT: Final = Quick(
    select(_CERTIFICATE.c.certificate_serial).where(
        or_(
            _CERTIFICATE.c.certificate_serial == bindparam("subject"),
            _CERTIFICATE.c.device_id == bindparam("subject"),
            _CERTIFICATE.c.device_id
            == select(_CERTIFICATE.c.device_id)
            .where(_CERTIFICATE.c.certificate_serial == bindparam("subject"))
            .scalar_subquery(),
        )
    )
)
_ADD_KEYS: Final = Quick(insert(_KEY), "key_sha256", "certificate_serial")
_MOST_KEYS: Final = 512
"""What one look-up for holders names at most."""
Answered = tuple[CertificateSerial, datetime, datetime | None, str]
"""(serial, its last second, since when it is revoked where it is, the reason)."""


@dataclass(frozen=True, slots=True)
class KeyHolder:
    """A certificate, intended or signed, in which a public key stands."""

    key_sha256: bytes
    """Over the SubjectPublicKeyInfo, DER."""
    certificate_serial: CertificateSerial
    device_id: DeviceId | None
    reason: str


class Certificates:
    """What was intended and what was signed."""

    def __init__(self, connection: Connection, driver: Driver, revocations: Revocations) -> None:
        self._connection = connection
        self._driver = driver
        self._revocations = revocations

    def add(self, records: Sequence[CertificateRecord]) -> None:
        """Insert intentions; a serial that exists is a Conflict."""
        _ADD.run_each(self._driver, map(_row, records))
        self._revocations.add([record for record in records if record.state.is_revoked])

    def save(self, record: CertificateRecord) -> None:
        """What has happened to the certificate of this serial."""
        _SAVE.run(self._driver, _changes(record))
        self._list(record)

    def record_signed(self, records: Sequence[CertificateRecord]) -> bool:
        """The facts of intentions; False where one of them is no longer open (reconciled meanwhile)."""
        intended = {"from_state": CertificateState.INTENDED.value}
        changes = (_changes(record) | intended for record in records)
        return _SIGNED.run_each(self._driver, changes) == len(records)

    def holders_of(self, keys: Iterable[bytes]) -> list[KeyHolder]:
        """Who has had a certificate for one of these keys (SHA-256 of each)."""
        return [KeyHolder(**row) for part in _parts(list(keys)) for row in self._holders(part)]

    def _holders(self, keys: Sequence[bytes]) -> list[Row]:
        named = {f"key_{place}": key for place, key in enumerate(keys)}
        return _holders_of(len(keys)).rows(self._driver, named)

    def add_keys(self, keys: Iterable[tuple[bytes, CertificateSerial]]) -> None:
        """Which key stands in which certificate."""
        rows = ({"key_sha256": key, "certificate_serial": serial} for key, serial in keys)
        _ADD_KEYS.run_each(self._driver, rows)

    def get(self, serial: str) -> CertificateRecord | None:
        """By stored serial."""
        row = _GET.first(self._driver, {"of_serial": serial})
        return None if row is None else _record(row)

    def by_fingerprint(self, fingerprint: str) -> CertificateRecord | None:
        """By SHA-256 of the DER, hex."""
        row = _BY_FINGERPRINT.first(self._driver, {"fingerprint": fingerprint})
        return None if row is None else _record(row)

    def of_device(self, device_id: str) -> list[CertificateRecord]:
        """All of a device, newest first."""
        return [_record(row) for row in _OF_DEVICE.rows(self._driver, {"device_id": device_id})]

    def of_subject(self, subject: str) -> list[str]:
        """Serials of a certificate and its device's others, or of all of a device."""
        return list(_OF_SUBJECT.scalars(self._driver, {"subject": subject}))

    def answered_after(
        self, issuer: str, after: str, limit: int, *, ends_from: datetime
    ) -> Iterator[Answered]:
        """What one CA signed or revoked, ascending by stored serial, and that ends at the moment or later."""
        given = {"of_issuer": issuer, "after": after, "ends_from": ends_from, "most": limit}
        for serial, end, since, reason in _ANSWERED.tuples(self._driver, given):
            yield serial, moment(end), from_milliseconds(since), reason

    def all(self, state: CertificateState | None = None) -> list[CertificateRecord]:
        """Every certificate, oldest first."""
        query = select(_CERTIFICATE).order_by(_CERTIFICATE.c.intended_at)
        if state is not None:
            query = query.where(_CERTIFICATE.c.state == state.value)
        return self._many(query)

    def intended_before(self, moment: datetime) -> list[CertificateRecord]:
        """Intentions without a certificate, older than the moment."""
        return self._many(
            select(_CERTIFICATE).where(
                _CERTIFICATE.c.state == CertificateState.INTENDED.value, _CERTIFICATE.c.intended_at < moment
            )
        )

    def unconfirmed_before(self, moment: datetime) -> list[CertificateRecord]:
        """Pending certificates whose time to be confirmed has passed."""
        return self._many(
            select(_CERTIFICATE).where(
                _CERTIFICATE.c.state == CertificateState.PENDING.value,
                _CERTIFICATE.c.activate_before < moment,
            )
        )

    def expired_at(self, moment: datetime) -> list[CertificateRecord]:
        """Live ones past their last second."""
        return self._many(
            select(_CERTIFICATE).where(_CERTIFICATE.c.state.in_(_LIVE), _CERTIFICATE.c.not_after < moment)
        )

    def _list(self, record: CertificateRecord) -> None:
        # Who releases a certificate says so itself (registry.revocation): it is no state of its own.
        if record.state.is_revoked:
            self._revocations.put(record)

    def _many(self, query: Any) -> list[CertificateRecord]:  # noqa: ANN401 - a SQL expression
        return [_record(row) for row in self._connection.execute(query).mappings()]


def _parts(keys: list[bytes]) -> Iterator[list[bytes]]:
    """Parts whose sizes are powers of two, filled up with a key that is there: few statements serve all."""
    for start in range(0, len(keys), _MOST_KEYS):
        part = keys[start : start + _MOST_KEYS]
        yield part + part[-1:] * ((1 << (len(part) - 1).bit_length()) - len(part))


@lru_cache(maxsize=16)
def _holders_of(size: int) -> Quick:
    wanted = [bindparam(f"key_{place}", type_=_KEY.c.key_sha256.type) for place in range(size)]
    return Quick(
        select(
            *(_KEY.c.key_sha256, _KEY.c.certificate_serial),
            *(_CERTIFICATE.c.device_id, _CERTIFICATE.c.reason),
        )
        .join(_CERTIFICATE, _KEY.c.certificate_serial == _CERTIFICATE.c.certificate_serial)
        .where(_KEY.c.key_sha256.in_(wanted))
    )


def _row(record: CertificateRecord) -> dict[str, object]:
    row: dict[str, object] = dict(zip(_FIELDS, _read_fields(record), strict=True))
    row["state"] = record.state.value
    return row


def _changes(record: CertificateRecord) -> dict[str, object]:
    changes: dict[str, object] = dict(zip(_CHANGING, _read_changing(record), strict=True))
    return changes | {"state": record.state.value, "of_serial": record.certificate_serial}


def _record(row: Mapping[Any, Any]) -> CertificateRecord:
    values = {name: row[name] for name in _FIELDS}
    values["state"] = CertificateState(values["state"])
    values["certificate_serial"] = CertificateSerial(values["certificate_serial"])
    values["device_id"] = values["device_id"] and DeviceId(values["device_id"])
    return CertificateRecord(**values)
