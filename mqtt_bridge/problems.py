"""Errors at the MQTT edge: which status a device is told, with the step that failed (RFC 9457)."""

from __future__ import annotations

from typing import Final

from audit.errors import AuditError
from mqtt_bridge.errors import BridgeError
from mqtt_bridge.messages import BadMessage, Pending, Problem
from pki.errors import PkiError
from registry.model.errors import (
    AwaitingApproval,
    BadInput,
    Conflict,
    DependencyDown,
    NonceExpired,
    NotFound,
    Refused,
    RegistryError,
    Unauthenticated,
    Unprocessable,
)

_STATUS: Final[tuple[tuple[type[RegistryError], int], ...]] = (
    (Unprocessable, 422),
    (BadInput, 400),
    (NonceExpired, 410),
    (Unauthenticated, 401),
    (Refused, 403),
    (NotFound, 404),
    (Conflict, 409),
    (DependencyDown, 503),
)
_TITLES: Final = {
    400: "Bad request",
    401: "Proof does not hold",
    403: "Refused",
    404: "Not found",
    409: "Conflict",
    410: "Challenge expired",
    413: "Too large",
    422: "Request cannot be granted",
    429: "Too many requests",
    500: "Internal error",
    503: "Try again later",
}
_PKI_STATUS: Final = {"usage": 400, "refused": 422, "conflict": 409, "dependency": 503, "not_found": 404}


class TooManyRequests(BridgeError):
    """One sender asks more often than a device has reason to."""

    kind = "refused"


def answer_to(error: Exception, *, rid: str, step: str) -> Pending | Problem:
    """What the device is told: never more than our own sentences, never a traceback."""
    if isinstance(error, AwaitingApproval):
        return Pending(rid=rid, retry_after=error.retry_after, detail=error.problem)
    if isinstance(error, PkiError) and _status(error) == 422:
        # What the issuer refuses is the request; its next step speaks to our own code, not to a device.
        field = f"csr.{error.field}" if error.field else "csr"
        return _problem(422, error.problem, rid=rid, step=step, field=field)
    if isinstance(error, RegistryError | BridgeError | PkiError | AuditError):
        step = error.step if isinstance(error, BadMessage) else step
        return _problem(_status(error), str(error), rid=rid, step=step, field=error.field)
    return _problem(500, "Something failed on our side; the request may be sent again.", rid=rid, step=step)


def _status(error: Exception) -> int:
    if isinstance(error, BadMessage):
        return error.status
    if isinstance(error, TooManyRequests):
        return 429
    if isinstance(error, RegistryError):
        return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    if isinstance(error, PkiError):
        return _PKI_STATUS.get(error.kind, 500)
    return 503 if isinstance(error, BridgeError) and error.kind == "dependency" else 500


def _problem(status: int, detail: str, *, rid: str, step: str, field: str = "") -> Problem:
    kind = f"urn:medtrust:problem:{step}" if step else "about:blank"
    return Problem(
        type=kind,
        status=status,
        title=_TITLES[status],
        detail=detail[:1024],
        rid=rid,
        step=step,
        field=field[:128],
    )
