"""What a driver says, without what it quotes: rows hold serial numbers and addresses, messages must not."""

from __future__ import annotations

import re
import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError

_NAMES: Final = re.compile(r"constraint failed: ([a-z_]+\.[a-z_]+(?:, [a-z_]+\.[a-z_]+)*)")


def clashing(error: DBAPIError) -> str:
    """The columns (SQLite) or the constraint (PostgreSQL) that refused; never a value."""
    named = _NAMES.search(str(error.orig))
    if isinstance(error.orig, sqlite3.Error):
        return named[1] if named else "store"
    diagnostic = getattr(error.orig, "diag", None)
    return str(getattr(diagnostic, "constraint_name", None) or "store")


def what_failed(error: DBAPIError) -> str:
    """SQLite's words, which quote nothing; of a server only the kind of error."""
    return str(error.orig)[:120] if isinstance(error.orig, sqlite3.Error) else type(error.orig).__name__
