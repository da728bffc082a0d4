"""Lists in parts and deltas; what is revoked in a table of its own, filled from the certificates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

from pki.crl_entry import RevokedEntry, encode_content
from pki.crl_shard import slot_of
from registry.model.crl_reason import crl_reason

revision = "0002"
down_revision = "0001"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REVOKED = ("held", "superseded", "revoked", "void", "abandoned")
_AT_ONCE = 10_000


def upgrade() -> None:
    """New columns of `crl`, the table `revocation`, an index over what is revoked; one pass fills it."""
    op.add_column("crl", sa.Column("scope", sa.String(), nullable=False, server_default="whole"))
    op.add_column("crl", sa.Column("base_number", sa.Integer(), nullable=True))
    op.add_column("crl", sa.Column("change", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("crl", sa.Column("recorded", sa.Boolean(), nullable=False, server_default="0"))
    op.create_table(
        "crl_octets",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("crl_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "crl_number"),
    )
    op.execute(
        "INSERT INTO crl_octets (issuer, crl_number, der) "
        "SELECT issuer, crl_number, der FROM crl WHERE der IS NOT NULL AND crl_number = "
        "(SELECT max(o.crl_number) FROM crl AS o WHERE o.issuer = crl.issuer AND o.der IS NOT NULL)"
    )
    op.execute("UPDATE crl SET recorded = (der IS NOT NULL)")
    op.drop_column("crl", "der")
    op.create_index("crl_of_scope", "crl", ["issuer", "scope", "crl_number"], unique=False)
    op.create_table(
        "revocation",
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("slot", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("certificate_serial", sa.String(), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("change", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", "slot", "certificate_serial"),
        sqlite_with_rowid=False,
    )
    op.create_index("revocation_change", "revocation", ["issuer", "change"], unique=False)
    op.create_index(
        "certificate_revoked",
        "certificate",
        ["issuer", "not_after"],
        sqlite_where=sa.text("revoked_at IS NOT NULL"),
        postgresql_where=sa.text("revoked_at IS NOT NULL"),
    )
    _fill()


def _fill() -> None:
    connection = op.get_bind()
    certificates = sa.table(
        "certificate",
        *map(sa.column, ("certificate_serial", "issuer", "state", "reason", "not_after")),
        *map(sa.column, ("revoked_at", "intended_at")),
    )
    columns = ("issuer", "slot", "certificate_serial", "entry", "not_after", "listed", "change")
    revocations = sa.table("revocation", *map(sa.column, columns))
    found = connection.execute(sa.select(certificates).where(certificates.c.state.in_(_REVOKED)))
    changes: dict[str, int] = {}
    for piece in found.mappings().partitions(_AT_ONCE):
        rows = []
        for row in piece:
            changes[row["issuer"]] = change = changes.get(row["issuer"], 0) + 1
            serial, at = int(row["certificate_serial"], 16), row["revoked_at"] or row["intended_at"]
            entry = RevokedEntry(serial, _EPOCH + timedelta(milliseconds=at), crl_reason(row["reason"]))
            named = (row["issuer"], slot_of(serial), row["certificate_serial"])
            values = (*named, encode_content(entry), row["not_after"], True, change)
            rows.append(dict(zip(columns, values, strict=True)))
        connection.execute(sa.insert(revocations), rows)
