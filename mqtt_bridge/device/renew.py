"""A new certificate for new keys, asked for under the current one; the live session is not cut for it."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from mqtt_bridge import topics
from mqtt_bridge.device.dialogue import Dialogue
from mqtt_bridge.device.enroll import keep, signatures
from mqtt_bridge.device.errors import Rejected, RejectedNow
from mqtt_bridge.device.identity import Attempt, Home
from mqtt_bridge.messages import Accepted, Renew, encode
from mqtt_bridge.octets import Octets
from pki import csr
from pki.tbs import Certificate
from registry.model import transcript

_JITTER = 0.1


def due_at(certificate: Certificate) -> datetime:
    """At 2/3 of the life, scattered by 10 % of it so that a fleet enrolled in one day does not return in one.

    The scatter comes from the fingerprint: it differs between devices and stays over restarts.
    """
    life: timedelta = certificate.not_after - certificate.not_before
    scatter = int.from_bytes(certificate.fingerprint[:4], "big") / 2**32 - 0.5
    return certificate.not_before + life * (2 / 3 + _JITTER * scatter)


def ask_for_renewal(home: Home, dialogue: Dialogue, now: datetime) -> None:
    """Sends renew and keeps the new chain; the current certificate is active until the new is confirmed."""
    attempt = _with_request(home)
    topic = topics.DeviceTopic(home.state.device_id, "up", "renew", attempt.rid)
    try:
        accepted = dialogue.ask(
            topic, attempt.request or b"", rid=attempt.rid, expect="accepted", kind=Accepted
        )
    except RejectedNow:
        raise
    except Rejected:
        home.abandon()
        raise
    keep(home, accepted, now)


def _with_request(home: Home) -> Attempt:
    attempt = home.state.attempt or home.begin("renew", rid=secrets.token_hex(8))
    if attempt.request is not None:
        return attempt
    device_id, active = home.state.device_id, home.active
    new, current = home.key(attempt.generation), home.key(active)
    fingerprint = home.certificate(active).fingerprint
    request = csr.build(new, common_name=device_id)
    signed = transcript.renew(request, device_id, attempt.rid, fingerprint)
    message = Renew(
        rid=attempt.rid,
        csr=Octets(request),
        current_fingerprint=fingerprint.hex(),
        proof=signatures(new, signed),
        current_proof=signatures(current, signed),
    )
    return home.save_attempt(request=Octets(encode(message)))
