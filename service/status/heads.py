"""Heads of HTTP requests that were parsed before: clients of one kind send the same octets again and again.

A head is learned after uvicorn's parser read it and the request went the short way. The same octets at a
message's beginning mean the same again, so that only the body, or a GET's path, is looked at.
"""

from __future__ import annotations

from typing import Final, NamedTuple

MAX_HEADS: Final = 512
LONGEST: Final = 2048
"""Octets of a request that is learned."""
_END: Final = b"\r\n\r\n"
_VERSION: Final = b" HTTP/1.1\r\n"
_GET: Final = b"GET "


class Known(NamedTuple):
    """What a known head says."""

    post_quantum: bool
    length: int
    """Octets of the body. The connection lives on after the answer."""


class KnownHeads:
    """Heads of one worker. The oldest makes room. Belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._posts: dict[bytes, Known] = {}
        self._gets: dict[bytes, Known] = {}

    def post(self, data: bytes) -> tuple[Known, bytes] | None:
        """(what the head says, the body), where the octets are exactly one POST with a known head."""
        end = data.find(_END) + len(_END)
        known = self._posts.get(data[:end])
        return (known, data[end:]) if known is not None and known.length == len(data) - end else None

    def get(self, data: bytes) -> bytes | None:
        """The target, where the octets are exactly one GET with a head that is known but for it.

        The target is not checked: whoever takes it for base64 must.
        """
        at = data.find(_VERSION)
        return data[len(_GET) : at] if data.startswith(_GET) and data[at:] in self._gets else None

    def learn(self, data: bytes, method: bytes, known: Known) -> None:
        """A request that was answered the short way, where the octets are exactly that."""
        if len(data) > LONGEST:
            return
        end = data.find(_END) + len(_END)
        if len(data) != end + known.length:
            return
        if method == b"POST":
            _keep(self._posts, data[:end], known)
        elif known.length == 0 and data.count(_VERSION) == 1:
            _keep(self._gets, data[data.find(_VERSION) :], known)


def _keep(heads: dict[bytes, Known], head: bytes, known: Known) -> None:
    if len(heads) >= MAX_HEADS:
        del heads[next(iter(heads))]
    heads[head] = known
