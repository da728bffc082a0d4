"""What a device can be told, or find out, that ends what it was doing."""

from __future__ import annotations

from typing import ClassVar

from mqtt_bridge.errors import BridgeError, Kind
from mqtt_bridge.messages import Pending, Problem


class StateUnusable(BridgeError):
    """The state directory cannot be read, written or trusted."""


class WrongInput(BridgeError):
    """A file, flag or token that the device was given is not what it should be."""

    kind = "usage"


class StateBusy(BridgeError):
    """Another process uses this state directory: two holders of one identity look like a clone."""

    kind = "conflict"


class NotEnrolled(BridgeError):
    """There is no certificate yet."""

    kind = "not_found"


class AlreadyEnrolled(BridgeError):
    """There is a certificate already."""

    kind = "conflict"


class OwnerNotProven(BridgeError):
    """What answered is not the registry under our pinned root."""

    kind = "refused"


class NotConnected(BridgeError):
    """There is no live session to say it on."""

    kind = "dependency"


class NoAnswer(BridgeError):
    """The registry did not answer in time; the same request may be sent again."""

    kind = "dependency"


class AwaitingApproval(BridgeError):
    """A person has to decide; `retry_after` seconds."""

    def __init__(self, pending: Pending) -> None:
        super().__init__(
            f"A person has to approve this device. {pending.detail}".strip(),
            next_step=f"Run the same command again after {pending.retry_after} s.",
        )
        self.retry_after = pending.retry_after


class Rejected(BridgeError):
    """The registry said no: `problem_details` holds status, step and field."""

    kind: ClassVar[Kind] = "refused"

    def __init__(self, problem: Problem) -> None:
        super().__init__(f"{problem.title}: {problem.detail}".strip(": "), field=problem.field)
        self.problem_details = problem

    @property
    def step(self) -> str:
        """Which stage failed."""
        return self.problem_details.step


class RejectedNow(Rejected):
    """Too many requests, or the registry cannot work now: the same request may pass later."""

    kind = "dependency"


class RejectedConflict(Rejected):
    """Somebody else holds the name, or the request id was used for another request."""

    kind = "conflict"


class RejectedUnknown(Rejected):
    """The registry knows no such device."""

    kind = "not_found"


_BY_STATUS: dict[int, type[Rejected]] = {
    404: RejectedUnknown,
    409: RejectedConflict,
    429: RejectedNow,
    500: RejectedNow,
    502: RejectedNow,
    503: RejectedNow,
    504: RejectedNow,
}


def rejected(problem: Problem) -> Rejected:
    """The error that a problem message stands for."""
    return _BY_STATUS.get(problem.status, Rejected)(problem)
