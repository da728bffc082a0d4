"""An index that holds all of a certificate's status, by CA and serial; the one by CA alone goes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
_ANSWERED = "der IS NOT NULL OR state IN ('abandoned', 'held', 'revoked', 'superseded', 'void')"


def upgrade() -> None:
    """Nothing is rewritten; one pass over the certificates fills the index."""
    op.drop_index("ix_certificate_issuer", table_name="certificate")
    op.create_index(
        "certificate_status",
        "certificate",
        ["issuer", "certificate_serial", "not_after", "state", "reason", "revoked_at", "intended_at"],
        sqlite_where=sa.text(_ANSWERED),
        postgresql_where=sa.text(_ANSWERED),
    )
