"""Structured logs through an allow-list: one event is one JSON line on stderr, and nothing else gets in."""

from __future__ import annotations

import logging
import sys
import unicodedata
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

ALLOWED: Final = frozenset(
    {
        *("event", "level", "timestamp", "room", "device_id", "certificate_serial", "rid", "step", "rule"),
        *("status", "kind", "job", "outcome", "took_ms", "count", "field", "reason", "broker", "port", "url"),
        *("tier", "criticality", "attempt", "error", "crl_number", "size", "bytes", "path", "problem"),
        *("issuer", "scope", "method", "client"),
    }
)
"""Keys that may be logged: none can hold a patient, a device's serial number or a secret."""
_LONGEST: Final = 300


def configure(level: str = "info", stream: Any = None) -> None:  # noqa: ANN401 - any text stream
    """JSON lines to stderr from `level` on; other libraries' warnings through the same door."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            only_allowed,
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Forwarder()], level=logging.WARNING, force=True)


def only_allowed(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drops keys off the list and counts them; cleans every text."""
    dropped = [key for key in event if key not in ALLOWED]
    kept = {key: _clean(value) for key, value in event.items() if key in ALLOWED}
    return {**kept, "dropped_keys": len(dropped)} if dropped else kept


def _clean(value: object) -> object:
    if isinstance(value, bool | int | float) or value is None:
        return value
    text = str(value)[:_LONGEST]
    return "".join(c if unicodedata.category(c)[0] != "C" else "?" for c in text)


def get(name: str) -> Any:  # noqa: ANN401 - structlog's bound loggers have no common type
    """A logger that says which room speaks; one made at import speaks as `configure` says later."""
    # Not .bind(): that would settle the processors now, before the allow-list is among them.
    return structlog.get_logger(room=name)


class _Forwarder(logging.Handler):
    """Standard logging into ours: the message's template only, for its arguments are not ours to judge."""

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        # Without arguments the text may have been put together before: the place in the code is enough then.
        event = str(record.msg)[:_LONGEST] if record.args else "library.spoke"
        where = f"{record.module}:{record.lineno}"
        get(record.name).log(record.levelno, event, error=kind, path=where)
