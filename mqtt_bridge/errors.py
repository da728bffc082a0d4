"""The one base error of this package: names the field and the next step; an edge translates `kind`."""

from __future__ import annotations

from typing import ClassVar, Literal

Kind = Literal["failed", "usage", "refused", "not_found", "conflict", "dependency"]


class BridgeError(Exception):
    """The MQTT side could not do what was asked."""

    kind: ClassVar[Kind] = "failed"

    def __init__(self, problem: str, *, next_step: str = "", field: str = "") -> None:
        self.problem = problem
        self.next_step = next_step
        self.field = field
        super().__init__(f"{problem} {next_step}".strip())


class MalformedTopic(BridgeError):
    """A topic, or a segment of one, outside the tree of the contract; `field` names the segment."""

    kind = "usage"


class BrokerUnreachable(BridgeError):
    """No broker answered in time, or the connection was lost while waiting for an answer."""

    kind = "dependency"


class BrokerRefused(BridgeError):
    """The broker answered and said no: certificate, password, client id, ACL or subscription."""

    kind = "refused"


class OutboxFull(BridgeError):
    """The bounded outgoing queue of a client is full; the message was not taken."""

    kind = "dependency"


class BrokerMissing(BridgeError):
    """The broker that was asked for is not installed here."""

    kind = "dependency"


class PortTaken(BridgeError):
    """Another process listens on a port of ours; the message names it."""

    kind = "conflict"


class BrokerMisconfigured(BridgeError):
    """A plan that cannot be run: a missing file, a value out of range."""

    kind = "usage"
