"""A delegate's signature under an answer, and the end that all its answers share."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from pki import asn1
from pki.algorithms import SignatureAlgorithm
from pki.ocsp import NEVER_ISSUED, Responder, SingleAnswer, build_response
from pki.tbs import Certificate
from service.authority import Signing


class DelegateSigner:
    """One of a CA's two delegates."""

    def __init__(self, signing: Signing, issuer: Certificate) -> None:
        self._responder = Responder(signing.certificate, signing.key.classical)
        self._tail = asn1.explicit(0, asn1.sequence(signing.certificate.der))
        self.algorithm: Final[SignatureAlgorithm] = signing.key.classical.signs_with
        self._ends = min(signing.certificate.not_after, issuer.not_after)

    def until(self, now: datetime, lifetime: timedelta) -> datetime:
        """The end of an answer that begins now: never after the delegate's, nor the CA's."""
        return min(now + lifetime, self._ends)

    def sign(
        self, answers: Sequence[SingleAnswer], now: datetime, nonce: bytes | None
    ) -> tuple[bytes, bytes]:
        """A response in two pieces: its own octets, and the delegate's certificate, kept once for all."""
        extended = any(answer.status == NEVER_ISSUED for answer in answers)
        response = build_response(
            answers=answers,
            responder=self._responder,
            produced_at=now,
            nonce=nonce,
            extended_revoke=extended,
        )
        return response.removesuffix(self._tail), self._tail
