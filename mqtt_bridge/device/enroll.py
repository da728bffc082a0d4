"""hello -> challenge -> enroll -> accepted, on the bootstrap listener; then confirm, on the ops listener.

Before each step that the registry may remember, what we send is on our disk: a crash at any point is
followed by the same bytes again, and the registry answers them with the same certificate.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from typing import Literal

from mqtt_bridge import topics
from mqtt_bridge.device import owner
from mqtt_bridge.device.dialogue import Dialogue
from mqtt_bridge.device.errors import AlreadyEnrolled, AwaitingApproval, Rejected, RejectedNow, WrongInput
from mqtt_bridge.device.identity import Attempt, Home
from mqtt_bridge.messages import (
    HYBRID_ALGORITHMS,
    Accepted,
    Challenge,
    Confirm,
    ConfirmAccepted,
    Enroll,
    Hello,
    Signatures,
    encode,
)
from mqtt_bridge.octets import Octets
from pki import csr
from pki.keys import HybridPrivateKey
from registry.model import transcript

CLIENT = "medtrust-device/1"


def signatures(key: HybridPrivateKey, data: bytes) -> Signatures:
    """Every key's signature over `data`."""
    alternative = Octets(key.alternative.sign(data)) if key.alternative else None
    return Signatures(classical=Octets(key.classical.sign(data)), alternative=alternative)


def prepare(
    home: Home,
    *,
    device_id: str,
    root_pem: bytes,
    now: datetime,
    protocol: Literal["5", "3.1.1"] = "3.1.1",
) -> Attempt:
    """The attempt to go on with, a new one where there is none. Raises AlreadyEnrolled, WrongInput."""
    topics.check("device", device_id)
    if home.is_new:
        home.create(device_id, root_pem, protocol=protocol)
    if home.state.device_id != device_id:
        raise WrongInput(
            f"This state directory belongs to {home.state.device_id}.",
            next_step="Use one state directory a device.",
            field="device_id",
        )
    if home.state.active is not None:
        raise AlreadyEnrolled(
            f"{device_id} has a certificate.", next_step="Run medtrust-device renew.", field="device_id"
        )
    home.pin(root_pem)
    forget_void(home, now)
    if home.state.attempt is not None:
        return home.state.attempt
    return home.begin("enroll", rid=secrets.token_hex(8), session=secrets.token_hex(16))


def forget_void(home: Home, now: datetime) -> None:
    """An issued certificate that was not confirmed in time is void at the registry: so it is here."""
    attempt = home.state.attempt
    if attempt is None or attempt.activate_before is None:
        return
    if owner.instant(attempt.activate_before, "activate_before") <= now:
        home.abandon()


def ask_for_certificate(home: Home, dialogue: Dialogue, *, token: str, clock: Callable[[], datetime]) -> None:
    """Sends hello and enroll, keeps the chain. A final no forgets the attempt, so that the next is fresh."""
    attempt = home.attempt
    claim = home.state.device_id
    up = topics.BootstrapTopic(claim, attempt.session, "up", "enroll", attempt.rid)
    try:
        if attempt.request is None:
            challenge = _hello(home, dialogue, clock)
            enroll = _request(home, challenge, token=token)
            # From here on a crash repeats these bytes: the token is not needed again.
            attempt = home.save_attempt(request=Octets(encode(enroll)))
        payload = attempt.request or Octets()
        accepted = dialogue.ask(up, payload, rid=attempt.rid, expect="accepted", kind=Accepted)
    except AwaitingApproval:
        # People take longer than a nonce lives: the same keys ask again, from hello, with the token.
        home.save_attempt(request=None)
        raise
    except RejectedNow:
        raise
    except Rejected:
        home.abandon()
        raise
    keep(home, accepted, clock())


def _hello(home: Home, dialogue: Dialogue, clock: Callable[[], datetime]) -> Challenge:
    attempt, device_id = home.attempt, home.state.device_id
    hello = Hello(rid=attempt.rid, device_id=device_id, algorithms=[HYBRID_ALGORITHMS], client=CLIENT)
    topic = topics.BootstrapTopic(device_id, attempt.session, "up", "hello")
    challenge = dialogue.ask(topic, encode(hello), rid=attempt.rid, expect="challenge", kind=Challenge)
    owner.verify_challenge(challenge, device_id=device_id, rid=attempt.rid, root=home.root, now=clock())
    return challenge


def _request(home: Home, challenge: Challenge, *, token: str) -> Enroll:
    attempt, device_id = home.attempt, home.state.device_id
    key = home.key(attempt.generation)
    request = csr.build(key, common_name=device_id)
    signed = transcript.enroll(request, challenge.nonce, device_id, device_id)
    return Enroll(
        rid=attempt.rid,
        csr=Octets(request),
        proof=signatures(key, signed),
        token_hmac=Octets(transcript.token_hmac(transcript.token_key(token), signed)),
    )


def keep(home: Home, accepted: Accepted, now: datetime) -> None:
    """Checks the chain against our keys and the root, then stores it. Raises OwnerNotProven."""
    attempt = home.attempt
    chain = [bytes(each) for each in accepted.chain]
    keys = home.key(attempt.generation).public
    owner.verify_issued(chain, device_id=home.state.device_id, keys=keys, root=home.root, now=now)
    owner.instant(accepted.activate_before, "activate_before")
    home.store_chain(attempt.generation, chain)
    # The chain is on the disk before the state says so: a crash in between asks for it again.
    home.save(ops=accepted.ops or home.state.ops)
    home.save_attempt(activate_before=accepted.activate_before)


def confirm(home: Home, dialogue: Dialogue) -> None:
    """The first use of the new certificate, over a connection made with it; then it is the active one."""
    device_id = home.state.device_id
    attempt = _with_confirm(home)
    topic = topics.DeviceTopic(device_id, "up", "confirm", attempt.confirm_rid or "")
    try:
        dialogue.ask(
            topic,
            attempt.confirm or b"",
            rid=attempt.confirm_rid or "",
            expect="accepted",
            kind=ConfirmAccepted,
        )
    except RejectedNow:
        raise
    except Rejected:
        home.abandon()  # void: it was confirmed too late, or revoked meanwhile
        raise
    home.activate()


def _with_confirm(home: Home) -> Attempt:
    attempt = home.attempt
    if attempt.confirm is not None:
        return attempt
    rid = secrets.token_hex(8)
    fingerprint = home.certificate(attempt.generation).fingerprint
    signed = transcript.confirm(home.state.device_id, rid, fingerprint)
    message = Confirm(
        rid=rid,
        fingerprint=fingerprint.hex(),
        signature=signatures(home.key(attempt.generation), signed),
    )
    return home.save_attempt(confirm_rid=rid, confirm=Octets(encode(message)))
