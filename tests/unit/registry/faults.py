"""What may happen between two steps of a walk: a CA that is interrupted after it signed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from pki.issuer import IssuanceToken, IssuedCertificate, Issuer
from pki.profiles import BRIDGE, SubjectFacts
from registry.issuance import IssuanceOrder, issue
from registry.model.certificate import CertificateRecord
from registry.pending import IssuingParts
from tests.unit.registry.hospital import ENGINEER, Hospital, authority, device_key


class Crash(Exception):
    """The process is gone here."""


class InterruptedIssuer(Issuer):
    """Signs; then something happens before anybody can record it."""

    __slots__ = ("_then",)

    def __init__(self, sound: Issuer, then: Callable[[], object]) -> None:
        super().__init__(sound.certificate, authority()[2], sound.urls)
        self._then = then

    def issue(self, token: IssuanceToken) -> IssuedCertificate:
        """The signature, and then the event."""
        signed = super().issue(token)
        self._then()
        return signed


def interrupted(hospital: Hospital, then: Callable[[], object]) -> IssuingParts:
    """The hospital's CA with an event between signature and record."""
    return replace(hospital.parts, issuer=InterruptedIssuer(hospital.parts.issuer, then))


def crash() -> None:
    """Ends the walk on the spot."""
    raise Crash


def server_certificate(hospital: Hospital, *, issuer: str, days: int = 30) -> CertificateRecord:
    """One of our own servers', which belongs to no device and is active at once."""
    facts = SubjectFacts(common_name="Test Bridge")
    order = IssuanceOrder(BRIDGE, facts, device_key().public, timedelta(days=days), issuer_name=issuer)
    return issue(order, ENGINEER, ports=hospital.ports, issuer=hospital.parts.issuer).record
