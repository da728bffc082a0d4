"""The tables: names, types, indexes; migrations say how a store gets there. Statements are Core.

Those of revocation lists are in list_tables.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, Column, Index, LargeBinary, Table, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from registry.store.columns import utc

REVOKED = "state IN ('abandoned', 'held', 'revoked', 'superseded', 'void')"
ANSWERED = f"der IS NOT NULL OR {REVOKED}"
"""What has a status; word for word in the query, else the index, which holds all of it, does not serve."""
_STATUS = ("issuer", "certificate_serial", "not_after", "state", "reason", "revoked_at", "intended_at")


def _partial(name: str, *columns: str, where: str) -> Index:
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class DeviceRow(SQLModel, table=True):
    """One physical device; the same UDI with the same serial number is the same row."""

    __tablename__ = "device"
    __table_args__ = (UniqueConstraint("udi_agency", "udi_di", "serial_number", name="device_udi"),)

    device_id: str = Field(primary_key=True)
    state: str = Field(index=True)
    product: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    criticality: str
    criticality_reasons: list[str] = Field(sa_column=Column(JSON, nullable=False))
    udi_carrier: str
    udi_agency: str | None = None
    udi_di: str | None = Field(default=None, index=True)
    serial_number: str | None = None
    lot_number: str | None = None
    ward: str
    conflicts: list[str] = Field(sa_column=Column(JSON, nullable=False))
    registered_at: datetime = Field(sa_column=utc())


class MacRow(SQLModel, table=True):
    """An interface; one address belongs to one device."""

    __tablename__ = "device_mac"

    mac: str = Field(primary_key=True)
    device_id: str = Field(index=True, foreign_key="device.device_id")


class CertificateRow(SQLModel, table=True):
    """An intention first, then the signed certificate; never deleted."""

    __tablename__ = "certificate"
    __table_args__ = (
        _partial("certificate_revoked", "issuer", "not_after", where="revoked_at IS NOT NULL"),
        _partial("certificate_status", *_STATUS, where=ANSWERED),
    )

    certificate_serial: str = Field(primary_key=True)
    issuer: str
    profile: str
    subject: str
    device_id: str | None = Field(default=None, index=True, foreign_key="device.device_id")
    state: str = Field(index=True)
    reason: str
    not_before: datetime = Field(sa_column=utc())
    not_after: datetime = Field(sa_column=utc(index=True))
    tbs_digest: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    der: bytes | None = Field(default=None, sa_column=Column(LargeBinary))
    fingerprint: str | None = Field(default=None, unique=True)
    intended_at: datetime = Field(sa_column=utc())
    issued_at: datetime | None = Field(default=None, sa_column=utc(nullable=True))
    confirmed_at: datetime | None = Field(default=None, sa_column=utc(nullable=True))
    activate_before: datetime | None = Field(default=None, sa_column=utc(nullable=True))
    revoked_at: datetime | None = Field(default=None, sa_column=utc(nullable=True))
    request_id: str


class CertificateKeyRow(SQLModel, table=True):
    """Which public key stands in which certificate; from the intention on, never deleted."""

    __tablename__ = "certificate_key"

    key_sha256: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    certificate_serial: str = Field(primary_key=True, foreign_key="certificate.certificate_serial")


class TokenRow(SQLModel, table=True):
    """A join token: the key of its HMAC, never the token."""

    __tablename__ = "join_token"

    token_id: str = Field(primary_key=True)
    device_id: str = Field(index=True, foreign_key="device.device_id")
    key: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    created_at: datetime = Field(sa_column=utc())
    expires_at: datetime = Field(sa_column=utc())
    spent_at: datetime | None = Field(default=None, sa_column=utc(nullable=True))
    spent_on: str | None = None


class ChallengeRow(SQLModel, table=True):
    """A nonce of one bootstrap session."""

    __tablename__ = "challenge"

    session: str = Field(primary_key=True)
    device_id: str
    request_id: str
    nonce: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    expires_at: datetime = Field(sa_column=utc(index=True))


class RequestRow(SQLModel, table=True):
    """An answered request: redelivery gives the same answer."""

    __tablename__ = "request"

    device_id: str = Field(primary_key=True)
    request_id: str = Field(primary_key=True)
    body_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    certificate_serial: str
    log_index: int
    answered_at: datetime = Field(sa_column=utc(index=True))


class TrustRow(SQLModel, table=True):
    """The latest appraisal of a device and what the next one must remember."""

    __tablename__ = "trust"

    device_id: str = Field(primary_key=True, foreign_key="device.device_id")
    tier: str = Field(index=True)
    state: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    appraisal: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    claims: dict[str, object] = Field(sa_column=Column(JSON, nullable=False))
    messages: int
    appraised_at: datetime = Field(sa_column=utc(index=True))


class ReferenceRow(SQLModel, table=True):
    """A firmware that a product may run."""

    __tablename__ = "reference_firmware"

    udi_di: str = Field(primary_key=True)
    sha256: str = Field(primary_key=True)
    name: str
    version: str
    added_at: datetime = Field(sa_column=utc())


class AlarmRow(SQLModel, table=True):
    """Something that a person must see; one open row a device and rule."""

    __tablename__ = "alarm"

    alarm_id: int | None = Field(default=None, primary_key=True)
    device_id: str | None = Field(default=None, index=True)
    rule: str
    severity: str
    message: str
    raised_at: datetime = Field(sa_column=utc(index=True))
    cleared_at: datetime | None = Field(default=None, sa_column=utc(nullable=True))


class EntryRow(SQLModel, table=True):
    """A leaf of the audit log."""

    __tablename__ = "audit_entry"

    index: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    leaf: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    leaf_hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class NodeRow(SQLModel, table=True):
    """A complete inner node of the audit log's tree."""

    __tablename__ = "audit_node"

    level: int = Field(primary_key=True)
    index: int = Field(primary_key=True)
    hash: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class FrontierRow(SQLModel, table=True):
    """The right edge of the tree: one row."""

    __tablename__ = "audit_frontier"

    only: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    size: int
    hashes: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class CheckpointRow(SQLModel, table=True):
    """A signed statement of size and root."""

    __tablename__ = "audit_checkpoint"

    size: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    note: str
    signed_at: datetime = Field(sa_column=utc())


class HeartbeatRow(SQLModel, table=True):
    """When a job last ran, and how it ended."""

    __tablename__ = "heartbeat"

    job: str = Field(primary_key=True)
    ran_at: datetime = Field(sa_column=utc())
    succeeded_at: datetime | None = Field(default=None, sa_column=utc(nullable=True))
    outcome: str
    detail: str
    every_seconds: int


class EffectRow(SQLModel, table=True):
    """What must still reach the wire after a commit: publish a CRL, cut a session, send a notice."""

    __tablename__ = "effect"

    effect_id: int | None = Field(default=None, primary_key=True)
    kind: str
    device_id: str | None = None
    detail: str
    created_at: datetime = Field(sa_column=utc())
    done_at: datetime | None = Field(default=None, sa_column=utc(nullable=True))
    took_ms: float | None = None


class ClockRow(SQLModel, table=True):
    """The latest time that was seen: a clock far behind it stops issuing."""

    __tablename__ = "clock"

    only: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    seen_at: datetime = Field(sa_column=utc())


def table(row: type[SQLModel]) -> Table:
    """The Core table behind a declaration."""
    return SQLModel.metadata.tables[str(row.__tablename__)]
