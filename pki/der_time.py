"""The octets of DER's two kinds of time, in the one form that RFC 5280 4.1.2.5 allows."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

_UTC_TIME: Final = 0x17
_GENERALIZED_TIME: Final = 0x18


def octets_of(moment: datetime) -> bytes:
    """GeneralizedTime's content: whole seconds, Z; without its first two octets it is UTCTime's."""
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode().rjust(15, b"0")


@lru_cache(maxsize=4096)
def moment_of(tag: int, octets: bytes) -> datetime | None:
    """The moment by a time's tag and content; None for any other form."""
    # No strptime: it costs five times as much, and a long list of revoked certificates is mostly times.
    if tag == _UTC_TIME and len(octets) == 13:
        tag, octets = _GENERALIZED_TIME, (b"19" if octets[:1] >= b"5" else b"20") + octets
    if tag == _GENERALIZED_TIME and len(octets) == 15 and octets[:14].isdigit() and octets[14:] == b"Z":
        with suppress(ValueError):
            return datetime.fromisoformat(f"{octets[:8].decode()}T{octets[8:].decode()}")
    return None
