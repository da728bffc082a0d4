"""Is a responder, or the cache in front of it, fresh? Asked as a cache would be: by GET, without a nonce."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from pki import asn1
from pki.crl_entry import read_entry
from pki.ocsp_response import Good, Revoked, SingleAnswer
from pki.tbs import Certificate
from registry.model.certificate import of_int
from registry.store.unit_of_work import UnitOfWork
from service.authorities import read_register
from service.authority import REGISTRY, certificate_file
from service.checks import Check, Level
from service.ocsp_query import Question, ask
from service.pem import read_certificate
from service.runtime import Runtime

PREFIX: Final = "ocsp+"
_STEP: Final = "Look at the responder, and at the cache in front of it: medtrust ocsp query."


def responder_checks(place: str, runtime: Runtime) -> Iterator[Check]:
    """About a certificate that is good, and about the one that was revoked, held or released last."""
    url = place[len(PREFIX) :]
    certificates = [read_certificate(certificate_file(runtime.home, name)) for name in _own(runtime)]
    default = read_certificate(certificate_file(runtime.home, read_register(runtime.home).default))
    with runtime.store.read() as uow:
        changed = _last_changed(read_register(runtime.home).default, uow, runtime)
    asked = [c for c in certificates if c.issuer == default.subject]
    for certificate in [*asked, *([changed] if changed else [])]:
        yield from _answer_checks(place, url, certificate, default, runtime)


def _own(runtime: Runtime) -> Iterator[str]:
    if certificate_file(runtime.home, REGISTRY).exists():
        yield REGISTRY


def _last_changed(issuer: str, uow: UnitOfWork, runtime: Runtime) -> Certificate | None:
    for content in uow.revocations.changed_since(issuer, uow.revocations.last_change(issuer) - 1):
        entry = read_entry(asn1.sequence(content), 0)
        record = uow.certificates.get(of_int(entry.certificate_serial))
        if record is not None and record.der is not None and record.not_after > runtime.ports.clock():
            return Certificate.parse(record.der)
    return None


def _answer_checks(
    place: str, url: str, certificate: Certificate, issuer: Certificate, runtime: Runtime
) -> Iterator[Check]:
    serial = of_int(certificate.serial)
    label = f"{place}: {serial}"
    answered = ask(url, Question(certificate=certificate, issuer=issuer), runtime.ports.clock)
    believed = answered.believed
    if believed is None:
        why = next(finding.message for finding in answered.findings if finding.refuses)
        yield Check(label, Level.CRITICAL, f"The answer is not to be believed: {why}", _STEP)
        return
    # Read after the answer: what is revoked in between is no fault of the responder's.
    with runtime.store.read() as uow:
        record = uow.certificates.get(serial)
    revoked_at = record.revoked_at if record is not None else None
    good = isinstance(believed.status, Good)
    until = f"{believed.next_update:%Y-%m-%d %H:%M}Z"
    if good == (revoked_at is None):
        yield _age_check(label, believed, runtime, "good" if good else "revoked")
    elif good and revoked_at is not None and believed.this_update < revoked_at:
        message = f"It says good, and we revoked it at {revoked_at:%Y-%m-%d %H:%M}Z: let in until {until}"
        yield Check(label, Level.WARNING, message, _STEP)
    else:
        word = "good" if good else "revoked" if isinstance(believed.status, Revoked) else "unknown"
        truth = "good" if revoked_at is None else f"revoked at {revoked_at:%Y-%m-%d %H:%M}Z"
        yield Check(label, Level.CRITICAL, f"It says {word}, and our store says {truth}", _STEP)


def _age_check(label: str, believed: SingleAnswer, runtime: Runtime, word: str) -> Check:
    until = believed.next_update or believed.this_update
    left: timedelta = until - runtime.ports.clock()
    if left < (until - believed.this_update) / 3:
        message = (
            f"{word}, and rightly, but less than a third of the answer's life is left, until {until:%H:%M}Z"
        )
        return Check(label, Level.WARNING, message, _STEP)
    return Check(label, Level.OK, f"{word}, and rightly, until {until:%Y-%m-%d %H:%M}Z")
