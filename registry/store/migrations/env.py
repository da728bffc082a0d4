"""Alembic's entry: runs on the connection that engine.py hands over, so one transaction holds it all."""

from __future__ import annotations

from alembic import context
from sqlmodel import SQLModel

from registry.store import list_tables, tables  # noqa: F401 - the imports declare the tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
