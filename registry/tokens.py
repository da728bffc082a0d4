"""One-time join tokens: 128 bits, shown once, stored as the key of an HMAC, at most 24 hours."""

from __future__ import annotations

import base64
from datetime import datetime, timedelta
from typing import Final

from audit.leaf import DetailValue, Leaf
from registry.lookup import get_device
from registry.model import transcript
from registry.model.actor import Actor
from registry.model.device import DeviceId, DeviceState
from registry.model.enrollment import JoinToken
from registry.model.errors import BadInput, Conflict, Refused, Unauthenticated
from registry.ports import Ports
from registry.store.unit_of_work import UnitOfWork

MOST_HOURS: Final = 24
_PREFIX: Final = "mtj1_"
MAY_JOIN: Final = (DeviceState.APPROVED, DeviceState.ENROLLING)
"""A person has said yes, and no certificate was confirmed yet."""


def create_token(
    device_id: DeviceId, actor: Actor, *, ports: Ports, lifetime: timedelta = timedelta(hours=MOST_HOURS)
) -> tuple[str, JoinToken]:
    """(the token, to be shown once; what is stored). The device must have been approved."""
    if not timedelta() < lifetime <= timedelta(hours=MOST_HOURS):
        raise BadInput(f"A join token lives at most {MOST_HOURS} hours.", field="lifetime")
    now = ports.clock()
    secret = _PREFIX + base64.b32encode(ports.entropy(16)).decode().rstrip("=").lower()
    with ports.store.write() as uow:
        device = get_device(device_id, uow)
        if device.state not in MAY_JOIN:
            step = (
                f"Approve it first: medtrust device approve {device_id}."
                if device.state is DeviceState.REGISTERED
                else f"See: medtrust device show {device_id}."
            )
            raise Refused(f"The device is {device.state}, not approved.", next_step=step, field="state")
        key = transcript.token_key(secret)
        token = JoinToken(ports.entropy(8).hex(), device_id, key, now, now + lifetime)
        uow.enrollments.add_token(token)
        detail: dict[str, DetailValue] = {
            "token": token.token_id,
            "hours": int(lifetime.total_seconds() // 3600),
        }
        uow.log.append(Leaf(kind="token.created", at=now, actor=str(actor), subject=device_id, detail=detail))
    return secret, token


def matching_token(
    device_id: DeviceId, given: bytes, signed: bytes, *, now: datetime, uow: UnitOfWork
) -> JoinToken:
    """The unspent token whose HMAC over `signed` was given.

    Who does not hold any token of the device learns nothing more than that; a holder learns what is wrong.
    """
    for token in uow.enrollments.tokens_of(device_id):
        if not transcript.same(transcript.token_hmac(token.key, signed), given):
            continue
        if token.spent_at is not None and not _never_delivered(token, uow):
            raise Conflict(
                "The join token was used before.",
                next_step="Ask for a new one: medtrust token create.",
                field="token_hmac",
            )
        if token.expires_at <= now:
            raise Unauthenticated(
                "The join token has expired.",
                next_step="Ask for a new one: medtrust token create.",
                field="token_hmac",
            )
        return token
    raise Unauthenticated(
        "No join token of this device gives that HMAC.",
        next_step="Check the token and the device id: medtrust token create.",
        field="token_hmac",
    )


def _never_delivered(token: JoinToken, uow: UnitOfWork) -> bool:
    # A crash between intention and certificate must not cost the engineer her token.
    record = uow.certificates.get(token.spent_on) if token.spent_on else None
    return record is not None and record.state.value == "abandoned"
