"""Join tokens, challenges and answered requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from registry.model.certificate import CertificateSerial
from registry.model.device import DeviceId
from registry.model.enrollment import Challenge, JoinToken
from registry.store.quick import Driver, Quick
from registry.store.tables import ChallengeRow, RequestRow, TokenRow, table

_TOKEN: Final = table(TokenRow)
_CHALLENGE: Final = table(ChallengeRow)
_REQUEST: Final = table(RequestRow)
_TOKENS_OF: Final = Quick(
    select(_TOKEN).where(_TOKEN.c.device_id == bindparam("device_id")).order_by(_TOKEN.c.created_at.desc())
)
_SPEND: Final = Quick(
    update(_TOKEN).where(
        _TOKEN.c.token_id == bindparam("of_id"), _TOKEN.c.spent_on.is_not_distinct_from(bindparam("before"))
    ),
    *("spent_at", "spent_on"),
)
_OF_SESSION: Final = _CHALLENGE.c.session == bindparam("of_session")
_CHALLENGE_OF: Final = Quick(select(_CHALLENGE).where(_OF_SESSION))
_PUT_CHALLENGE: Final = Quick(
    insert(_CHALLENGE), *("session", "device_id", "request_id", "nonce", "expires_at")
)
_DROP_CHALLENGE: Final = Quick(delete(_CHALLENGE).where(_OF_SESSION))
_PRUNE: Final = Quick(delete(_CHALLENGE).where(_CHALLENGE.c.expires_at < bindparam("before")))
_ANSWERED: Final = Quick(
    select(_REQUEST).where(
        _REQUEST.c.device_id == bindparam("device_id"), _REQUEST.c.request_id == bindparam("request_id")
    )
)


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """What an idempotent repetition must give again."""

    device_id: DeviceId
    request_id: str
    body_hash: bytes
    certificate_serial: CertificateSerial
    log_index: int
    answered_at: datetime


_ANSWER: Final = Quick(insert(_REQUEST), *AnsweredRequest.__slots__)


class Enrollments:
    """The state of the enrolment dialogue."""

    def __init__(self, connection: Connection, driver: Driver) -> None:
        self._connection = connection
        self._driver = driver

    def add_token(self, token: JoinToken) -> None:
        """Insert."""
        row = {
            "token_id": token.token_id,
            "device_id": token.device_id,
            "key": token.key,
            "created_at": token.created_at,
            "expires_at": token.expires_at,
        }
        self._connection.execute(insert(_TOKEN).values(**row))

    def tokens_of(self, device_id: str) -> list[JoinToken]:
        """All tokens ever made for a device, newest first."""
        return [_token(row) for row in _TOKENS_OF.rows(self._driver, {"device_id": device_id})]

    def spend_token(
        self, token_id: str, at: datetime, on: CertificateSerial, before: CertificateSerial | None
    ) -> bool:
        """Mark as spent; `before` is what it was spent on (abandoned since). False: another was first."""
        values = {"of_id": token_id, "before": before, "spent_at": at, "spent_on": on}
        return _SPEND.run(self._driver, values) == 1

    def put_challenge(self, challenge: Challenge) -> None:
        """The session's one open challenge; a new hello replaces it."""
        self.drop_challenge(challenge.session)
        row = {
            "session": challenge.session,
            "device_id": challenge.device_id,
            "request_id": challenge.request_id,
            "nonce": challenge.nonce,
            "expires_at": challenge.expires_at,
        }
        _PUT_CHALLENGE.run(self._driver, row)

    def challenge_of(self, session: str) -> Challenge | None:
        """The session's open challenge."""
        row = _CHALLENGE_OF.first(self._driver, {"of_session": session})
        if row is None:
            return None
        device_id = DeviceId(row["device_id"])
        return Challenge(device_id, row["session"], row["request_id"], row["nonce"], row["expires_at"])

    def drop_challenge(self, session: str) -> None:
        """A nonce is good once."""
        _DROP_CHALLENGE.run(self._driver, {"of_session": session})

    def prune(self, before: datetime) -> int:
        """Forget challenges that expired before the moment; how many."""
        return _PRUNE.run(self._driver, {"before": before})

    def answer(self, answered: AnsweredRequest) -> None:
        """Record; the same id again is a Conflict."""
        _ANSWER.run(self._driver, {name: getattr(answered, name) for name in AnsweredRequest.__slots__})

    def answered(self, device_id: str, request_id: str) -> AnsweredRequest | None:
        """The stored answer to a request of this device."""
        row = _ANSWERED.first(self._driver, {"device_id": device_id, "request_id": request_id})
        return None if row is None else AnsweredRequest(**row)


def _token(row: Mapping[Any, Any]) -> JoinToken:
    return JoinToken(
        row["token_id"],
        DeviceId(row["device_id"]),
        row["key"],
        row["created_at"],
        row["expires_at"],
        row["spent_at"],
        row["spent_on"] and CertificateSerial(row["spent_on"]),
    )
