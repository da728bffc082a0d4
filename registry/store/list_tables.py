"""The tables of revocation: what is revoked, ready for a list, and which lists there are."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from registry.store.columns import utc

WHOLE = "whole"
DELTA = "delta"


class CrlRow(SQLModel, table=True):
    """A published list. The number is taken before it is signed, so numbers rise across crashes.

    Numbers are the issuer's, for all of its lists: each list's own numbers rise, and none is used twice.
    """

    __tablename__ = "crl"
    __table_args__ = (
        UniqueConstraint("issuer", "crl_number", name="crl_number_once"),
        Index("crl_of_scope", "issuer", "scope", "crl_number"),
    )

    crl_id: int | None = Field(default=None, primary_key=True)
    issuer: str = Field(index=True)
    crl_number: int
    this_update: datetime = Field(sa_column=utc())
    next_update: datetime = Field(sa_column=utc())
    scope: str = Field(default=WHOLE, sa_column_kwargs={"server_default": WHOLE})
    """`whole`, `delta`, or a part such as `16-3`."""
    base_number: int | None = None
    """The whole list that a delta builds upon."""
    change: int = Field(default=0, sa_column_kwargs={"server_default": "0"})
    """Every change up to this one is in the list; later ones may be."""
    recorded: bool = Field(default=False, sa_column_kwargs={"server_default": "0"})
    """Whether it was signed and is, or was, what everybody is served."""


class CrlOctetsRow(SQLModel, table=True):
    """A list's DER, apart: whoever looks for what is due must not read fifty megabytes."""

    __tablename__ = "crl_octets"

    issuer: str = Field(primary_key=True)
    crl_number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    der: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class RevocationRow(SQLModel, table=True):
    """A certificate that lists name, as its entry in one; in step with the certificate's own row.

    Kept apart because a list of a million must not read a million certificates; ordered as lists are cut.
    """

    __tablename__ = "revocation"
    __table_args__ = (
        Index("revocation_change", "issuer", "change"),
        {"sqlite_with_rowid": False},
    )

    issuer: str = Field(primary_key=True)
    slot: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    """The serial's last octet (pki.crl_shard)."""
    certificate_serial: str = Field(primary_key=True)
    entry: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    """DER without its header (pki.crl_entry)."""
    not_after: datetime = Field(sa_column=utc())
    listed: bool
    """False: released from hold, which deltas say until no list in force names it."""
    change: int
    """Rises with each change of one of the issuer's rows."""
