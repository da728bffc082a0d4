"""What of a broker's log may enter ours: its own words, never the names that strangers give themselves.

A client id, a user name or a topic can carry anything, a patient's name too: brokers log them as they come.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

Level = Literal["debug", "info", "warning"]


@dataclass(frozen=True, slots=True)
class BrokerWord:
    """A line that may be logged."""

    level: Level
    text: str


_SPEAKER: Final = re.compile(r"^(mosquitto (?:ops|bootstrap)): (.*)$", re.DOTALL)
_SUPERVISED: Final = re.compile(
    r"^mosquitto (?:ops|bootstrap) (?:ended with code -?\d+|could not be started: [^\n]{1,120})"
    r"; it starts again in [0-9.]+ s$"
)
_EMBEDDED: Final = (
    (re.compile(r"^(ops|bootstrap|control): a connection failed: (\w{1,60})$"), "{0}: failed: {1}"),
    (re.compile(r"^(ops|bootstrap|control): .{1,64} refused: (claim|session|device) "), "{0}: {1} refused"),
    (re.compile(r"^(ops|bootstrap|control): .{1,64} refused: "), "{0}: a client was refused"),
    (re.compile(r"^queue of .* is full, a message was dropped$", re.DOTALL), "a queue is full"),
)
_CLIENT: Final = re.compile(
    r"^(?:New client connected from|New connection from|Client |Outgoing messages are being dropped )"
)
_ENDINGS: Final = (
    "already connected, closing old connection.",
    "disconnected, not authorised.",
    "closed its connection.",
    "has exceeded timeout, disconnecting.",
    "disconnected due to protocol error.",
    "disconnected due to malformed packet.",
    "disconnected due to oversize packet.",
    "disconnected, out of memory.",
    "disconnected.",
)
_OWN: Final = re.compile(
    r"^(?:mosquitto version [0-9.]+ (?:starting|running|terminating)|Reloading config\.|Config loaded from "
    r"|Opening ipv[46] listen socket on port \d+\.|Connecting bridge |Warning: |Note: "
    r"|Error: Address already in use|Error: Unable to [a-z ]{1,60}"
    r"|OpenSSL Error\[\d+\]: error:[0-9A-Fa-f]{8}:[A-Za-z0-9 :()_-]{1,160})"
)
_FIRST_PART_ONLY: Final = ("Connecting bridge ", "Config loaded from ", "Warning: ", "Note: ")


def broker_word(line: str) -> BrokerWord:
    """The part of a broker's line that is safe to log; "spoke" where none is known to be."""
    if _SUPERVISED.match(line):
        return BrokerWord("warning", line)
    for pattern, shape in _EMBEDDED:
        if (found := pattern.match(line)) is not None:
            return BrokerWord("info", shape.format(*found.groups()))
    spoken = _SPEAKER.match(line)
    if spoken is None:
        return BrokerWord("info", "the broker spoke")
    who, said = spoken.groups()
    return _of_mosquitto(who, said)


def _of_mosquitto(who: str, said: str) -> BrokerWord:
    if _CLIENT.match(said):
        # Every connection makes three of these: for a closer look only.
        ending = next((e for e in _ENDINGS if said.endswith(e)), "connected.")
        return BrokerWord("debug", f"{who}: a client {ending}")
    if (found := _OWN.match(said)) is None:
        return BrokerWord("info", f"{who} spoke")
    first = next((part for part in _FIRST_PART_ONLY if said.startswith(part)), "")
    level: Level = "warning" if said.startswith(("Error", "OpenSSL")) else "debug" if first else "info"
    return BrokerWord(level, f"{who}: {first.strip() or found.group()}")


def teller(log: Any) -> Callable[[str], None]:  # noqa: ANN401 - structlog's bound logger
    """What a broker is given to speak through."""

    def tell(line: str) -> None:
        word = broker_word(line)
        getattr(log, word.level)("broker.said", problem=word.text)

    return tell
