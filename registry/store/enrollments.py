"""Join tokens, challenges and answered requests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, delete, insert, select, update

from registry.model.certificate import CertificateSerial
from registry.model.device import DeviceId
from registry.model.enrollment import Challenge, JoinToken
from registry.store.tables import ChallengeRow, RequestRow, TokenRow, table

_TOKEN: Final = table(TokenRow)
_CHALLENGE: Final = table(ChallengeRow)
_REQUEST: Final = table(RequestRow)


@dataclass(frozen=True, slots=True)
class AnsweredRequest:
    """What an idempotent repetition must give again."""

    device_id: DeviceId
    request_id: str
    body_hash: bytes
    certificate_serial: CertificateSerial
    log_index: int
    answered_at: datetime


class Enrollments:
    """The state of the enrolment dialogue."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

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
        query = select(_TOKEN).where(_TOKEN.c.device_id == device_id).order_by(_TOKEN.c.created_at.desc())
        return [_token(row) for row in self._connection.execute(query).mappings()]

    def spend_token(
        self, token_id: str, at: datetime, on: CertificateSerial, before: CertificateSerial | None
    ) -> bool:
        """Mark as spent; `before` is what it was spent on (abandoned since). False: another was first."""
        unchanged = (_TOKEN.c.token_id == token_id) & _TOKEN.c.spent_on.is_not_distinct_from(before)
        done = self._connection.execute(update(_TOKEN).where(unchanged).values(spent_at=at, spent_on=on))
        return done.rowcount == 1

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
        self._connection.execute(insert(_CHALLENGE).values(**row))

    def challenge_of(self, session: str) -> Challenge | None:
        """The session's open challenge."""
        query = select(_CHALLENGE).where(_CHALLENGE.c.session == session)
        row = self._connection.execute(query).mappings().first()
        if row is None:
            return None
        device_id = DeviceId(row["device_id"])
        return Challenge(device_id, row["session"], row["request_id"], row["nonce"], row["expires_at"])

    def drop_challenge(self, session: str) -> None:
        """A nonce is good once."""
        self._connection.execute(delete(_CHALLENGE).where(_CHALLENGE.c.session == session))

    def prune(self, before: datetime) -> int:
        """Forget challenges that expired before the moment; how many."""
        return self._connection.execute(delete(_CHALLENGE).where(_CHALLENGE.c.expires_at < before)).rowcount

    def answer(self, answered: AnsweredRequest) -> None:
        """Record; the same id again is a Conflict."""
        row = {name: getattr(answered, name) for name in AnsweredRequest.__slots__}
        self._connection.execute(insert(_REQUEST).values(**row))

    def answered(self, device_id: str, request_id: str) -> AnsweredRequest | None:
        """The stored answer to a request of this device."""
        query = select(_REQUEST).where(_REQUEST.c.device_id == device_id, _REQUEST.c.request_id == request_id)
        row = self._connection.execute(query).mappings().first()
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
