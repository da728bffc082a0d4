"""The first schema: devices, certificates, enrolment, trust, alarms, lists, the audit log, operations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Every table, as registry.store.tables declares it (a test holds the two together)."""
    op.create_table(
        "alarm",
        sa.Column("alarm_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=True),
        sa.Column("rule", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("message", sa.String(), nullable=False),
        sa.Column("raised_at", sa.BigInteger(), nullable=False),
        sa.Column("cleared_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("alarm_id"),
    )
    op.create_index(op.f("ix_alarm_device_id"), "alarm", ["device_id"], unique=False)
    op.create_index(op.f("ix_alarm_raised_at"), "alarm", ["raised_at"], unique=False)
    op.create_table(
        "audit_checkpoint",
        sa.Column("size", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("signed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("size"),
    )
    op.create_table(
        "audit_entry",
        sa.Column("index", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("index"),
    )
    op.create_table(
        "audit_frontier",
        sa.Column("only", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("only"),
    )
    op.create_table(
        "audit_node",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "index"),
    )
    op.create_table(
        "challenge",
        sa.Column("session", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session"),
    )
    op.create_index(op.f("ix_challenge_expires_at"), "challenge", ["expires_at"], unique=False)
    op.create_table(
        "clock",
        sa.Column("only", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("only"),
    )
    op.create_table(
        "crl",
        sa.Column("crl_id", sa.Integer(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("crl_number", sa.Integer(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=True),
        sa.Column("this_update", sa.BigInteger(), nullable=False),
        sa.Column("next_update", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("crl_id"),
        sa.UniqueConstraint("issuer", "crl_number", name="crl_number_once"),
    )
    op.create_index(op.f("ix_crl_issuer"), "crl", ["issuer"], unique=False)
    op.create_table(
        "device",
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("product", sa.JSON(), nullable=False),
        sa.Column("criticality", sa.String(), nullable=False),
        sa.Column("criticality_reasons", sa.JSON(), nullable=False),
        sa.Column("udi_carrier", sa.String(), nullable=False),
        sa.Column("udi_agency", sa.String(), nullable=True),
        sa.Column("udi_di", sa.String(), nullable=True),
        sa.Column("serial_number", sa.String(), nullable=True),
        sa.Column("lot_number", sa.String(), nullable=True),
        sa.Column("ward", sa.String(), nullable=False),
        sa.Column("conflicts", sa.JSON(), nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id"),
        sa.UniqueConstraint("udi_agency", "udi_di", "serial_number", name="device_udi"),
    )
    op.create_index(op.f("ix_device_state"), "device", ["state"], unique=False)
    op.create_index(op.f("ix_device_udi_di"), "device", ["udi_di"], unique=False)
    op.create_table(
        "effect",
        sa.Column("effect_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("took_ms", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("effect_id"),
    )
    op.create_table(
        "heartbeat",
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("ran_at", sa.BigInteger(), nullable=False),
        sa.Column("succeeded_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("every_seconds", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("job"),
    )
    op.create_table(
        "reference_firmware",
        sa.Column("udi_di", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("added_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("udi_di", "sha256"),
    )
    op.create_table(
        "request",
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("certificate_serial", sa.String(), nullable=False),
        sa.Column("log_index", sa.Integer(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("device_id", "request_id"),
    )
    op.create_index(op.f("ix_request_answered_at"), "request", ["answered_at"], unique=False)
    op.create_table(
        "certificate",
        sa.Column("certificate_serial", sa.String(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("profile", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("not_after", sa.BigInteger(), nullable=False),
        sa.Column("tbs_digest", sa.LargeBinary(), nullable=False),
        sa.Column("der", sa.LargeBinary(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("intended_at", sa.BigInteger(), nullable=False),
        sa.Column("issued_at", sa.BigInteger(), nullable=True),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("activate_before", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.device_id"],
        ),
        sa.PrimaryKeyConstraint("certificate_serial"),
        sa.UniqueConstraint("fingerprint"),
    )
    op.create_index(op.f("ix_certificate_device_id"), "certificate", ["device_id"], unique=False)
    op.create_index(op.f("ix_certificate_issuer"), "certificate", ["issuer"], unique=False)
    op.create_index(op.f("ix_certificate_not_after"), "certificate", ["not_after"], unique=False)
    op.create_index(op.f("ix_certificate_state"), "certificate", ["state"], unique=False)
    op.create_table(
        "certificate_key",
        sa.Column("key_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("certificate_serial", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_serial"],
            ["certificate.certificate_serial"],
        ),
        sa.PrimaryKeyConstraint("key_sha256", "certificate_serial"),
    )
    op.create_table(
        "device_mac",
        sa.Column("mac", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.device_id"],
        ),
        sa.PrimaryKeyConstraint("mac"),
    )
    op.create_index(op.f("ix_device_mac_device_id"), "device_mac", ["device_id"], unique=False)
    op.create_table(
        "join_token",
        sa.Column("token_id", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("spent_at", sa.BigInteger(), nullable=True),
        sa.Column("spent_on", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.device_id"],
        ),
        sa.PrimaryKeyConstraint("token_id"),
    )
    op.create_index(op.f("ix_join_token_device_id"), "join_token", ["device_id"], unique=False)
    op.create_table(
        "trust",
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("tier", sa.String(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("appraisal", sa.JSON(), nullable=False),
        sa.Column("claims", sa.JSON(), nullable=False),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("appraised_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"],
            ["device.device_id"],
        ),
        sa.PrimaryKeyConstraint("device_id"),
    )
    op.create_index(op.f("ix_trust_appraised_at"), "trust", ["appraised_at"], unique=False)
    op.create_index(op.f("ix_trust_tier"), "trust", ["tier"], unique=False)
