"""The access log: what was asked and answered. Who asked, and about which certificate, only when told to.

An address of a ward's device, or the serial in an OCSP path, says who was where: by default neither is kept.
Beyond a number of lines a second only their count is logged: a flood must not fill a disk.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

MOST_LINES: Final = 50
"""A second and worker."""


class AccessLogging(StrEnum):
    """What is written of a request."""

    OFF = "off"
    ANONYMOUS = "anonymous"
    """Method, the kind of path, status and size."""
    FULL = "full"
    """Also the client's address and the whole path."""


class AccessLog:
    """Belongs to the event loop's thread."""

    def __init__(self, logging: AccessLogging, log: Any) -> None:  # noqa: ANN401 - structlog's bound logger
        self._logging, self._log = logging, log
        self._left = MOST_LINES
        self._untold = 0

    def note(self, method: str, path: str, status: int, size: int, *, whole: bytes, client: str) -> None:
        """One request: `path` is its kind, `whole` its target as it came."""
        if self._logging is AccessLogging.OFF:
            return
        if self._left <= 0:
            self._untold += 1
            return
        self._left -= 1
        if self._logging is AccessLogging.FULL:
            target = whole.decode("latin-1")
            self._log.info(
                "http.request", method=method, path=target, status=status, bytes=size, client=client
            )
        else:
            self._log.info("http.request", method=method, path=path, status=status, bytes=size)

    def second(self) -> None:
        """A second is over."""
        self._left = MOST_LINES
        if self._untold:
            self._log.info("http.more_requests", count=self._untold)
            self._untold = 0
