"""The topic tree of the contract, parsed and built; nothing outside the tree can be constructed.

A device id, a claim and a request id can hold no `/`, `+` or `#`, so a segment never becomes two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from mqtt_bridge.errors import MalformedTopic

Direction = Literal["up", "down"]

_PATTERNS = {
    "device": re.compile(r"[A-Za-z0-9_-]{8,64}"),
    "claim": re.compile(r"[A-Za-z0-9_-]{8,64}"),
    "session": re.compile(r"[0-9a-f]{32}"),
    "rid": re.compile(r"[A-Za-z0-9_-]{1,64}"),
    "stream": re.compile(r"[a-z0-9_]{1,32}"),
}

# verb -> what its last segment is; "" is a verb that stands alone
_ANSWERS = {"challenge": "rid", "accepted": "rid", "pending": "rid", "rejected": "rid"}
_BOOTSTRAP: dict[str, dict[str, str]] = {"up": {"hello": "", "enroll": "rid"}, "down": _ANSWERS}
_DEVICE: dict[str, dict[str, str]] = {
    "up": {"confirm": "rid", "renew": "rid", "tele": "stream", "evidence": "rid", "state": ""},
    "down": {**_ANSWERS, "notice": ""},
}
_PUBLIC = frozenset({"cacerts", "crlinfo"})

BOOTSTRAP_UP = "mtr/1/b/+/+/up/#"
DEVICE_UP = "mtr/1/d/+/up/#"
BRIDGE_FILTERS = (BOOTSTRAP_UP, DEVICE_UP)
BRIDGE_CLIENT_ID = "mtr.bridge"
"""Holds a dot, which no device id may: no certificate can name this client and take it over."""


def check(field: str, value: str) -> str:
    """`value` unchanged if it is a valid segment of kind `field`: device, claim, session, rid, stream."""
    if not _PATTERNS[field].fullmatch(value):
        raise MalformedTopic(
            f"{field} {value[:80]!r} does not match {_PATTERNS[field].pattern}.",
            next_step="Use letters, digits, '_' and '-' within the length given.",
            field=field,
        )
    return value


def _check_verb(tree: dict[str, dict[str, str]], direction: str, verb: str, arg: str) -> None:
    kind = tree.get(direction, {}).get(verb)
    if kind is None:
        raise MalformedTopic(f"There is no {direction[:16]!r}/{verb[:32]!r} here.", field="verb")
    if kind:
        check(kind, arg)
    elif arg:
        raise MalformedTopic(f"{verb} takes no last segment.", field="arg")


@dataclass(frozen=True, slots=True)
class BootstrapTopic:
    """`mtr/1/b/{claim}/{session}/{direction}/{verb}[/{rid}]`: before a device has our certificate."""

    claim: str
    session: str
    direction: Direction
    verb: str
    rid: str = ""
    """Empty for hello, which opens the session."""

    def __post_init__(self) -> None:
        check("claim", self.claim)
        check("session", self.session)
        _check_verb(_BOOTSTRAP, self.direction, self.verb, self.rid)

    def __str__(self) -> str:
        head = f"mtr/1/b/{self.claim}/{self.session}/{self.direction}/{self.verb}"
        return f"{head}/{self.rid}" if self.rid else head

    def answer(self, verb: str, rid: str) -> BootstrapTopic:
        """Where an answer goes: always under the caller's own `down/`, whatever it asked for."""
        return BootstrapTopic(self.claim, self.session, "down", verb, rid)


@dataclass(frozen=True, slots=True)
class DeviceTopic:
    """`mtr/1/d/{device_id}/{direction}/{verb}[/{arg}]`; `arg` is a request id or a telemetry stream."""

    device_id: str
    direction: Direction
    verb: str
    arg: str = ""

    def __post_init__(self) -> None:
        check("device", self.device_id)
        _check_verb(_DEVICE, self.direction, self.verb, self.arg)

    def __str__(self) -> str:
        head = f"mtr/1/d/{self.device_id}/{self.direction}/{self.verb}"
        return f"{head}/{self.arg}" if self.arg else head

    def answer(self, verb: str, rid: str = "") -> DeviceTopic:
        """Where an answer goes: always under the caller's own `down/`, whatever it asked for."""
        return DeviceTopic(self.device_id, "down", verb, rid)


@dataclass(frozen=True, slots=True)
class PublicTopic:
    """`mtr/1/pub/{name}`: retained, signed, readable by all."""

    name: str

    def __post_init__(self) -> None:
        if self.name not in _PUBLIC:
            raise MalformedTopic(f"There is no public topic {self.name[:32]!r}.", field="name")

    def __str__(self) -> str:
        return f"mtr/1/pub/{self.name}"


Topic = BootstrapTopic | DeviceTopic | PublicTopic


def _direction(word: str) -> Direction:
    if word == "up":
        return "up"
    if word == "down":
        return "down"
    raise MalformedTopic(f"{word[:16]!r} is neither up nor down.", field="direction")


def parse(topic: str) -> Topic:
    """The noun that a topic of the contract names; `str()` of it is the same topic. Raises MalformedTopic."""
    match topic.split("/"):
        case ["mtr", "1", "b", claim, session, way, verb]:
            return BootstrapTopic(claim, session, _direction(way), verb)
        case ["mtr", "1", "b", claim, session, way, verb, rid] if rid:
            return BootstrapTopic(claim, session, _direction(way), verb, rid)
        case ["mtr", "1", "d", device_id, way, verb]:
            return DeviceTopic(device_id, _direction(way), verb)
        case ["mtr", "1", "d", device_id, way, verb, arg] if arg:
            return DeviceTopic(device_id, _direction(way), verb, arg)
        case ["mtr", "1", "pub", name]:
            return PublicTopic(name)
    raise MalformedTopic(f"{topic[:120]!r} is not a topic of mtr/1.", field="topic")


def device_down(device_id: str) -> str:
    """The filter under which a device hears everything addressed to it."""
    return f"mtr/1/d/{check('device', device_id)}/down/#"


def bootstrap_down(claim: str, session: str) -> str:
    """The filter under which an enrolment session hears its answers."""
    return f"mtr/1/b/{check('claim', claim)}/{check('session', session)}/down/#"


def shared(group: str, topic_filter: str) -> str:
    """A shared subscription (MQTT 5 4.8.2): several bridges, each message to one of them."""
    return f"$share/{check('stream', group)}/{topic_filter}"
