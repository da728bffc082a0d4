"""A real proof for keys that cannot sign: encapsulate to the key, demand the answer, spend it once.

What is kept is the hash of the right answer: who reads the store learns nothing that answers.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from pki.csr import Request
from registry.model.device import DeviceId
from registry.model.enrollment import Challenge
from registry.model.errors import BadInput, NonceExpired, Unauthenticated
from registry.model.kem_challenge import KemAnswer, KemChallenge
from registry.model.transcript import same
from registry.ports import Ports
from registry.store.unit_of_work import UnitOfWork

CHALLENGE_LIVES: Final = timedelta(days=1)
"""It may travel on a stick to a device that no network reaches."""


def challenge_key(request: Request, *, ports: Ports) -> KemChallenge:
    """A challenge to the request's ML-KEM key; BadInput for a key that can sign for itself."""
    key = request.public.classical
    if not key.algorithm.is_kem:
        raise BadInput(
            f"The key of the request is {key.algorithm}: its signature is its proof.",
            next_step="Issue without a challenge: medtrust cert issue.",
            field="subjectPublicKeyInfo",
        )
    now = ports.clock()
    shared_secret, ciphertext = key.encapsulate()
    given = KemChallenge(
        ports.entropy(16).hex(),
        hashlib.sha256(request.der).digest(),
        ciphertext,
        (now + CHALLENGE_LIVES).replace(microsecond=0),
    )
    kept = hashlib.sha256(given.answer(shared_secret)).digest()
    row = Challenge(
        DeviceId(""), _session(given.challenge_id), given.csr_sha256.hex(), kept, given.expires_at
    )
    with ports.store.write() as uow:
        uow.enrollments.prune(now)
        uow.enrollments.put_challenge(row)
    return given


def check_answer(request: Request, answer: KemAnswer, *, now: datetime, uow: UnitOfWork) -> None:
    """The answer opens this request's challenge, now; NonceExpired or Unauthenticated."""
    given = uow.enrollments.challenge_of(_session(answer.challenge_id))
    if given is None or given.expires_at <= now:
        raise NonceExpired(
            "The challenge is over, was used, or was never given.",
            next_step="Get a new one: medtrust cert challenge.",
            field="answer",
        )
    if given.request_id != hashlib.sha256(request.der).hexdigest():
        raise Unauthenticated(
            "The answer is to the challenge of another request.",
            next_step="Give the request for which the challenge was made.",
            field="answer",
        )
    if not same(given.nonce, hashlib.sha256(answer.proof).digest()):
        raise Unauthenticated(
            "The answer is wrong: whoever made it does not hold the key of the request.",
            next_step="Answer with the private key of this request: medtrust cert answer.",
            field="answer",
        )


def spend_answer(request: Request, answer: KemAnswer, *, now: datetime, uow: UnitOfWork) -> None:
    """In the intention's transaction: an answer is good for one certificate, whoever races us."""
    check_answer(request, answer, now=now, uow=uow)
    uow.enrollments.drop_challenge(_session(answer.challenge_id))


def _session(challenge_id: str) -> str:
    # Sessions of devices are the bridge's own names; this prefix is none of them.
    return f"kem:{challenge_id}"
